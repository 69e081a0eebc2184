"""Likelihoods corrected for the text-only prior: log P(option | picture) - alpha log P(option).

VisualGPTScore (arXiv 2306.01879): alpha 0 is the raw likelihood, 1 the pointwise mutual information. The prior comes
from the same model without the picture. Alpha is tuned on one half of the clusters and reported on the other.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from mmeval.bias.asked import accuracy, cluster
from mmeval.runs.scored import Scored, score_records
from mmeval.runs.study import Likelihood, Tuned
from mmeval.scoring.statistics import estimate, paired
from mmeval.types import Record

ALPHAS = tuple(step / 20 for step in range(31))
"""Values of alpha to try: 0 to 1.5."""


def corrected(main: Scored, blind: Scored, prior: str) -> Likelihood | None:
    """Return the accuracy at alpha 0 and 1, and tuned on half the clusters; None if there are no likelihoods.

    `prior` names the control that gives the prior, of which `blind` are the answers.
    """
    pairs = [(main.by_id[id][0], blind.by_id[id][0]) for id in main.by_id if id in blind.by_id]
    pairs = [
        (seen, unseen)
        for seen, unseen in pairs
        if seen.loglikelihoods and unseen.loglikelihoods and len(seen.loglikelihoods) == len(unseen.loglikelihoods)
    ]
    if not pairs:
        return None
    tuning = [pair for pair in pairs if _half(cluster(pair[0]))]
    held_out = [pair for pair in pairs if not _half(cluster(pair[0]))]

    def scored(subset: Sequence[tuple[Record, Record]], alpha: float) -> Scored:
        return score_records(main.task, _without_prior(subset, alpha))

    without_prior = scored(pairs, 1.0)
    raw, mutual = accuracy(scored(pairs, 0.0)), accuracy(without_prior)
    tied = sum(score.outcome == "unparsed" for score in without_prior.main)
    results = Likelihood(prior, estimate(raw), estimate(mutual), paired(mutual, raw), tied)
    if not (tuning and held_out):
        return results
    shares = {alpha: estimate(accuracy(scored(tuning, alpha))).value or 0.0 for alpha in ALPHAS}
    best = max(ALPHAS, key=lambda alpha: (shares[alpha], -alpha))
    tuned, untuned = (accuracy(scored(held_out, alpha)) for alpha in (best, 0.0))
    return replace(results, tuned=Tuned(best, estimate(tuned), estimate(untuned), paired(tuned, untuned)))


def _without_prior(pairs: Sequence[tuple[Record, Record]], alpha: float) -> list[Record]:
    """Return the records with `alpha` times the prior subtracted from their log-likelihoods."""
    return [
        replace(
            seen,
            loglikelihoods=tuple(
                likelihood - alpha * prior
                for likelihood, prior in zip(seen.loglikelihoods or (), unseen.loglikelihoods or (), strict=True)
            ),
        )
        for seen, unseen in pairs
    ]


def _half(name: str) -> bool:
    """Tell whether a cluster is in the tuning half; the split is deterministic."""
    return hashlib.sha256(name.encode("utf-8", "backslashreplace")).digest()[0] % 2 == 0
