"""Yes/no numbers and ratios, which are not weighted means, with cluster-bootstrap intervals."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from mmeval.bias.asked import cluster, mean_of
from mmeval.runs.scored import Scored
from mmeval.runs.study import Letters, Ratio, YesNo
from mmeval.scoring.functionals import Array
from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.statistics import estimate
from mmeval.types import Estimate, Record, Score

RESAMPLES = 2000
_QUANTILE = np.vectorize(NormalDist().inv_cdf, otypes=[float])


def yes_no(scored: Scored) -> YesNo:
    """Return the yes ratio, Pct. Diff, FP ratio, d', the criterion, and the share of neither, each with its interval.

    The yes ratio, in percent, is POPE's (arXiv 2305.10355). Pct. Diff (-1 to 1, ideally 0) and FP ratio (the share of
    yes among the wrong answers, ideally 0.5) are HallusionBench's (arXiv 2310.14566). d' and criterion c are those of
    signal detection with yes as the signal. Hits and false alarms get half a count more and their totals one (Hautus
    1995), so both stay finite; c is below 0 for a model that prefers yes. They have no value if only yes or only no is
    expected. An unparsed answer does not count as yes.
    """
    scored = scored.answers
    rows = [
        (cluster(record), score.answer == "yes", record.targets[0] == "yes", score.value != 1.0)
        for record, score in zip(scored.records, scored.main, strict=True)
        if score.value is not None
    ]
    table = [
        (float(yes and true), float(yes and not true), float(true), float(not true), float(wrong))
        for _, yes, true, wrong in rows
    ]
    names = [name for name, *_ in rows]

    def share(test: Callable[[str | None], bool]) -> Estimate:
        matching = mean_of(scored, lambda record, score: None if score.value is None else float(test(score.answer)))
        return estimate(matching)

    return YesNo(
        yes_ratio=share(lambda answer: answer == "yes"),
        neither=share(lambda answer: answer not in ("yes", "no")),
        pct_diff=ratio(names, table, lambda s: (s[:, 0] + s[:, 1] - s[:, 2]) / (s[:, 2] + s[:, 3]), len(rows)),
        fp_ratio=ratio(names, table, lambda s: s[:, 1] / s[:, 4], int(sum(row[4] for row in table))),
        d_prime=ratio(names, table, lambda s: np.subtract(*_z(s)), len(rows)),
        criterion=ratio(names, table, lambda s: -0.5 * np.add(*_z(s)), len(rows)),
    )


def _z(sums: Array) -> tuple[Array, Array]:
    """Return the normal quantiles of hit rate and false-alarm rate, each of shape [resamples]; NaN without a total."""
    quantiles = _QUANTILE((sums[:, :2] + 0.5) / (sums[:, 2:4] + 1))
    quantiles[(sums[:, 2:4] == 0).any(axis=1)] = np.nan
    return quantiles[:, 0], quantiles[:, 1]


def mirage(main: Scored, blind: Scored) -> Ratio:
    """Return the accuracy without the picture divided by that with it, with a paired interval."""
    pairs = [
        (cluster(record), float(seen.value), float(unseen.value))
        for (record, seen), (_, unseen) in ((main.by_id[id], blind.by_id[id]) for id in main.by_id)
        if seen.value is not None and unseen.value is not None
    ]
    table = [(unseen, seen) for _, seen, unseen in pairs]
    return ratio([name for name, _, _ in pairs], table, lambda s: s[:, 0] / s[:, 1], len(pairs))


def ratio(names: Sequence[str], rows: Sequence[Sequence[float]], value: Callable[[Array], Array], n: int) -> Ratio:
    """Return a function of column sums with its 95% percentile interval over the named clusters.

    `rows` are summed by cluster; `value` takes the sums of all resamples, [resamples, columns]. There is no value if it
    is not finite, and no interval if all resamples agree, for example with one cluster.
    """
    if not rows:
        return Ratio(None, None, None, 0)
    row_of = {name: row for row, name in enumerate(dict.fromkeys(names))}
    sums = np.zeros((len(row_of), len(rows[0])))
    np.add.at(sums, [row_of[name] for name in names], np.asarray(rows, dtype=np.float64))
    kinds, counts = np.unique(sums, axis=0, return_counts=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        point = float(value(sums.sum(axis=0, keepdims=True))[0])
        draws = np.random.default_rng(0).multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES)
        values = value(draws @ kinds)
    values = values[np.isfinite(values)]
    if not math.isfinite(point):
        return Ratio(None, None, None, n)
    low, high = np.quantile(values, [0.025, 0.975]).tolist() if np.ptp(values) > 1e-12 else (None, None)
    return Ratio(point, low, high, n)


def histogram(scored: Scored) -> Letters:
    """Return how often each letter was answered and expected, and the share of answers that are the first option."""
    scored = scored.answers
    lettered = [
        (record, score)
        for record, score in zip(scored.records, scored.main, strict=True)
        if record.choices and score.value is not None
    ]
    expected = any(target in LETTERS for record, _ in lettered for target in record.targets)
    letters = LETTERS[: max((len(record.choices) for record, _ in lettered), default=0)] if expected else ""
    read = [
        (record, score.answer)
        for record, score in lettered
        if score.answer is not None and score.answer in letters[: len(record.choices)]
    ]
    answered = {letter: sum(answer == letter for _, answer in read) for letter in letters}
    right = {letter: sum(letter in record.targets for record, _ in read) for letter in letters}

    def first_option(record: Record, score: Score) -> float | None:
        if score.value is None or score.answer is None or score.answer not in letters[: len(record.choices)]:
            return None
        return float(score.answer == "A")

    first_right = 100 * right.get("A", 0) / len(read) if read else None
    return Letters(answered, right, len(lettered) - len(read), estimate(mean_of(scored, first_option)), first_right)
