"""Shares of questions, and of groups of questions that are right altogether, as numbers of 100.

One `group_all` gives MME's acc+, NLVR2's consistency, HallusionBench's qAcc and fAcc, NaturalBench's Q, I and G,
and VCR's Q->AR: they differ in nothing but the key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mmeval.scoring.statistics import Mean, Statistic
from mmeval.types import Record, Score

Key = str | Callable[[Record], str]
"""A group's name, as in `record.groups`, or what finds it."""


def pictures(record: Record) -> str:
    """The cluster of a question that has none named: questions about the same pictures go together."""
    return " ".join(record.images) or record.id


def share(records: Sequence[Record], scores: Sequence[Score], cluster: Key = pictures) -> Mean:
    """The mean mark of the questions that have one; what could not be read counts as wrong."""
    known = [
        (score.value, key(record, cluster))
        for record, score in zip(records, scores, strict=True)
        if score.value is not None
    ]
    return Mean([value for value, _ in known], [name for _, name in known])


def group_all(records: Sequence[Record], scores: Sequence[Score], by: Key, cluster: Key | None = None) -> Mean:
    """The share of groups in which every question has full marks.

    A group with a question that has no mark (an error) is left out, as its verdict is unknown. Groups are clustered
    by `cluster`, which must be the same for all of a group, and by themselves where it is None.
    """
    marks: dict[str, list[float | None]] = {}
    clusters: dict[str, str] = {}
    for record, score in zip(records, scores, strict=True):
        name = key(record, by)
        marks.setdefault(name, []).append(score.value)
        clusters.setdefault(name, name if cluster is None else key(record, cluster))
    known = [name for name, values in marks.items() if None not in values]
    return Mean([float(all(mark == 1.0 for mark in marks[name])) for name in known], [clusters[n] for n in known])


def key(record: Record, by: Key) -> str:
    """The name of the record's group."""
    return record.groups[by] if isinstance(by, str) else by(record)


def percent(mean: Mean, chance: float | None, why: str = "no question has an answer") -> Statistic:
    """That mean of 100; `chance` is of 100, too. Without values there is no number, and `why` says it."""
    if not mean.values:
        return Statistic(100.0, chance, reason=why)
    return Statistic(100.0, chance, [((100.0, mean),)])


def macro(parts: Mapping[str, Statistic]) -> Statistic:
    """The mean of the parts, each weighing the same whatever its size; none where one has no value."""
    chances = [part.chance for part in parts.values() if part.chance is not None]
    chance = sum(chances) / len(chances) if chances and len(chances) == len(parts) else None
    if missing := [name for name, part in parts.items() if part.reason is not None]:
        return Statistic(100.0, chance, reason=f"no value for {', '.join(missing)}")
    strata = [
        tuple((weight / len(parts), mean) for weight, mean in stratum)
        for part in parts.values()
        for stratum in part.strata
    ]
    return Statistic(100.0, chance, strata)


def by_category(
    records: Sequence[Record],
    scores: Sequence[Score],
    names: Sequence[str],
    cluster: Key = pictures,
    chance: Callable[[Sequence[Record]], float | None] | None = None,
) -> dict[str, Statistic]:
    """The share of each category in that order; what guessing gives is found from its records."""
    found: dict[str, tuple[list[Record], list[Score]]] = {name: ([], []) for name in names}
    for record, score in zip(records, scores, strict=True):
        own = found.setdefault(record.category, ([], []))
        own[0].append(record)
        own[1].append(score)
    guessed = chance or guessing
    return {
        name: percent(
            share(*own, cluster),
            guessed(own[0]),
            f"no question of {name} has an answer" if own[0] else f"the data has no question of {name}",
        )
        for name, own in found.items()
    }


def guessing(records: Sequence[Record]) -> float | None:
    """What drawing one of each question's options gives, of 100; None where a question has none."""
    sizes = [len(record.choices) for record in records]
    return 100.0 * sum(1 / size for size in sizes) / len(sizes) if sizes and 0 not in sizes else None
