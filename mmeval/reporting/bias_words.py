"""The results of a bias study as sentences. No sentence claims more than its interval supports."""

from collections.abc import Iterator
from dataclasses import replace

from mmeval.runs.study import ACCURACY, Ratio, Study, YesNo
from mmeval.types import Estimate, between, number, part_of, plural, within

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


def headline(study: Study) -> list[str]:
    """Return the sentences that say whether the model looks at the picture, or without controls what it prefers."""
    return [*_looks(study), *(() if study.controls else _priors(study)), *study.remarks]


def reading(study: Study) -> list[str]:
    """Return half a page of sentences, the most important first."""
    return [
        *_looks(study),
        *_spoiled(study),
        *_after_text(study),
        *_several(study),
        *_priors(study),
        *_solved(study),
        *_likelihoods_and_prompts(study),
        *study.remarks,
    ]


def spread(estimate: Estimate | Ratio | None, digits: int = 1, unit: str = "") -> str:
    """Return `12.3 (10.1 to 14.5)`, with the unit after the value; the value alone if there is no interval.

    The text is empty if nothing was measured.
    """
    if estimate is None:
        return ""
    if estimate.value is None:
        return NO_VALUE
    return within(f"{number(estimate.value, digits)}{unit}", between(estimate.low, estimate.high, digits))


def sure(estimate: Estimate | Ratio) -> int:
    """Return 1 if a difference's interval is above zero, -1 if below, 0 if it covers zero or is missing."""
    if estimate.low is None or estimate.high is None:
        return 0
    return 1 if estimate.low > 0 else -1 if estimate.high < 0 else 0


def _gain(study: Study, name: str) -> Estimate | None:
    if name not in study.controls or study.controls[name].gain[ACCURACY].value is None:
        return None
    return study.controls[name].gain[ACCURACY]


def _looks(study: Study) -> Iterator[str]:
    accuracy = study.accuracy
    if accuracy.value is not None:
        chance = "" if accuracy.chance is None else f"; guessing gives {number(accuracy.chance, 1)}%"
        model = study.model or "The model"
        yield f"{model} answers {spread(accuracy, unit='%')} of the questions correctly{chance}."
    elif accuracy.reason:
        yield f"It has no accuracy: {accuracy.reason}."
    for name, (opening, removed, lowers) in WITHOUT.items():
        gain = _gain(study, name)
        if gain is None:
            continue
        verdicts = {
            1: f"{opening} it loses {spread(gain)} points: its answers depend on {removed}.",
            -1: f"{opening} it gains {spread(_times(gain, -1))} points: {removed} {lowers} its accuracy.",
            0: f"{opening} it loses {spread(gain)} points; the interval covers zero, so these answers do not "
            f"show that it uses {removed}.",
        }
        yield verdicts[sure(gain)]
    mirage = study.controls["absent"].mirage if "absent" in study.controls else None
    if mirage and mirage.value is not None:
        yield f"Without any picture it has {spread(_times(mirage, 100), 0, '%')} of its accuracy (the mirage ratio)."
    if study.mmstar and (leak := study.mmstar.leakage):
        compared = "higher than" if sure(leak) > 0 else "not shown to be higher than"
        yield (
            f"Without a picture its accuracy is {compared} that of its language model alone: the difference is "
            f"{spread(replace(leak, value=leak.difference))} points, and MMStar's leakage {number(leak.value, 1)}."
        )


def _spoiled(study: Study) -> Iterator[str]:
    steps = [(step, _gain(study, f"blur{step}")) for step in range(1, 5)]
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
    lost = _gain(study, "patches")
    if lost is not None:
        meaning = {1: "so the arrangement of the parts matters", 0: "which may be chance", -1: "so shuffling helps it"}
        yield f"Shuffled patches cost {spread(lost)} points, {meaning[sure(lost)]}."


def _after_text(study: Study) -> Iterator[str]:
    if not study.length:
        return
    first, last = study.length[0], study.length[-1]
    before = f"after one of about {first.passage:,} tokens" if first.passage else "without a passage"
    change, lost = "", last.lost
    if lost and lost.value is not None:
        change = f"{spread(lost)} points less" if lost.value >= 0 else f"{spread(_times(lost, -1))} points more"
        change = f", {change}" + ("" if sure(lost) else "; the interval covers zero, so this may be chance")
    yield (
        f"The picture is worth {spread(first.gain)} points {before} and {spread(last.gain)} points "
        f"after one of about {last.passage:,} tokens{change}."
    )


def _several(study: Study) -> Iterator[str]:
    order, references = (study.controls.get(name) for name in ("order", "references"))
    if order:
        yield (
            "Showing the pictures in another order and renaming the references changes "
            f"{spread(order.changed, unit='%')} of the answers. A model that follows references changes none, "
            "unless the question asks about the order."
        )
    if references:
        yield (
            f"Pointing references to other pictures changes {spread(references.changed, unit='%')} of the answers. "
            "A model that follows references changes the answers that depend on the picture."
        )


def _yes_no(yes: YesNo) -> Iterator[str]:
    if yes.yes_ratio.value is None:
        return
    yield (
        f"It says yes to {spread(yes.yes_ratio, unit='%')} of the questions. Its Pct. Diff, the share of yes "
        f"among its answers minus the share among the expected answers, is {spread(yes.pct_diff, 2)}."
    )
    neither = yes.neither.value if yes.neither else None
    if neither:
        yield f"{spread(yes.neither, unit='%')} of its answers are neither yes nor no; they count as not yes."
    if yes.d_prime.value is None:
        return
    always = {100.0: "always says yes", 0.0: "never says yes"}.get(yes.yes_ratio.value)
    no = "away from yes" if neither else "toward no"
    leaning = ("is not shown to lean either way", f"leans {no}", "leans toward yes")[sure(yes.criterion)]
    dull = yes.d_prime.low is not None and not sure(yes.d_prime)
    tells = ", which does not show that it tells yes from no" if dull else ""
    yield (
        f"Its d' is {spread(yes.d_prime, 2)}{tells}. Its criterion is {spread(yes.criterion, 2)}: "
        f"it {always or leaning}."
    )


def _priors(study: Study) -> Iterator[str]:
    if study.yes_no:
        yield from _yes_no(study.yes_no)
    letters = study.letters
    if letters and letters.first.value is not None and letters.truly is not None:
        first, truly = letters.first, letters.truly
        apart = first.low is not None and first.high is not None and not first.low <= truly <= first.high
        direction = "more" if letters.first.value > truly else "less"
        verdict = f"{direction} often than" if apart else "which is not shown to differ from how often"
        yield (
            f"It chooses the first option {spread(first, unit='%')} of the time, {verdict} that option is correct "
            f"({number(truly, 1)}%)."
        )
    if rotation := study.rotation:
        yield (
            f"If it must also be correct with the options rotated ({', '.join(rotation.turns)}), its accuracy is "
            f"{spread(rotation.all_turns)} instead of {spread(rotation.as_asked)}: a loss of "
            f"{spread(rotation.taken_away)} points."
        )


def _solved(study: Study) -> Iterator[str]:
    solved = study.blind_solvable
    if not solved:
        return
    needed, not_needed = solved.needed, solved.not_needed
    remainder = f"There {plural(needed.n, 'is', 'are')}." if needed.n else "There are no others."
    if needed.seen and needed.seen.value is not None:
        remainder = f"Of the {plural(needed.n, 'other')} it answers {spread(needed.seen, unit='%')} correctly."
    yield (
        f"Questions that do not need the picture ({solved.rule}): {not_needed.n:,}. {remainder} "
        "The split is partly due to chance."
    )


def _likelihoods_and_prompts(study: Study) -> Iterator[str]:
    if prior := study.likelihood:
        yield (
            "With the text-only prior subtracted from its log-likelihoods (alpha 1), its accuracy is "
            f"{spread(prior.alpha_1)} instead of {spread(prior.alpha_0)}: a difference of {spread(prior.gain_1)} "
            "points."
        )
        if tied := prior.tied_1:
            yield (
                f"With the prior subtracted, {part_of(tied, prior.alpha_1.n, 'question', 'has', 'have')} no "
                "single likeliest option, which counts as wrong. Likelihoods that the picture does not change are such "
                "ties."
            )
        if tuned := prior.tuned:
            yield (
                f"Alpha {tuned.alpha:g}, tuned on one half of the data, changes accuracy by "
                f"{spread(tuned.gain)} points on the other half, compared with the raw likelihoods."
            )
    if prompts := study.prompts:
        yield (
            f"Across {len(prompts.each)} prompts its accuracy is {number(prompts.mean, 1)} on average and "
            f"{number(prompts.least, 1)} with the worst, '{prompts.worst}'."
        )


def _times(estimate: Estimate | Ratio, factor: float) -> Ratio:
    ends = (estimate.low, estimate.high) if factor > 0 else (estimate.high, estimate.low)
    value, low, high = (None if end is None else factor * end for end in (estimate.value, *ends))
    return Ratio(value, low, high, estimate.n)
