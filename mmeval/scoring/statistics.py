"""Turn what was measured into a number with a 95% interval over the right clusters.

A metric says what a number is made of (a `Statistic`); how sure one can be of it is found here, once for all metrics.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmeval.types import Estimate

LEVEL = 0.95
Z = 1.959963984540054
"""The normal quantile of a two-sided 95% interval."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A mean of values in [0, 1] over units (questions, pictures) that come in clusters, one name a value."""

    values: Sequence[float]
    clusters: Sequence[str]
    name: str = ""
    """What a table calls it: "acc", "acc+"."""


Stratum = tuple[tuple[float, Mean], ...]
"""Weighted means over the same clusters, the weights positive; their sum is the stratum's value."""


@dataclass(frozen=True)
class Functional:
    """A number in [0, 1] that is not a mean (an area under a curve): found anew in each resample of its clusters."""

    value: Callable[[Array], Array]
    """From how often each cluster is drawn, [resamples, clusters], to values, [resamples]; NaN where there is none."""
    clusters: int
    effective: float
    """How many clusters its interval can count on: of what it compares, the side that has fewer."""
    n: int


@dataclass(frozen=True)
class Statistic:
    """A number: the sum of independent strata (MME's Perception: ten subtasks), or a functional."""

    full_marks: float
    """All weights, or what the functional is a share of."""
    chance: float | None
    strata: Sequence[Stratum] = ()
    reason: str | None = None
    """Why there is no value; then there are no strata."""
    functional: Functional | None = None
    """What the number is, where it is not a sum of means."""


def estimate(statistic: Statistic, *, resamples: int = 2000, seed: int = 0) -> Estimate:
    """Return the statistic's value with its 95% interval; `n` counts the values of each stratum's largest mean.

    One stratum: the percentile bootstrap over clusters, at the quantiles that make up for few clusters
    (Hesterberg 2015, section 5.2), and never narrower than `unseen` allows. Several: their limits
    combined by MOVER (Zou and Donner 2008), which keeps a stratum's distance to its limits where it is lopsided.
    """
    full, chance, number = statistic.full_marks, statistic.chance, statistic.functional
    n = number.n if number else sum(max(len(mean.values) for _, mean in stratum) for stratum in statistic.strata)
    if statistic.reason is not None:
        return Estimate(None, None, None, n, full, chance, statistic.reason)
    limits = [_limits(stratum, resamples, seed) for stratum in statistic.strata]
    if number:
        limits = [_functional_limits(number, full, resamples, seed)]
    value = sum(middle for _, middle, _ in limits)
    low = value - math.hypot(*(middle - low for low, middle, _ in limits))
    high = value + math.hypot(*(high - middle for _, middle, high in limits))
    return Estimate(value, max(low, 0.0), min(high, full), n, full, chance)


def parts(statistic: Statistic) -> dict[str, float]:
    """Return the named terms of a number of one stratum, in its own unit: MME's acc and acc+, of 100 each."""
    terms = statistic.strata[0] if len(statistic.strata) == 1 else ()
    return {mean.name: weight * sum(mean.values) / len(mean.values) for weight, mean in terms if mean.name}


def unseen(clusters: float) -> float:
    """Return the share of clusters that may behave as none of those seen did: Wilson's (1927) upper limit for 0."""
    return Z**2 / (clusters + Z**2)


def _limits(stratum: Stratum, resamples: int, seed: int) -> tuple[float, float, float]:
    sums, counts = _by_cluster(stratum)
    weights = np.array([weight for weight, _ in stratum])
    # added as scripts add, not as a vector product may; the same in any order of the answers
    value = sum(weight * (math.fsum(mean.values) / len(mean.values)) for weight, mean in stratum)
    values = _resampled(weights, sums, counts, resamples, seed)
    # Kish's effective number of clusters, of the mean that has the fewest; equal clusters count one each
    effective = float((counts.sum(axis=0) ** 2 / (counts**2).sum(axis=0)).min())
    return _between(values, value, float(weights.sum()), effective)


def _functional_limits(number: Functional, full: float, resamples: int, seed: int) -> tuple[float, float, float]:
    value = float(full * number.value(np.ones((1, number.clusters)))[0])
    even = np.full(number.clusters, 1 / number.clusters)
    draws = np.random.default_rng(seed).multinomial(number.clusters, even, size=resamples)
    values = full * number.value(draws.astype(np.float64))
    return _between(np.asarray(values[np.isfinite(values)]), value, full, number.effective)


def _between(values: Array, value: float, full: float, clusters: float) -> tuple[float, float, float]:
    """Return low, value, high, from the values of the resamples and from what so many clusters may not have shown."""
    tail, share = _tail(clusters), unseen(clusters)
    low, high = np.quantile(values, [tail, 1 - tail])
    return min(float(low), value - share * value), value, max(float(high), value + share * (full - value))


def _by_cluster(stratum: Stratum) -> tuple[Array, Array]:
    """Return the sum and the number of each mean's values in each cluster: [clusters, means] twice."""
    index = {name: row for row, name in enumerate(dict.fromkeys(c for _, mean in stratum for c in mean.clusters))}
    sums, counts = np.zeros((2, len(index), len(stratum)))
    for column, (_, mean) in enumerate(stratum):
        rows = [index[cluster] for cluster in mean.clusters]
        np.add.at(sums[:, column], rows, mean.values)
        np.add.at(counts[:, column], rows, 1)
    return sums, counts


def _resampled(weights: Array, sums: Array, counts: Array, resamples: int, seed: int) -> Array:
    """Return the value in each resample, [resamples]. Clusters that look alike are drawn together."""
    kinds, number = np.unique(np.hstack([sums, counts]), axis=0, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(number.sum(), number / number.sum(), size=resamples)
    kind_sums, kind_counts = np.hsplit(kinds, 2)
    with np.errstate(invalid="ignore"):
        values = ((draws @ kind_sums) / (draws @ kind_counts)) @ weights
    return np.asarray(values[np.isfinite(values)])  # a resample may hold no value of a mean that few clusters have


def _tail(clusters: float) -> float:
    if clusters <= 1:
        return 0.0
    from scipy.special import ndtr, stdtrit  # type: ignore[import-untyped]  # half a second, which resuming need not pay

    return float(ndtr(math.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, (1 - LEVEL) / 2)))
