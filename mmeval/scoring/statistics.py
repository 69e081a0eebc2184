"""Turn what was measured into a number with a 95% interval over the right clusters, alone or against another's.

A metric says what a number is made of (a `Statistic`); how sure one can be of it is found here, once for all metrics.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmeval.types import Estimate, InputError

LEVEL = 0.95
Z = 1.959963984540054
"""The normal quantile of a two-sided 95% interval."""
RESAMPLES = 2000
CHUNK = 2_000_000
"""Weights that are held at once: 16 MB."""
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
    clusters: Sequence[str]
    """The clusters' names, each once, in the order of the columns."""
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

    @property
    def n(self) -> int:
        """How many values there are, of each stratum's largest mean."""
        if self.functional:
            return self.functional.n
        return sum(max(len(mean.values) for _, mean in stratum) for stratum in self.strata)


def estimate(statistic: Statistic, *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Return the statistic's value with its 95% interval; `n` counts the values of each stratum's largest mean.

    One stratum: the percentile bootstrap over clusters, at the quantiles that make up for few clusters
    (Hesterberg 2015, section 5.2), and never narrower than `unseen` allows. Several: their limits
    combined by MOVER (Zou and Donner 2008), which keeps a stratum's distance to its limits where it is lopsided.
    """
    full, chance = statistic.full_marks, statistic.chance
    if statistic.reason is not None:
        return Estimate(None, None, None, statistic.n, full, chance, statistic.reason)
    limits = []
    for part in _parts(statistic):
        values = resample([part], resamples, seed)[0]
        limits.append(_between(values, part.point, part.full, part.effective))
    value, low, high = _combined(limits)
    return Estimate(value, max(low, 0.0), min(high, full), statistic.n, full, chance)


def paired(a: Statistic, b: Statistic, *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Return how much more `a` is than `b`, with the 95% interval of the difference: each resample draws for both.

    Clusters are matched by name, a stratum of one with the same stratum of the other, so that what makes a question
    hard for both cancels. A cluster that only one of them has (a question that ended in an error) counts there alone.
    The interval is Student's, of the resamples' variance, with two pseudo-clusters in which the two differ, one each
    way, as much as they do in any (Bonett and Price 2012); entirely where they differ in none: two runs that never
    differed are not proven to be the same.
    Raises InputError for numbers of different kinds, or without a common cluster.
    """
    if a.full_marks != b.full_marks or (not a.reason and not b.reason and len(_parts(a)) != len(_parts(b))):
        raise InputError("the two numbers are not of one kind; compare the same metric of the same task")
    n = min(a.n, b.n)
    if reason := a.reason or b.reason:
        return Estimate(None, None, None, n, a.full_marks, None, reason)
    limits = []
    for one, other in zip(_parts(a), _parts(b), strict=True):
        if not set(one.clusters) & set(other.clusters):
            raise InputError("the two numbers have no question in common; compare runs of the same questions")
        first, second = resample([one, other], resamples, seed)
        value, clusters = one.point - other.point, min(one.effective, other.effective)
        own, theirs = one.influence(), other.influence()
        most = max(abs(own.get(name, 0.0) - theirs.get(name, 0.0)) for name in {**own, **theirs})
        most = min(most, one.full) if most > 1e-9 * one.full else one.full
        limits.append(_around(first - second, value, one.full, clusters, most))
    value, low, high = _combined(limits)
    return Estimate(value, max(low, -a.full_marks), min(high, a.full_marks), n, a.full_marks, None)


def parts(statistic: Statistic) -> dict[str, float]:
    """Return the named terms of a number of one stratum, in its own unit: MME's acc and acc+, of 100 each."""
    terms = statistic.strata[0] if len(statistic.strata) == 1 else ()
    return {mean.name: weight * sum(mean.values) / len(mean.values) for weight, mean in terms if mean.name}


def unseen(clusters: float) -> float:
    """Return the share of clusters that may behave as none of those seen did: Wilson's (1927) upper limit for 0."""
    return Z**2 / (clusters + Z**2)


class _Part:
    """A stratum or a functional as a function of cluster weights, in the number's own unit."""

    def __init__(self, source: Stratum | Functional, full: float) -> None:
        self.columns: Array | None = None
        """What a ratio of sums is made of, [clusters, 2 * means]: clusters with equal rows may be drawn together."""
        if isinstance(source, Functional):
            self._function, self.full = source.value, full
            self.clusters: Sequence[str] = source.clusters
            self.point = float(full * source.value(np.ones((1, len(source.clusters))))[0])
            self.effective = source.effective
            return
        self.clusters = list(dict.fromkeys(name for _, mean in source for name in mean.clusters))
        self._weights = np.array([weight for weight, _ in source])
        self.full = float(self._weights.sum())
        # added as scripts add, not as a vector product may; the same in any order of the answers
        self.point = sum(weight * (math.fsum(mean.values) / len(mean.values)) for weight, mean in source)
        sums, counts = _by_cluster(source, self.clusters)
        # Kish's effective number of clusters, of the mean that has the fewest; equal clusters count one each
        self.effective = float((counts.sum(axis=0) ** 2 / (counts**2).sum(axis=0)).min())
        self.columns = np.hstack([sums, counts])

    def __call__(self, weights: Array) -> Array:
        """Return the value under each row of cluster weights, [resamples]; NaN where it has none."""
        if self.columns is None:
            return np.asarray(self.full * self._function(weights))
        return self.ratio(weights @ self.columns)

    def influence(self) -> dict[str, float]:
        """Return how far each cluster is from the value, as the value's change without it says (the jackknife)."""
        number = len(self.clusters)
        if self.columns is None:
            size = max(1, CHUNK // number)
            rows = range(0, number, size)
            without = np.concatenate([self(1.0 - np.eye(min(size, number - row), number, row)) for row in rows])
        else:
            without = self.ratio(self.columns.sum(axis=0) - self.columns)
        changes = (number - 1) * (self.point - np.where(np.isfinite(without), without, self.point))
        return dict(zip(self.clusters, changes.tolist(), strict=True))

    def ratio(self, totals: Array) -> Array:
        """Return the value of weighted column sums, [resamples, 2 * means]."""
        sums, counts = np.hsplit(totals, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((sums / counts) @ self._weights)


def resample(of: Sequence[_Part], resamples: int, seed: int) -> list[Array]:
    """Return each part's values in the resamples that have one in all parts; clusters of a name are drawn together."""
    names = list(dict.fromkeys(name for part in of for name in part.clusters))
    place = {name: index for index, name in enumerate(names)}
    rng = np.random.default_rng(seed)
    columns = [[place[name] for name in part.clusters] for part in of]
    ratios = [part.columns for part in of if part.columns is not None]
    if len(ratios) == len(of):  # few kinds of clusters, drawn by how many there are of each
        rows = np.zeros((len(names), sum(own.shape[1] for own in ratios)))
        ends = np.cumsum([own.shape[1] for own in ratios])
        for own, at, end in zip(ratios, columns, ends, strict=True):
            rows[at, end - own.shape[1] : end] = own
        kinds, number = np.unique(rows, axis=0, return_counts=True)
        totals = rng.multinomial(len(names), number / len(names), size=resamples) @ kinds
        values = [part.ratio(own) for part, own in zip(of, np.hsplit(totals, ends[:-1]), strict=True)]
    else:
        size, values = max(1, CHUNK // len(names)), [np.empty(resamples) for _ in of]
        for start in range(0, resamples, size):
            weights = _draw(rng, len(names), min(size, resamples - start))
            for own, part, at in zip(values, of, columns, strict=True):
                own[start : start + size] = part(weights[:, at])
    known = np.isfinite(values).all(axis=0)  # a resample may hold no value of a mean that few clusters have
    return [np.asarray(own[known]) for own in values]


def _draw(rng: np.random.Generator, clusters: int, resamples: int) -> Array:
    """Return how often each cluster is drawn in each resample, [resamples, clusters]."""
    drawn = rng.integers(clusters, size=(resamples, clusters)) + clusters * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * clusters)
    return counts.reshape(resamples, clusters).astype(np.float64)


def _parts(statistic: Statistic) -> list[_Part]:
    if statistic.functional is not None:
        return [_Part(statistic.functional, statistic.full_marks)]
    return [_Part(stratum, statistic.full_marks) for stratum in statistic.strata]


def _combined(limits: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Return the sum of independent numbers with its limits, from (low, value, high) of each."""
    value = sum(middle for _, middle, _ in limits)
    low = value - math.hypot(*(middle - low for low, middle, _ in limits))
    return value, low, value + math.hypot(*(high - middle for _, middle, high in limits))


def _between(values: Array, value: float, full: float, clusters: float) -> tuple[float, float, float]:
    """Return low, value, high, from the values of the resamples and from what so many clusters may not have shown."""
    tail, share = _tail(clusters), unseen(clusters)
    low, high = np.quantile(values, [tail, 1 - tail])
    return min(float(low), value - share * value), value, max(float(high), value + share * (full - value))


def _around(values: Array, value: float, full: float, clusters: float, most: float) -> tuple[float, float, float]:
    """Return low, value, high of a difference, `most` being the difference in the pseudo-clusters."""
    if clusters <= 1:
        return -full, value, full
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    variance = float(np.var(values)) * clusters / (clusters - 1) * clusters**2 + 2 * most**2
    half = -float(stdtrit(clusters - 1, (1 - LEVEL) / 2)) * math.sqrt(variance) / (clusters + 2)
    middle = value * clusters / (clusters + 2)
    return min(middle - half, value), value, max(middle + half, value)


def _by_cluster(stratum: Stratum, clusters: Sequence[str]) -> tuple[Array, Array]:
    """Return the sum and the number of each mean's values in each cluster: [clusters, means] twice."""
    index = {name: row for row, name in enumerate(clusters)}
    sums, counts = np.zeros((2, len(index), len(stratum)))
    for column, (_, mean) in enumerate(stratum):
        rows = [index[cluster] for cluster in mean.clusters]
        np.add.at(sums[:, column], rows, mean.values)
        np.add.at(counts[:, column], rows, 1)
    return sums, counts


def _tail(clusters: float) -> float:
    if clusters <= 1:
        return 0.0
    from scipy.special import ndtr, stdtrit  # half a second, which resuming need not pay

    return float(ndtr(math.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, (1 - LEVEL) / 2)))
