"""Numbers as functions of how often each cluster is drawn: means over clusters, and whatever is no mean.

What a metric makes of a number, and its interval, are `statistics`'s.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    bounded: bool = True
    """Whether it stays within [0, 1]; if not (d'), its interval is symmetrical, and full marks are its unit."""


class Part:
    """A stratum or a functional as a function of cluster weights, in the number's own unit."""

    def __init__(self, source: Stratum | Functional, full: float) -> None:
        self.columns: Array | None = None
        """What a ratio of sums is made of, [clusters, 2 * means]."""
        if isinstance(source, Functional):
            self._function, self.full = source.value, full
            self.clusters: Sequence[str] = source.clusters
            self.point = float(full * source.value(np.ones((1, len(source.clusters))))[0])
            self.effective, self.n = source.effective, float(source.n)
            return
        self.clusters = list(dict.fromkeys(name for _, mean in source for name in mean.clusters))
        self._weights = np.array([weight for weight, _ in source])
        self.full = float(self._weights.sum())
        # added as scripts add, not as a vector product may; the same in any order of the answers
        self.point = sum(weight * (math.fsum(mean.values) / len(mean.values)) for weight, mean in source)
        sums, counts = _by_cluster(source, self.clusters)
        # Kish's effective number of clusters, of the mean that has the fewest; equal clusters count one each
        self.effective = float((counts.sum(axis=0) ** 2 / (counts**2).sum(axis=0)).min())
        # acc of two answers a picture and acc+ of one: one and a half answers a picture, at the most independent
        self.n = max(float(counts.sum(axis=0) @ self._weights / self.full), self.effective)
        self.columns = np.hstack([sums, counts])

    def __call__(self, weights: Array) -> Array:
        """Return the value under each row of cluster weights, [resamples]; NaN where it has none."""
        if self.columns is None:
            return np.asarray(self.full * self._function(weights))
        return self.ratio(weights @ self.columns)

    def ratio(self, totals: Array) -> Array:
        """Return the value of a stratum from the sums of its columns, [resamples, 2 * means]."""
        sums, counts = np.hsplit(totals, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((sums / counts) @ self._weights)

    def influence(self) -> dict[str, float]:
        """Return how much each cluster pulls the value, centred: of means linearised, else by leaving each out."""
        number = len(self.clusters)
        if self.columns is not None:
            sums, counts = np.hsplit(self.columns, 2)
            pulls = (sums - sums.sum(axis=0) / counts.sum(axis=0) * counts) / counts.sum(axis=0) @ self._weights
            return dict(zip(self.clusters, (number * pulls).tolist(), strict=True))
        size = max(1, CHUNK // number)
        rows = range(0, number, size)
        without = np.concatenate([self(1.0 - np.eye(min(size, number - row), number, row)) for row in rows])
        changes = (number - 1) * (self.point - np.where(np.isfinite(without), without, self.point))
        return dict(zip(self.clusters, changes.tolist(), strict=True))


def resample(of: Sequence[Part], resamples: int, seed: int) -> list[Array]:
    """Return each part's values in the resamples that have one in all parts; clusters of a name are drawn together."""
    names = list(dict.fromkeys(name for part in of for name in part.clusters))
    place = {name: index for index, name in enumerate(names)}
    columns = [[place[name] for name in part.clusters] for part in of]
    rng, size = np.random.default_rng(seed), max(1, CHUNK // len(names))
    values = np.empty((len(of), resamples))
    for start in range(0, resamples, size):
        weights = _draw(rng, len(names), min(size, resamples - start))
        for own, part, at in zip(values, of, columns, strict=True):
            own[start : start + size] = part(weights[:, at])
    known = np.isfinite(values).all(axis=0)  # a resample may hold no positive sample
    return list(values[:, known])


def _draw(rng: np.random.Generator, clusters: int, resamples: int) -> Array:
    """Return how often each cluster is drawn in each resample, [resamples, clusters]."""
    drawn = rng.integers(clusters, size=(resamples, clusters)) + clusters * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * clusters)
    return counts.reshape(resamples, clusters).astype(np.float64)


def variance_of(changes: Array) -> float:
    """Return the variance of a number from its clusters' centred changes."""
    number = len(changes)
    return float((changes**2).sum() / (number * max(number - 1, 1)))


def freedom_of(changes: Array) -> float:
    """Return the degrees of freedom of that variance: few where few clusters make most of it.

    2n / kurtosis, at most n - 1: the variance of a variance is (kurtosis - 1) / n of its square, and few values show
    too small a kurtosis, so that it is not lessened by 1.
    """
    squares = changes**2
    return min(max(2 * float(squares.sum()) ** 2 / float((squares**2).sum()), 1.0), len(changes) - 1.0)


def corrected(values: Array, clusters: int) -> float:
    """Return the variance of resampled values, made up for what drawing from so few clusters takes away."""
    return float(np.var(values)) * clusters / max(clusters - 1, 1) if len(values) else 0.0


def _by_cluster(stratum: Stratum, clusters: Sequence[str]) -> tuple[Array, Array]:
    """Return the sum and the number of each mean's values in each cluster: [clusters, means] twice."""
    index = {name: row for row, name in enumerate(clusters)}
    sums, counts = np.zeros((2, len(index), len(stratum)))
    for column, (_, mean) in enumerate(stratum):
        rows = [index[cluster] for cluster in mean.clusters]
        np.add.at(sums[:, column], rows, mean.values)
        np.add.at(counts[:, column], rows, 1)
    return sums, counts
