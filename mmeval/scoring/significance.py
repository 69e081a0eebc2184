"""Test whether two runs differ by more than chance: p-values, their correction, equivalence and power.

Tests work on clusters. `statistics` computes a difference's value and interval.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from mmeval.scoring.functionals import CHUNK, Array, Part, StratumPart
from mmeval.scoring.statistics import LEVEL, Difference, Statistic, matched

PERMUTATIONS = 10_000
EXACT = 12
"""Maximum number of differing clusters for which all swaps are tried."""
POWER = 0.8
LEAST = 0.01
"""Degrees of freedom below which a t test's bound is beyond 1e128, where SciPy's values are wrong."""
MCNEMAR, SIGN_FLIP = "McNemar, exact", "sign flips of clusters"


def p_value(a: Statistic, b: Statistic) -> tuple[float, str]:
    """Return the two-sided p-value of no difference between two numbers with a value, and the test's name.

    If each cluster has one answer, right or wrong, this is McNemar's exact test (McNemar 1947) on the questions that
    exactly one of the two has right. Otherwise whole clusters are swapped between the two, at random 10,000 times or in
    all ways, and the number is recomputed (Noreen 1989). For a functional, its linear part is recomputed.
    Raises as `paired` does.
    """
    pairs = matched(a, b)
    if (counts := _discordant(pairs)) is not None:
        first, second = counts
        from scipy.special import bdtr  # type: ignore[import-untyped]  # scipy.stats takes a second to import

        return min(1.0, 2 * float(bdtr(min(first, second), first + second, 0.5))), MCNEMAR
    return _swapped(pairs), SIGN_FLIP


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the p-values adjusted for multiple tests (Holm 1979), in the same order; None stays None."""
    ranked = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    smallest = 0.0
    for rank, (p, index) in enumerate(ranked):
        smallest = max(smallest, min(1.0, p * (len(ranked) - rank)))
        adjusted[index] = smallest
    return adjusted


def equivalence(difference: Difference, margin: float) -> float:
    """Return the p-value of a difference of `margin` or more either way: two one-sided t tests (Schuirmann 1987)."""
    if difference.freedom <= 0 or difference.error == 0:
        return 1.0
    from scipy.special import stdtr

    sides = (difference.middle + margin, margin - difference.middle)
    return max(1 - float(stdtr(difference.freedom, side / difference.error)) for side in sides)


def power(effect: float, deviation: float, clusters: float) -> float:
    """Return the power of a two-sided paired t test; `deviation` is the standard deviation of clusters' differences."""
    if clusters <= 1 + LEAST:
        return 0.0
    if deviation == 0:
        return float(effect != 0)
    from scipy.special import nctdtr, stdtrit

    freedom, shift = clusters - 1, abs(effect) / deviation * math.sqrt(clusters)
    bound = stdtrit(freedom, (1 + LEVEL) / 2)
    above, below = (1 - nctdtr(freedom, side, bound) for side in (shift, -shift))
    return float(above + below)


def detectable(difference: Difference, most: float, wanted: float = POWER) -> float | None:
    """Return the smallest difference, up to `most`, that this many clusters detect with that power; None if none is.

    Few or very unequal clusters detect no difference that is possible.
    """
    if difference.freedom <= 0:
        return None
    clusters = difference.freedom + 1
    deviation = difference.error * math.sqrt(clusters)
    low, high = 0.0, difference.error
    while power(high, deviation, clusters) < wanted:
        low, high = high, 2 * high
        if not low < most:
            return None
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, deviation, clusters) < wanted else (low, middle)
    return high if high <= most else None


def _discordant(pairs: Sequence[tuple[Part, Part]]) -> tuple[int, int] | None:
    """Return how many clusters only the first, and only the second, has right; None unless each has one answer."""
    if len(pairs) != 1:
        return None
    first, second = pairs[0]
    if not (isinstance(first, StratumPart) and isinstance(second, StratumPart)):
        return None
    if set(first.clusters) != set(second.clusters) or not (_right_or_wrong(first) and _right_or_wrong(second)):
        return None
    second_marks = dict(zip(second.clusters, second.columns[:, 0], strict=True))
    gaps = [int(mark - second_marks[name]) for name, mark in zip(first.clusters, first.columns[:, 0], strict=True)]
    return gaps.count(1), gaps.count(-1)


def _right_or_wrong(part: StratumPart) -> bool:
    """Tell whether each cluster has one answer, right or wrong."""
    columns = part.columns
    one_answer = columns.shape[1] == 2 and bool((columns[:, 1] == 1).all())
    return one_answer and bool(np.isin(columns[:, 0], (0.0, 1.0)).all())


def _swapped(pairs: Sequence[tuple[Part, Part]]) -> float:
    """Return the share of swaps whose difference is at least as large as the observed one, itself included."""
    tables = [_columns(part_a, part_b) for part_a, part_b in pairs]
    differ = [np.flatnonzero((first != second).any(axis=1)) for first, second in tables]
    number = sum(map(len, differ))
    observed = abs(math.fsum(part_a.point - part_b.point for part_a, part_b in pairs))
    if number == 0:
        return 1.0
    as_large = total = 0
    for swaps in _swaps(number):
        values, start = np.zeros(len(swaps)), 0
        for (part_a, part_b), (first, second), differing_rows in zip(pairs, tables, differ, strict=True):
            moved = swaps[:, start : start + len(differing_rows)] @ (second[differing_rows] - first[differing_rows])
            values += _of_sums(part_a, first.sum(axis=0) + moved) - _of_sums(part_b, second.sum(axis=0) - moved)
            start += len(differing_rows)
        values = np.abs(values[np.isfinite(values)])  # a swap may leave a mean without values
        as_large += int((values >= observed - 1e-9 * max(observed, 1.0)).sum())
        total += len(values)
    return as_large / total if number <= EXACT else (1 + as_large) / (1 + total)


def _swaps(number: int) -> Iterator[Array]:
    """Yield which of `number` clusters are swapped, [swaps, clusters] of 0 and 1: all ways, or random ones."""
    if number <= EXACT:
        yield np.array(list(product((0.0, 1.0), repeat=number)))
        return
    rng, size = np.random.default_rng(0), max(1, CHUNK // number)
    for start in range(0, PERMUTATIONS, size):
        drawn = rng.integers(2, size=(min(size, PERMUTATIONS - start), number))
        yield drawn.astype(np.float64)


def _columns(first: Part, second: Part) -> tuple[Array, Array]:
    """Return both parts' sums and counts with one row per cluster of either.

    Functionals have linear parts instead, and so have strata of different numbers of means: precision has one mean for
    each sampled answer.
    """
    names = sorted({*first.clusters, *second.clusters})
    tables = []
    for part in (first, second):
        if _swappable(first, second) and isinstance(part, StratumPart):
            rows = dict(zip(part.clusters, part.columns, strict=True))
        else:
            pulls = part.influence()
            rows = {name: np.array([part.point + pull]) / len(pulls) for name, pull in pulls.items()}
        empty = np.zeros(len(next(iter(rows.values()))))
        tables.append(np.array([rows.get(name, empty) for name in names]))
    return tables[0], tables[1]


def _swappable(first: Part, second: Part) -> bool:
    if not (isinstance(first, StratumPart) and isinstance(second, StratumPart)):
        return False
    return bool(first.columns.shape[1] == second.columns.shape[1])


def _of_sums(part: Part, totals: Array) -> Array:
    return part.ratio(totals) if isinstance(part, StratumPart) and totals.shape[1] > 1 else totals[:, 0]
