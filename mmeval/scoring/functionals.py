"""Numbers as functions of how often each cluster is drawn: means over clusters and other functionals.

`statistics` defines what a number is made of and computes its interval.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CHUNK = 2_000_000
"""Maximum number of weights in memory: 16 MB."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A mean of values in [0, 1] over units (questions, pictures) in clusters. `clusters` has one name per value."""

    values: Sequence[float]
    clusters: Sequence[str]
    name: str = ""
    """The name in tables: "acc", "acc+"."""


Stratum = tuple[tuple[float, Mean], ...]
"""Means over the same clusters with positive weights. The weighted sum is the stratum's value."""


@dataclass(frozen=True)
class Functional:
    """A number in [0, 1] that is not a mean (an area under a curve), recomputed in each resample of its clusters."""

    value: Callable[[Array], Array]
    """Maps how often each cluster is drawn, [resamples, clusters], to values, [resamples]; NaN if undefined."""
    without: Callable[[], Array]
    """Returns the value without each cluster in turn, [clusters]; NaN if undefined."""
    clusters: Sequence[str]
    """The clusters' names, each once, in the order of the columns."""
    effective: float
    """The number of clusters for the interval: that of the smaller of the two sides compared."""
    n: int


class Part(ABC):
    """A term of a number as a function of cluster weights, in the number's own unit."""

    full: float
    """Full marks."""
    clusters: Sequence[str]
    point: float
    """The value."""
    effective: float
    """The number of clusters, fewer if some weigh more."""
    n: float
    """The maximum number of independent answers."""

    @abstractmethod
    def __call__(self, weights: Array) -> Array:
        """Return the value for each row of cluster weights, [resamples]; NaN if undefined."""

    @abstractmethod
    def influence(self) -> dict[str, float]:
        """Return each cluster's centered influence on the value."""


class StratumPart(Part):
    """A stratum as a function of cluster weights."""

    def __init__(self, source: Stratum) -> None:
        self.clusters = sorted({name for _, mean in source for name in mean.clusters})
        self._weights = np.array([weight for weight, _ in source])
        self.full = float(self._weights.sum())
        # summed as official scripts do, not by a vector product; independent of the order of the answers
        self.point = sum(weight * (math.fsum(mean.values) / len(mean.values)) for weight, mean in source)
        sums, counts = _by_cluster(source, self.clusters)
        # Kish's effective number of clusters, for the mean with the fewest; clusters of equal size count one each
        self.effective = float((counts.sum(axis=0) ** 2 / (counts**2).sum(axis=0)).min())
        # acc has two answers per picture and acc+ one: at most one and a half independent answers per picture
        self.n = max(float(counts.sum(axis=0) @ self._weights / self.full), self.effective)
        self.columns: Array = np.hstack([sums, counts])
        """Sums and counts of each mean by cluster, [clusters, 2 * means]."""

    def __call__(self, weights: Array) -> Array:
        """Return the value for each row of cluster weights, [resamples]; NaN if a mean has no values."""
        return self.ratio(weights @ self.columns)

    def ratio(self, totals: Array) -> Array:
        """Return the value from the sums of the columns, [resamples, 2 * means]."""
        sums, counts = np.hsplit(totals, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((sums / counts) @ self._weights)

    def influence(self) -> dict[str, float]:
        """Return each cluster's centered influence on the value, by linearization."""
        sums, counts = np.hsplit(self.columns, 2)
        pulls = (sums - sums.sum(axis=0) / counts.sum(axis=0) * counts) / counts.sum(axis=0) @ self._weights
        return dict(zip(self.clusters, (len(self.clusters) * pulls).tolist(), strict=True))


class FunctionalPart(Part):
    """A functional as a function of cluster weights."""

    def __init__(self, source: Functional, full: float) -> None:
        self._source, self.full, self.clusters = source, full, source.clusters
        self.point = float(full * source.value(np.ones((1, len(source.clusters))))[0])
        self.effective, self.n = source.effective, float(source.n)

    def __call__(self, weights: Array) -> Array:
        """Return the value for each row of cluster weights, [resamples]; NaN if undefined."""
        return np.asarray(self.full * self._source.value(weights))

    def influence(self) -> dict[str, float]:
        """Return each cluster's centered influence on the value, by the jackknife."""
        number, without = len(self.clusters), self.full * self._source.without()
        changes = (number - 1) * (self.point - np.where(np.isfinite(without), without, self.point))
        changes -= changes.mean()  # so that the linear parts of the clusters add up to the value
        return dict(zip(self.clusters, changes.tolist(), strict=True))


def resample(parts: Sequence[Part], resamples: int) -> list[Array]:
    """Return each part's values in the resamples where all have one. Parts share the draws of clusters by name.

    The order of the answers, which differs from run to run, changes nothing.
    """
    clusters = sorted({name for part in parts for name in part.clusters})
    column_of = {name: index for index, name in enumerate(clusters)}
    columns_of_parts = [[column_of[name] for name in part.clusters] for part in parts]
    rng, size = np.random.default_rng(0), max(1, CHUNK // len(clusters))
    values = np.empty((len(parts), resamples))
    for start in range(0, resamples, size):
        weights = _draw(rng, len(clusters), min(size, resamples - start))
        for row, part, columns in zip(values, parts, columns_of_parts, strict=True):
            row[start : start + size] = part(weights[:, columns])
    known = np.isfinite(values).all(axis=0)  # a resample may hold no positive sample
    return list(values[:, known])


def _draw(rng: np.random.Generator, clusters: int, resamples: int) -> Array:
    """Return how often each cluster is drawn in each resample, [resamples, clusters]."""
    drawn = rng.integers(clusters, size=(resamples, clusters)) + clusters * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * clusters)
    return counts.reshape(resamples, clusters).astype(np.float64)


def variance_of(changes: Array) -> float:
    """Return the variance of a number from its clusters' centered influences."""
    number = len(changes)
    return float((changes**2).sum() / (number * max(number - 1, 1)))


def freedom_of(changes: Array) -> float:
    """Return the degrees of freedom of that variance, few if few clusters make up most of it.

    This is 2n / kurtosis, at most n - 1. The variance of a variance is (kurtosis - 1) / n times its square. The 1 is
    not subtracted, because a small sample underestimates kurtosis.
    """
    squares = changes**2
    return min(max(2 * float(squares.sum()) ** 2 / float((squares**2).sum()), 1.0), len(changes) - 1.0)


def corrected(values: Array, clusters: int) -> float:
    """Return the variance of resampled values, corrected for the bias of resampling few clusters."""
    return float(np.var(values)) * clusters / max(clusters - 1, 1) if len(values) else 0.0


def _by_cluster(stratum: Stratum, clusters: Sequence[str]) -> tuple[Array, Array]:
    """Return the sums and counts of each mean's values by cluster, both [clusters, means]."""
    index = {name: row for row, name in enumerate(clusters)}
    sums, counts = np.zeros((2, len(index), len(stratum)))
    for column, (_, mean) in enumerate(stratum):
        rows, values = np.array([index[cluster] for cluster in mean.clusters]), np.asarray(mean.values)
        order = np.lexsort((values, rows))  # in another order, a sum may differ in its last digit
        np.add.at(sums[:, column], rows[order], values[order])
        np.add.at(counts[:, column], rows, 1)
    return sums, counts
