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
    value = sum(part.point for part in parts)
    low, high = _wilson(value / full, _sum([_spread(part, resamples) for part in parts]))
    return Estimate(value, min(full * low, value), max(full * high, value), n, full, chance)


def value_of(statistic: Statistic) -> float | None:
    """Return the statistic's value alone, if it has one."""
    return None if statistic.reason is not None else sum(part.point for part in _parts(statistic))


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
    found = difference(a, b)
    half = quantile(found.freedom) * found.error if found.freedom > 0 else 2 * full
    low, high = min(found.middle - half, found.value), max(found.middle + half, found.value)
    return Estimate(found.value, max(low, -full), min(high, full), n, full, None)


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
    pairs, full, spreads, most = matched(a, b), a.full_marks, [], 0.0
    value = sum(one.point - other.point for one, other in pairs)
    for one, other in pairs:
        changes = changes_of(one, other)
        if isinstance(one, StratumPart) and isinstance(other, StratumPart):
            own = variance_of(changes)
        else:
            first, second = resample([one, other], RESAMPLES)
            own = corrected(first - second, len(changes))
        clusters = min(one.effective, other.effective)
        spreads.append(_Spread(one.full, own, clusters, min(one.n, other.n), clusters - 1))
        most = max(most, float(np.abs(changes).max()) / one.full)
    whole = _sum(spreads)
    pseudo, clusters = most if 1e-9 < most < 1 else 1.0, whole.clusters
    error = full * math.sqrt(clusters**2 * whole.variance + 2 * pseudo**2) / (clusters + 2)
    return Difference(value, value * clusters / (clusters + 2), error, whole.freedom)


def parts(statistic: Statistic) -> dict[str, float]:
    """Return the named terms of a number with one stratum, in its own unit (MME's acc and acc+, 100 each)."""
    found: dict[str, float] = {}
    for weight, mean in statistic.strata[0] if len(statistic.strata) == 1 else ():
        if mean.name:  # several sampled answers may have a term each
            found[mean.name] = found.get(mean.name, 0.0) + weight * sum(mean.values) / len(mean.values)
    return found


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
        most = shrunk * (1 - shrunk)
        found = most / (self.variance / self.full**2 + most / self.clusters**2)
        return min(max(found, self.clusters), self.n)


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
    own = _Spread(part.full, variance_of(changes), *size)
    if own.freedom <= 0 or own.variance == 0:
        return own
    share = part.point / part.full
    most = share * (1 - share) * part.full**2 / own.clusters
    below = min(max(most / own.variance - 1, 0.0), 1.0) * (1 - own.clusters / own.n)
    return replace(own, freedom=1 / (below / freedom_of(changes) + (1 - below) / own.freedom))


def _sum(spreads: Sequence[_Spread]) -> _Spread:
    """Return the spread of a sum of independent numbers, as a share of its full marks."""
    full = sum(one.full for one in spreads)
    shares = [one.full / full for one in spreads]
    variances = [one.variance / full**2 for one in spreads]
    clusters = 1 / sum(share**2 / one.clusters for share, one in zip(shares, spreads, strict=True))
    n = 1 / sum(share**2 / one.n for share, one in zip(shares, spreads, strict=True))
    variance, least = sum(variances), min(one.freedom for one in spreads)
    freedom = sum(one.freedom for one in spreads) if least > 0 else 0.0
    if least > 0 and variance > 0:
        own = sum(v**2 / one.freedom for v, one in zip(variances, spreads, strict=True))
        freedom = max(variance**2 / own, least)
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
    one, other = _parts(a), _parts(b)
    if a.full_marks != b.full_marks or len(one) != len(other):
        raise InputError("the two numbers are of different kinds; compare the same metric of the same task")
    pairs = list(zip(one, other, strict=True))
    if any(not set(first.clusters) & set(second.clusters) for first, second in pairs):
        raise InputError("the two numbers have no question in common; compare runs of the same questions")
    return pairs


def changes_of(one: Part, other: Part) -> Array:
    """Return the centered influence of each cluster of either part on the difference."""
    first, second = one.influence(), other.influence()
    names = {**first, **second}  # influences scale with a part's own number of clusters; rescale to the union
    scale_one, scale_two = len(names) / len(first), len(names) / len(second)
    return np.array([scale_one * first.get(name, 0.0) - scale_two * second.get(name, 0.0) for name in names])
