"""Area under the ROC curve: how often a positive is ranked above a negative. A tie counts half."""

from collections.abc import Sequence

import numpy as np

from mmeval.scoring.statistics import Array, Functional, Statistic


def auroc(values: Sequence[float], positive: Sequence[bool], clusters: Sequence[str]) -> Statistic:
    """Return the area, out of 100, from a value per sample; chance is 50. Resamples for the interval are ranked anew.

    This is the Mann-Whitney statistic, as in scikit-learn's `roc_auc_score` (Hateful Memes, Kiela 2020, arXiv
    2005.04790).
    """
    if all(positive) or not any(positive):
        return Statistic(100.0, 50.0, reason="the data lacks positive or negative samples")
    order = np.argsort(values, kind="stable")
    ranked = np.asarray(values)[order]
    truth = np.asarray(positive, dtype=bool)[order]
    names = {name: index for index, name in enumerate(sorted(set(clusters)))}
    cluster_of = np.array([names[name] for name in clusters])[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])  # where each run of ties begins

    def area(draws: Array) -> Array:
        """Return each resample's area, given how often it draws each cluster, [resamples, clusters]."""
        weights = draws[:, cluster_of]
        above = np.add.reduceat(weights * truth, starts, axis=1)
        below = np.add.reduceat(weights * ~truth, starts, axis=1)
        won = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(won / (above.sum(axis=1) * below.sum(axis=1)))

    def without() -> Array:
        """Return the area without each cluster, [clusters], from each sample's wins and defeats (O(n log n)).

        A cluster takes along the pairs that its positives win and those that its negatives lose; the pairs within the
        cluster are both, and count once.
        """
        tie_of = np.cumsum(np.r_[False, ranked[1:] != ranked[:-1]])
        above, below = np.bincount(tie_of, truth), np.bincount(tie_of, ~truth)
        won = (np.cumsum(below) - below / 2)[tie_of]
        lost = (above.sum() - np.cumsum(above) + above / 2)[tie_of]
        inner = np.argsort(cluster_of, kind="stable")  # by cluster, then by value
        tie = np.cumsum(np.r_[False, (np.diff(cluster_of[inner]) != 0) | (np.diff(tie_of[inner]) != 0)])
        low = np.bincount(tie, ~truth[inner])
        negatives, positives = np.bincount(cluster_of, ~truth), np.bincount(cluster_of, truth)
        before = (np.cumsum(low) - low / 2)[tie] - (np.cumsum(negatives) - negatives)[cluster_of[inner]]
        within = np.bincount(cluster_of[inner], truth[inner] * before)
        remaining_wins = won[truth].sum() - np.bincount(cluster_of, np.where(truth, won, lost)) + within
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(remaining_wins / ((above.sum() - positives) * (below.sum() - negatives)))

    kinds = [len({name for name, is_one in zip(clusters, positive, strict=True) if is_one == side}) for side in (1, 0)]
    return Statistic(100.0, 50.0, functional=Functional(area, without, tuple(names), min(kinds), len(values)))
