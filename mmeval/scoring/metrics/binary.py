"""Yes/no questions as a detection: accuracy, precision, recall, F1 and how often the answer is yes.

All are of 100. F1 is 2 TP / (answered yes + truly yes), a ratio of sums, so that its interval is that of F1 itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmeval.scoring.metrics.groups import Key, key, percent
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.types import Record, Score


def detection(records: Sequence[Record], scores: Sequence[Score], cluster: Key) -> dict[str, Statistic]:
    """The five numbers over all records that have a mark, `yes` being what is detected.

    An answer that says neither is no yes and no no: it is wrong, it stays in the denominators of accuracy, of recall
    and of the yes ratio, and it is never a false positive. The yes ratio counts answers, not the truth (POPE, Li et
    al. 2023, arXiv 2305.10355). Chance is that of a fair coin where half of the truths are yes.
    """
    rows = [
        (score.value, score.answer == "yes", "yes" in record.targets, key(record, cluster))
        for record, score in zip(records, scores, strict=True)
        if score.value is not None
    ]
    hit = [(float(said and true), name) for _, said, true, name in rows]
    of_said = [pair for pair, (_, said, _, _) in zip(hit, rows, strict=True) if said]
    of_true = [pair for pair, (_, _, true, _) in zip(hit, rows, strict=True) if true]
    return {
        "accuracy": percent(_mean([(value, name) for value, _, _, name in rows]), 50.0),
        "precision": percent(_mean(of_said), 50.0, "no answer is yes"),
        "recall": percent(_mean(of_true), 50.0, "no truth is yes"),
        "f1": percent(_mean(of_said + of_true), 50.0, "neither an answer nor a truth is yes"),
        "yes_ratio": percent(_mean([(float(said), name) for _, said, _, name in rows]), 50.0),
    }


def _mean(rows: Sequence[tuple[float, str]]) -> Mean:
    return Mean([value for value, _ in rows], [name for _, name in rows])
