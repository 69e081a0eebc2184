"""The results of a bias study as sentences. No sentence claims more than its interval supports."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmeval.types import between, number, part_of, plural, within

Measures = Mapping[str, Any]
"""What a study measured, as in `bias.json`."""
NO_VALUE = "no value"
WITHOUT = {
    "absent": ("With the picture removed", "the picture", "lowers"),
    "swap-category-0": ("With a picture of the same category in its place", "the picture", "lowers"),
    "hidden": ("With the question hidden", "the question", "lowers"),
    "shots-none": ("Without demonstrations", "the demonstrations", "lower"),
    "shots-blind": ("With demonstrations without their pictures", "the demonstrations' pictures", "lower"),
    "shots-shuffled": ("With shuffled answers in the demonstrations", "the demonstrations' answers", "lower"),
    "shots-other": ("With demonstrations of another task", "the demonstrations' task", "lowers"),
}
"""Control -> the opening of the sentence about it, what it takes away, and the verb of a sentence about that."""


def headline(results: Measures) -> list[str]:
    """Return the sentences that say whether the model looks at the picture, or without controls what it prefers."""
    sentences = [*_looks(results), *(() if results.get("controls") else _priors(results))]
    return [*sentences, *(str(remark) for remark in results.get("remarks", ()))]


def reading(results: Measures) -> list[str]:
    """Return half a page of sentences, the most important first."""
    return [
        *_looks(results),
        *_spoiled(results),
        *_after_text(results),
        *_several(results),
        *_priors(results),
        *_solved(results),
        *_likelihoods_and_prompts(results),
        *(str(remark) for remark in results.get("remarks", ())),
    ]


def spread(estimate: Measures, digits: int = 1, unit: str = "") -> str:
    """Return `12.3 (10.1 to 14.5)`, with the unit after the value; the value alone if there is no interval."""
    if estimate["value"] is None:
        return NO_VALUE
    return within(
        f"{number(estimate['value'], digits)}{unit}", between(estimate.get("low"), estimate.get("high"), digits)
    )


def sure(estimate: Measures) -> int:
    """Return 1 if a difference's interval is above zero, -1 if below, 0 if it covers zero or is missing."""
    if estimate.get("low") is None:
        return 0
    if estimate["low"] > 0:
        return 1
    return -1 if estimate["high"] < 0 else 0


def _gain(results: Measures, name: str) -> Measures | None:
    gain = results.get("controls", {}).get(name, {}).get("gain", {}).get("accuracy")
    return gain if gain and gain["value"] is not None else None


def _looks(results: Measures) -> Iterator[str]:
    accuracy = results["seen"]["accuracy"]
    if accuracy["value"] is not None:
        chance = "" if accuracy["chance"] is None else f"; guessing gives {number(accuracy['chance'], 1)}%"
        model = results.get("model", "The model")
        yield f"{model} answers {spread(accuracy, unit='%')} of the questions correctly{chance}."
    elif accuracy.get("reason"):
        yield f"It has no accuracy: {accuracy['reason']}."
    for name, (opening, removed, lowers) in WITHOUT.items():
        gain = _gain(results, name)
        if gain is None:
            continue
        verdicts = {
            1: f"{opening} it loses {spread(gain)} points: its answers depend on {removed}.",
            -1: f"{opening} it gains {spread(_times(gain, -1))} points: {removed} {lowers} its accuracy.",
            0: f"{opening} it loses {spread(gain)} points; the interval covers zero, so these answers do not "
            f"show that it uses {removed}.",
        }
        yield verdicts[sure(gain)]
    mirage = results.get("controls", {}).get("absent", {}).get("mirage")
    if mirage and mirage["value"] is not None:
        yield f"Without any picture it has {spread(_times(mirage, 100), 0, '%')} of its accuracy (the mirage ratio)."
    star = results.get("mmstar")
    if star and "leakage" in star:
        leak = star["leakage"]
        compared = "higher than" if leak["low"] > 0 else "not shown to be higher than"
        yield (
            f"Without a picture its accuracy is {compared} that of its language model alone: the difference is "
            f"{spread({**leak, 'value': leak['difference']})} points, and MMStar's leakage {number(leak['value'], 1)}."
        )


def _spoiled(results: Measures) -> Iterator[str]:
    steps = [(step, _gain(results, f"blur{step}")) for step in range(1, 5)]
    known = [(step, gain) for step, gain in steps if gain is not None]
    if known:
        first = next((step for step, gain in known if sure(gain) > 0), None)
        if first is None:
            yield "These answers do not show that any blur step lowers its accuracy."
        else:
            yield (
                f"Step {first} is the first blur step that is shown to lower its accuracy, "
                f"by {spread(dict(known)[first])} points."
            )
    lost = _gain(results, "patches")
    if lost is not None:
        meaning = {1: "so the arrangement of the parts matters", 0: "which may be chance", -1: "so shuffling helps it"}
        yield f"Shuffled patches cost {spread(lost)} points, {meaning[sure(lost)]}."


def _after_text(results: Measures) -> Iterator[str]:
    length = results.get("length") or []
    if not length:
        return
    first, last = length[0], length[-1]
    before = f"after one of about {first['passage']:,} tokens" if first["passage"] else "without a passage"
    change, lost = "", last.get("lost")  # earlier studies do not have it
    if lost and lost["value"] is not None:
        change = f"{spread(lost)} points less" if lost["value"] >= 0 else f"{spread(_times(lost, -1))} points more"
        change = f", {change}" + ("" if sure(lost) else "; the interval covers zero, so this may be chance")
    yield (
        f"The picture is worth {spread(first['gain'])} points {before} and {spread(last['gain'])} points "
        f"after one of about {last['passage']:,} tokens{change}."
    )


def _several(results: Measures) -> Iterator[str]:
    order, references = (results.get("controls", {}).get(name) for name in ("order", "references"))
    if order:
        yield (
            "Showing the pictures in another order and renaming the references changes "
            f"{spread(order['changed'], unit='%')} of the answers. A model that follows references changes none, "
            "unless the question asks about the order."
        )
    if references:
        yield (
            f"Pointing references to other pictures changes {spread(references['changed'], unit='%')} of the answers. "
            "A model that follows references changes the answers that depend on the picture."
        )


def _yes_no(yes: Measures) -> Iterator[str]:
    yield (
        f"It says yes to {spread(yes['yes_ratio'], unit='%')} of the questions. Its Pct. Diff, the share of yes "
        f"among its answers minus the share among the expected answers, is {spread(yes['pct_diff'], 2)}."
    )
    neither = (yes.get("neither") or {}).get("value")
    if neither:
        yield f"{spread(yes['neither'], unit='%')} of its answers are neither yes nor no; they count as not yes."
    if yes["d_prime"]["value"] is None:
        return
    always = {100.0: "always says yes", 0.0: "never says yes"}.get(yes["yes_ratio"]["value"])
    no = "away from yes" if neither else "toward no"
    leaning = ("is not shown to lean either way", f"leans {no}", "leans toward yes")[sure(yes["criterion"])]
    dull = yes["d_prime"]["low"] is not None and yes["d_prime"]["low"] <= 0 <= yes["d_prime"]["high"]
    tells = ", which does not show that it tells yes from no" if dull else ""
    yield (
        f"Its d' is {spread(yes['d_prime'], 2)}{tells}. Its criterion is {spread(yes['criterion'], 2)}: "
        f"it {always or leaning}."
    )


def _priors(results: Measures) -> Iterator[str]:
    yes = results.get("yes_no")
    if yes and yes["yes_ratio"]["value"] is not None:
        yield from _yes_no(yes)
    letters = results.get("letters")
    if letters and letters["first"]["value"] is not None:
        first, truly = letters["first"], letters["truly"]
        apart = first["low"] is not None and not first["low"] <= truly <= first["high"]
        direction = "more" if first["value"] > truly else "less"
        verdict = f"{direction} often than" if apart else "which is not shown to differ from how often"
        yield (
            f"It chooses the first option {spread(first, unit='%')} of the time, {verdict} that option is correct "
            f"({number(truly, 1)}%)."
        )
    rotation = results.get("rotation")
    if rotation:
        away = rotation["taken_away"]
        yield (
            f"If it must also be correct with the options rotated ({', '.join(rotation['turns'])}), its accuracy is "
            f"{spread(rotation['all_turns'])} instead of {spread(rotation['as_asked'])}: a loss of {spread(away)} "
            "points."
        )


def _solved(results: Measures) -> Iterator[str]:
    solved = results.get("blind_solvable")
    if not solved:
        return
    needed, not_needed = solved["needed"], solved["not_needed"]
    remainder = f"There {plural(needed['n'], 'is', 'are')}." if needed["n"] else "There are no others."
    if needed["seen"] and needed["seen"]["value"] is not None:
        remainder = f"Of the {plural(needed['n'], 'other')} it answers {spread(needed['seen'], unit='%')} correctly."
    yield (
        f"Questions that do not need the picture ({solved['rule']}): {not_needed['n']:,}. {remainder} "
        "The split is partly due to chance."
    )


def _likelihoods_and_prompts(results: Measures) -> Iterator[str]:
    prior = results.get("likelihood")
    if prior:
        yield (
            "With the text-only prior subtracted from its log-likelihoods (alpha 1), its accuracy is "
            f"{spread(prior['alpha_1'])} instead of {spread(prior['alpha_0'])}: a difference of "
            f"{spread(prior['gain_1'])} points."
        )
        if tied := prior.get("tied_1"):
            yield (
                f"With the prior subtracted, {part_of(tied, prior['alpha_1']['n'], 'question', 'has', 'have')} no "
                "single likeliest option, which counts as wrong. Likelihoods that the picture does not change are such "
                "ties."
            )
        if tuned := prior.get("tuned"):
            yield (
                f"Alpha {tuned['alpha']:g}, tuned on one half of the data, changes accuracy by "
                f"{spread(tuned['gain'])} points on the other half, compared with the raw likelihoods."
            )
    prompts = results.get("prompts")
    if prompts:
        yield (
            f"Across {len(prompts['each'])} prompts its accuracy is {number(prompts['mean'], 1)} on average and "
            f"{number(prompts['least'], 1)} with the worst, '{prompts['worst']}'."
        )


def _times(estimate: Measures, factor: float) -> Measures:
    ends = ("low", "high") if factor > 0 else ("high", "low")
    names = zip(("value", "low", "high"), ("value", *ends), strict=True)
    return {name: None if estimate[end] is None else factor * estimate[end] for name, end in names}
