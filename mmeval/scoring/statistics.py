"""Estimate a number, or the difference of two numbers, with a 95% interval over the right clusters.

A metric says what a number is made of (a `Statistic`). Its uncertainty is computed here, once for all metrics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmeval.scoring.functionals import (
    Array,
    Functional,
    FunctionalPart,
    Mean,
    Part,
    Stratum,
    StratumPart,
    corrected,
    freedom_of,
    resample,
    variance_of,
)
from mmeval.types import Estimate, InputError

__all__ = ["Array", "Functional", "Mean", "Statistic", "Stratum", "difference", "estimate", "paired", "parts"]
LEVEL = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Statistic:
    """A number: the sum of independent strata (MME's Perception: ten subtasks), or a functional."""

    full_marks: float
    """The sum of all weights, or the value of a functional of 1."""
    chance: float | None
    strata: Sequence[Stratum] = ()
    reason: str | None = None
    """Why there is no value, if so."""
    functional: Functional | None = None
    """The number, if it is not a sum of means."""

    def __post_init__(self) -> None:
        """Raise ValueError unless there is exactly one of strata, functional and reason."""
        given = [bool(self.strata), self.functional is not None, self.reason is not None]
        if sum(given) != 1:
            raise ValueError("a Statistic has either strata, or a functional, or a reason why it has no value")
        means = [mean for stratum in self.strata for _, mean in stratum]
        if not all(0 < len(mean.values) == len(mean.clusters) for mean in means):
            raise ValueError("a Statistic's means have values, each with its cluster; give a reason if there are none")

    @property
    def n(self) -> int:
        """The number of values, counting each stratum's largest mean."""
        if self.functional:
            return self.functional.n
        return sum(max(len(mean.values) for _, mean in stratum) for stratum in self.strata)


def estimate(statistic: Statistic, *, resamples: int = RESAMPLES) -> Estimate:
    """Return the statistic's value with its 95% interval; `n` counts the values of each stratum's largest mean.

    The interval is Wilson's (1927), in the form that surveys use (Franco et al. 2019). It takes the variance between
    clusters (by linearization for means, from resamples for a functional), Student's quantile, and the number of
    independent answers with the same variance, which is at least that of the clusters and at most that of the answers.
    A sum of strata is treated as one such number; its variance and degrees of freedom (Satterthwaite 1946) combine
    those of the strata. No interval is empty, even if all answers are alike. If a few clusters make up most of the
    variance, their kurtosis reduces its degrees of freedom.
    """
    full, chance, n = statistic.full_marks, statistic.chance, statistic.n
    if statistic.reason is not None:
        return Estimate(None, None, None, n, full, chance, statistic.reason)
    parts = _parts(statistic)
    value = math.fsum(part.point for part in parts)
    low, high = _wilson(value / full, _sum([_spread(part, resamples) for part in parts]))
    return Estimate(value, min(full * low, value), max(full * high, value), n, full, chance)


def value_of(statistic: Statistic) -> float | None:
    """Return the statistic's value alone, if it has one."""
    return None if statistic.reason is not None else math.fsum(part.point for part in _parts(statistic))


def paired(a: Statistic, b: Statistic) -> Estimate:
    """Return `a` minus `b` with the difference's 95% interval, paired by cluster.

    Clusters are matched by name, stratum by stratum, so difficulty that both share cancels. A resample of a functional
    draws the same clusters for both. A cluster that only one of them has (a failed question) counts only there. The
    interval is Student's, with two pseudo-clusters added, one each way, in which the two differ as much as in any
    cluster (Bonett and Price 2012). If they differ in no cluster, the pseudo-clusters differ by full marks: two runs
    that never differed are not proven to be the same.
    Raises InputError for numbers of different kinds or without a common cluster.
    """
    n, full = min(a.n, b.n), a.full_marks
    if reason := a.reason or b.reason:
        return Estimate(None, None, None, n, full, None, reason)
    delta = difference(a, b)
    margin = quantile(delta.freedom) * delta.error if delta.freedom > 0 else 2 * full
    low, high = min(delta.middle - margin, delta.value), max(delta.middle + margin, delta.value)
    return Estimate(delta.value, max(low, -full), min(high, full), n, full, None)


@dataclass(frozen=True)
class Difference:
    """The difference of two numbers and its uncertainty, the basis of intervals and tests."""

    value: float
    middle: float
    """The interval's center: the value after adding two pseudo-clusters that differ, one each way."""
    error: float
    """The standard error."""
    freedom: float
    """Degrees of freedom; 0 for a single cluster, whose error is unknown."""


def difference(a: Statistic, b: Statistic) -> Difference:
    """Return `a` minus `b`, which both have a value, with its standard error. Raises as `paired` does."""
    pairs, full, spreads, largest = matched(a, b), a.full_marks, [], 0.0
    value = math.fsum(first.point - second.point for first, second in pairs)
    for first, second in pairs:
        changes = changes_of(first, second)
        if isinstance(first, StratumPart) and isinstance(second, StratumPart):
            variance = variance_of(changes)
        else:
            first_values, second_values = resample([first, second], RESAMPLES)
            variance = corrected(first_values - second_values, len(changes))
        clusters = min(first.effective, second.effective)
        spreads.append(_Spread(first.full, variance, clusters, min(first.n, second.n), clusters - 1))
        largest = max(largest, float(np.abs(changes).max()) / first.full)
    total = _sum(spreads)
    pseudo, clusters = largest if 1e-9 < largest < 1 else 1.0, total.clusters
    error = full * math.sqrt(clusters**2 * total.variance + 2 * pseudo**2) / (clusters + 2)
    return Difference(value, value * clusters / (clusters + 2), error, total.freedom)


def parts(statistic: Statistic) -> dict[str, float]:
    """Return the named terms of a number with one stratum, in its own unit (MME's acc and acc+, 100 each)."""
    terms: dict[str, float] = {}
    for weight, mean in statistic.strata[0] if len(statistic.strata) == 1 else ():
        if mean.name:  # several sampled answers may have a term each
            terms[mean.name] = terms.get(mean.name, 0.0) + weight * math.fsum(mean.values) / len(mean.values)
    return terms


@dataclass(frozen=True)
class _Spread:
    """The uncertainty of a number with `full` marks: its variance, and its numbers of clusters and answers."""

    full: float
    variance: float
    clusters: float
    n: float
    freedom: float

    def independent(self, share: float) -> float:
        """Return how many independent answers with that share right vary as much, from `clusters` to `n`."""
        shrunk = (self.clusters * share + 0.5) / (self.clusters + 1)  # so a few equal clusters keep some variance
        largest = shrunk * (1 - shrunk)
        number = largest / (self.variance / self.full**2 + largest / self.clusters**2)
        return min(max(number, self.clusters), self.n)


def quantile(freedom: float) -> float:
    """Return Student's two-sided quantile at LEVEL, or infinity without a degree of freedom."""
    from scipy.special import stdtrit  # type: ignore[import-untyped]  # takes half a second; resuming does without it

    return -float(stdtrit(freedom, (1 - LEVEL) / 2)) if freedom > 0 else math.inf


def _spread(part: Part, resamples: int) -> _Spread:
    """Return the spread of one number.

    If clusters vary as much as possible (each all right or all wrong), the share determines their variance, which is
    then as certain as the share. The less clusters vary, and the more answers each has, the more weight the variance's
    own degrees of freedom get.
    """
    size = (part.effective, part.n, part.effective - 1)
    if isinstance(part, FunctionalPart):
        return _Spread(part.full, corrected(resample([part], resamples)[0], len(part.clusters)), *size)
    changes = np.array(list(part.influence().values()))
    spread = _Spread(part.full, variance_of(changes), *size)
    if spread.freedom <= 0 or spread.variance == 0:
        return spread
    share = part.point / part.full
    largest = share * (1 - share) * part.full**2 / spread.clusters
    below = min(max(largest / spread.variance - 1, 0.0), 1.0) * (1 - spread.clusters / spread.n)
    return replace(spread, freedom=1 / (below / freedom_of(changes) + (1 - below) / spread.freedom))


def _sum(spreads: Sequence[_Spread]) -> _Spread:
    """Return the spread of a sum of independent numbers, as a share of its full marks."""
    full = math.fsum(spread.full for spread in spreads)
    shares = [spread.full / full for spread in spreads]
    variances = [spread.variance / full**2 for spread in spreads]
    clusters = 1 / math.fsum(share**2 / spread.clusters for share, spread in zip(shares, spreads, strict=True))
    n = 1 / math.fsum(share**2 / spread.n for share, spread in zip(shares, spreads, strict=True))
    variance, least = math.fsum(variances), min(spread.freedom for spread in spreads)
    freedom = math.fsum(spread.freedom for spread in spreads) if least > 0 else 0.0
    if least > 0 and variance > 0:
        denominator = math.fsum(v**2 / spread.freedom for v, spread in zip(variances, spreads, strict=True))
        freedom = max(variance**2 / denominator, least)
    return _Spread(1.0, variance, clusters, max(n, clusters), freedom)


def _wilson(share: float, spread: _Spread) -> tuple[float, float]:
    """Return the interval of a share of full marks, both limits in [0, 1]."""
    times = quantile(spread.freedom)
    if not math.isfinite(times):
        return 0.0, 1.0
    independent = spread.independent(share)
    pull = times**2 / independent
    middle = (share + pull / 2) / (1 + pull)
    half = times * math.sqrt(spread.variance + pull / (4 * independent)) / (1 + pull)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _parts(statistic: Statistic) -> list[Part]:
    if statistic.functional is not None:
        return [FunctionalPart(statistic.functional, statistic.full_marks)]
    return [StratumPart(stratum) for stratum in statistic.strata]


def matched(a: Statistic, b: Statistic) -> list[tuple[Part, Part]]:
    """Return the strata of both in pairs. Raises as `paired` does."""
    a_parts, b_parts = _parts(a), _parts(b)
    if a.full_marks != b.full_marks or len(a_parts) != len(b_parts):
        raise InputError("the two numbers are of different kinds; compare the same metric of the same task")
    pairs = list(zip(a_parts, b_parts, strict=True))
    if any(not set(first.clusters) & set(second.clusters) for first, second in pairs):
        raise InputError("the two numbers have no question in common; compare runs of the same questions")
    return pairs


def changes_of(first: Part, second: Part) -> Array:
    """Return the centered influence of each cluster of either part on the difference."""
    first_influence, second_influence = first.influence(), second.influence()
    names = sorted({**first_influence, **second_influence})
    # influences scale with a part's own number of clusters; rescale to the union
    first_scale, second_scale = len(names) / len(first_influence), len(names) / len(second_influence)
    changes = [
        first_scale * first_influence.get(name, 0.0) - second_scale * second_influence.get(name, 0.0) for name in names
    ]
    return np.array(changes)
