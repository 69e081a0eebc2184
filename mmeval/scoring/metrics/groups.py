"""Percentages of questions, and of groups of questions, that are right.

`group_all` gives MME's acc+, NLVR2's consistency, HallusionBench's qAcc and fAcc, NaturalBench's Q, I and G, and VCR's
Q->AR. They differ only in the key.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from mmeval.scoring.readings.choices import options_right
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.types import Record, Sample, Score

T = TypeVar("T")
Key = str | Callable[[Record], str]
"""A key of `record.groups`, or a function that returns the group."""
SHARED = ("cluster", "image", "video")
"""Groups by picture. A picture may occur in several categories (POPE); each then has a group of its own."""


def pictures(record: Record) -> str:
    """Return the default cluster, shared by questions about the same pictures."""
    return " ".join(record.images) or record.id


def share(records: Sequence[Record], scores: Sequence[Score], cluster: Key = pictures) -> Mean:
    """Return the mean mark of the questions that have one. Unparsed answers count as wrong."""
    pairs = zip(records, scores, strict=True)
    return _mean([(score.value, key(record, cluster)) for record, score in pairs if score.value is not None])


def group_all(records: Sequence[Record], scores: Sequence[Score], group: Key, cluster: Key | None = None) -> Mean:
    """Return the share of groups in which every question has full marks.

    A group with a question without a mark (an error) is left out, since its result is unknown. Groups are clustered
    by `cluster`, which must be the same within a group. If it is None, each group is a cluster.
    """
    marks: dict[str, list[float | None]] = {}
    clusters: dict[str, str] = {}
    for record, score in zip(records, scores, strict=True):
        name = key(record, group)
        marks.setdefault(name, []).append(score.value)
        clusters.setdefault(name, name if cluster is None else key(record, cluster))
    known = [name for name, values in marks.items() if None not in values]
    return Mean([float(all(mark == 1.0 for mark in marks[name])) for name in known], [clusters[n] for n in known])


def in_whole_groups(ids: Collection[str], *runs: Sequence[Record]) -> frozenset[str]:
    """Return those of `ids` whose groups have no question outside of `ids` in any of the runs."""
    broken = {group for run in runs for record in run if record.id not in ids for group in named(record)}
    return frozenset(
        record.id for run in runs for record in run if record.id in ids and broken.isdisjoint(named(record))
    )


def named(item: Record | Sample) -> set[tuple[str, str]]:
    """Return the groups of a question, each by its key or, for those by picture, by the category, and its name."""
    return {(item.category if name in SHARED else name, group) for name, group in item.groups.items()}


def key(record: Record, group: Key) -> str:
    """Return the name of the record's group."""
    return record.groups[group] if isinstance(group, str) else group(record)


def percent(mean: Mean, chance: float | None, why: str = "none of its questions has an answer") -> Statistic:
    """Return a mean as a percentage; `chance` is one, too. Without values, `why` is the reason for no number."""
    return Statistic(100.0, chance, [((100.0, mean),)]) if mean.values else Statistic(100.0, chance, reason=why)


def macro(parts: Mapping[str, Statistic]) -> Statistic:
    """Return the unweighted mean of the parts, without a value if a part has none.

    Raises ValueError for a part that is not a sum of means.
    """
    chances = [part.chance for part in parts.values() if part.chance is not None]
    chance = math.fsum(chances) / len(chances) if chances and len(chances) == len(parts) else None
    if missing := [name for name, part in parts.items() if part.reason is not None]:
        return Statistic(100.0, chance, reason=f"no value for {', '.join(missing)}")
    if not parts:
        return Statistic(100.0, chance, reason="it has no parts with questions")
    if functionals := [name for name, part in parts.items() if part.functional is not None]:
        raise ValueError(f"the mean over parts needs sums of means, and {functionals[0]} is a functional")
    strata = [
        tuple((weight / len(parts), mean) for weight, mean in stratum)
        for part in parts.values()
        for stratum in part.strata
    ]
    return Statistic(100.0, chance, strata)


def guessing(records: Sequence[Record]) -> float | None:
    """Return the percentage that random options get right, or None if a question has no options."""
    sizes = [(len(record.choices), options_right(record) if record.targets else 1) for record in records]
    if not sizes or not all(size for size, _ in sizes):
        return None
    shares = (number * Fraction(right, size) for (size, right), number in Counter(sizes).items())
    return float(100 * sum(shares) / len(sizes))


def by_category(
    records: Sequence[Record],
    scores: Sequence[Score],
    names: Sequence[str],
    cluster: Key = pictures,
    chance: Callable[[Sequence[Record]], float | None] = guessing,
) -> dict[str, Statistic]:
    """Return each category's share, in the order of `names`, then by name, so that the strata of two runs match.

    `chance` returns the chance level of its records.
    """
    parts = parts_by(lambda record: record.category, records, scores)
    return {
        name: percent(share(*parts[name], cluster), chance(parts[name][0]))
        for name in list(dict.fromkeys((*names, *sorted(parts))))
    }


def detection(records: Sequence[Record], scores: Sequence[Score], cluster: Key) -> dict[str, Statistic]:
    """Return accuracy, precision, recall, F1 and yes ratio as percentages, with `yes` as the positive class.

    An answer that says neither yes nor no is wrong: it counts in the denominators of accuracy, recall and the yes
    ratio, and is never a false positive. The yes ratio counts answers, not the truth (POPE, Li et al. 2023, arXiv
    2305.10355). F1 is 2 TP / (answered yes + truly yes), a ratio of sums, so its interval is that of F1 itself.
    Chance is that of a fair coin if half of the truths are yes.
    """
    rows = [
        (score.value, score.answer == "yes", "yes" in record.targets, key(record, cluster))
        for record, score in zip(records, scores, strict=True)
        if score.value is not None
    ]
    of_answers = [(float(true), name) for _, yes, true, name in rows if yes]
    of_truths = [(float(yes), name) for _, yes, true, name in rows if true]
    return {
        "accuracy": percent(_mean([(value, name) for value, _, _, name in rows]), 50.0),
        "precision": percent(_mean(of_answers), 50.0, "no answer is yes"),
        "recall": percent(_mean(of_truths), 50.0, "no truth is yes"),
        "f1": percent(_mean(of_answers + of_truths), 50.0, "neither an answer nor a truth is yes"),
        "yes_ratio": percent(_mean([(float(yes), name) for _, yes, _, name in rows]), 50.0),
    }


def parts_by(
    name: Callable[[Record], T], records: Sequence[Record], scores: Sequence[Score]
) -> Mapping[T, tuple[list[Record], list[Score]]]:
    """Return each part's records and scores, by the part's name. A part without records is empty."""
    parts: dict[T, tuple[list[Record], list[Score]]] = defaultdict(lambda: ([], []))
    for record, score in zip(records, scores, strict=True):
        part_records, part_scores = parts[name(record)]
        part_records.append(record)
        part_scores.append(score)
    return parts


def _mean(rows: Sequence[tuple[float, str]]) -> Mean:
    return Mean([value for value, _ in rows], [name for _, name in rows])
