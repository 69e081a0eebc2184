"""What a study of bias says, in sentences: none claims more than its interval does."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmeval.reporting.chart import number

Found = Mapping[str, Any]
NO_VALUE = "no value"


def reading(found: Found) -> list[str]:
    """Return half a page of sentences with the numbers put in, the most important first."""
    return [
        *_looks(found),
        *_spoiled(found),
        *_several(found),
        *_priors(found),
        *_solved(found),
        *_rest(found),
        *(str(remark) for remark in found.get("remarks", ())),
    ]


def spread(one: Found, digits: int = 1, unit: str = "") -> str:
    """`12.3 (10.1 to 14.5)`, with its unit; the value alone where there is no interval."""
    if one["value"] is None:
        return NO_VALUE
    value = f"{number(one['value'], digits)}{unit}"
    return value if one.get("low") is None else f"{value} ({between(one, digits)})"


def between(one: Found, digits: int = 1) -> str:
    """`10.1 to 14.5`."""
    return f"{number(one['low'], digits)} to {number(one['high'], digits)}"


def sure(one: Found) -> int:
    """Return 1 where a difference's interval lies above zero, -1 where below, 0 where it covers zero."""
    if one.get("low") is None:
        return 0
    return 1 if one["low"] > 0 else -1 if one["high"] < 0 else 0


def _gain(found: Found, name: str) -> Found | None:
    one = found.get("controls", {}).get(name, {}).get("gain", {}).get("accuracy")
    return one if one and one["value"] is not None else None


def _looks(found: Found) -> Iterator[str]:
    seen = found["seen"]["accuracy"]
    if seen["value"] is not None:
        chance = "" if seen["chance"] is None else f"; guessing gives {number(seen['chance'], 1)}%"
        yield f"{found.get('model', 'The model')} answers {spread(seen, unit='%')} of the questions right{chance}."
    names = {"absent": "the picture gone", "swap-category-0": "another picture of the same category in its place"}
    for name, what in names.items():
        gain = _gain(found, name)
        if gain is None:
            continue
        verdicts = {
            1: f"With {what} it loses {spread(gain)} points: the picture tells it something.",
            -1: f"With {what} it gains {number(-gain['value'], 1)} points ({between(_turned(gain))}): it is misled.",
            0: f"With {what} it loses {spread(gain)} points; the interval covers zero, so that these answers do not "
            "show that it uses the picture.",
        }
        yield verdicts[sure(gain)]
    mirage = found.get("controls", {}).get("absent", {}).get("mirage")
    if mirage and mirage["value"] is not None:
        yield f"Of its accuracy {spread(_times(mirage, 100), 0, '%')} is there without any picture (the mirage ratio)."
    star = found.get("mmstar")
    if star and "leakage" in star:
        leak = star["leakage"]
        told = "more than" if leak["low"] > 0 else "not shown to be more than"
        yield (
            f"Without a picture it is {told} its language model alone (difference {number(leak['difference'], 1)}, "
            f"{between(leak)} points): MMStar's leakage is {number(leak['value'], 1)}."
        )


def _spoiled(found: Found) -> Iterator[str]:
    steps = [(step, _gain(found, f"blur{step}")) for step in range(1, 5)]
    known = [(step, gain) for step, gain in steps if gain is not None]
    if known:
        first = next((step for step, gain in known if sure(gain) > 0), None)
        if first is None:
            yield "No step of the blur costs it accuracy that these answers can show."
        else:
            yield f"The blur costs it accuracy from step {first} on ({spread(dict(known)[first])} points there)."
    lost = _gain(found, "patches")
    if lost is not None:
        told = {1: "so it uses how the parts lie", 0: "not more than chance may bring", -1: "so it does better so"}
        yield f"Shuffled patches cost {spread(lost)} points, {told[sure(lost)]}."
    length = found.get("length") or []
    if length:
        first, last = length[0], length[-1]
        yield (
            f"What the picture is worth, {spread(first['gain'])} points without a passage, is {spread(last['gain'])} "
            f"behind one of about {last['passage']:,} tokens{_overlap(first['gain'], last['gain'])}."
        )


def _overlap(one: Found, other: Found) -> str:
    if one.get("low") is None or other.get("low") is None:
        return ""
    apart = one["high"] < other["low"] or other["high"] < one["low"]
    return "; the intervals lie apart" if apart else "; the intervals overlap"


def _several(found: Found) -> Iterator[str]:
    order, references = (found.get("controls", {}).get(name) for name in ("order", "references"))
    if order:
        yield (
            f"Another order of the pictures, references renamed, changes {spread(order['changed'], unit='%')} of the "
            "answers; "
            "of a model that follows references it changes none, where the order itself is not asked about."
        )
    if references:
        yield (
            f"References to other pictures change {spread(references['changed'], unit='%')} of the answers; "
            "a model that follows them changes those that depend on the picture."
        )


def _priors(found: Found) -> Iterator[str]:
    yes = found.get("yes_no")
    if yes and yes["yes_ratio"]["value"] is not None:
        yield (
            f"It says yes to {spread(yes['yes_ratio'], unit='%')} of the questions, and its Pct. Diff, how much "
            f"more often than is true, is {spread(yes['pct_diff'], 2)}."
        )
        always = {100.0: "always says yes", 0.0: "never says yes"}.get(yes["yes_ratio"]["value"])
        leaning = ("is not shown to lean to either answer", "leans to no", "leans to yes")[sure(yes["criterion"])]
        dull = yes["d_prime"]["low"] is not None and yes["d_prime"]["low"] <= 0 <= yes["d_prime"]["high"]
        tells = ", which does not show that it tells yes from no" if dull else ""
        yield (
            f"Its d' is {spread(yes['d_prime'], 2)}{tells}, its criterion {spread(yes['criterion'], 2)}: "
            f"it {always or leaning}."
        )
    letters = found.get("letters")
    if letters and letters["first"]["value"] is not None:
        first, truly = letters["first"], letters["truly"]
        apart = first["low"] is not None and not first["low"] <= truly <= first["high"]
        told = "more" if first["value"] > truly else "less"
        verdict = f"{told} often than it is right" if apart else "not shown to be more or less often than it is right"
        yield f"It chooses the first option {spread(first, unit='%')} of the time, {verdict} ({number(truly, 1)}%)."
    rotation = found.get("rotation")
    if rotation:
        away = rotation["taken_away"]
        yield (
            f"Asked to be right with the options turned, too ({', '.join(rotation['turns'])}), it keeps "
            f"{spread(rotation['all_turns'])} of {spread(rotation['as_asked'])}: turning takes away {spread(away)}."
        )


def _solved(found: Found) -> Iterator[str]:
    solved = found.get("blind_solvable")
    if not solved:
        return
    needed, not_needed = solved["needed"], solved["not_needed"]
    yield (
        f"Questions that do not need the picture ({solved['rule']}): {not_needed['n']:,}. Of the other {needed['n']:,} "
        f"it answers {spread(needed['seen'], unit='%') if needed['seen'] else 'none'} right. "
        "Chance plays a part in the split."
    )


def _rest(found: Found) -> Iterator[str]:
    prior = found.get("likelihood")
    if prior:
        yield (
            f"With the words' prior taken off its likelihoods (alpha 1) it has {spread(prior['alpha_1'])} instead of "
            f"{spread(prior['alpha_0'])}: a difference of {spread(prior['gain_1'])} points."
        )
        if tuned := prior.get("tuned"):
            yield (
                f"Alpha tuned on one half, {tuned['alpha']:g}, gives {spread(tuned['gain'])} points over the raw "
                "likelihoods on the other."
            )
    prompts = found.get("prompts")
    if prompts:
        yield (
            f"Over {len(prompts['each'])} prompts its accuracy is {number(prompts['mean'], 1)} on average and "
            f"{number(prompts['least'], 1)} in the worst, '{prompts['worst']}'."
        )


def _turned(one: Found) -> Found:
    return {"value": -one["value"], "low": -one["high"], "high": -one["low"]}


def _times(one: Found, factor: float) -> Found:
    return {name: None if one[name] is None else factor * one[name] for name in ("value", "low", "high")}
