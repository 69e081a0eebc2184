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
    names = {name: index for index, name in enumerate(dict.fromkeys(clusters))}
    own = np.array([names[name] for name in clusters])[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])  # where each run of ties begins

    def area(draws: Array) -> Array:
        """Return each resample's area, given how often it draws each cluster, [resamples, clusters]."""
        weights = draws[:, own]
        above = np.add.reduceat(weights * truth, starts, axis=1)
        below = np.add.reduceat(weights * ~truth, starts, axis=1)
        won = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(won / (above.sum(axis=1) * below.sum(axis=1)))

    kinds = [len({name for name, is_one in zip(clusters, positive, strict=True) if is_one == side}) for side in (1, 0)]
    return Statistic(100.0, 50.0, functional=Functional(area, tuple(names), min(kinds), len(values)))
