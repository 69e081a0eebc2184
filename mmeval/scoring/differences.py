"""Where two scorers do not read the same out of the same answers, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mmeval.types import Record, Score

ONLY_OFFICIAL = "only the official scorer reads an answer in"
ONLY_STRICT = "only the strict scorer reads an answer in"
OTHERWISE = "they read opposite answers in"
LISTED = 14
"""Categories that are named, those with the most: MME has so many, and more would be a wall."""


def differences(
    records: Sequence[Record], official: Sequence[Score], strict: Sequence[Score]
) -> dict[str, Counter[str]]:
    """Of each category, how many answers the two read differently, by reason; categories without one left out."""
    found: dict[str, Counter[str]] = {}
    for record, first, second in zip(records, official, strict, strict=True):
        if first.answer != second.answer:
            reason = ONLY_OFFICIAL if second.answer is None else ONLY_STRICT if first.answer is None else OTHERWISE
            found.setdefault(record.category, Counter())[reason] += 1
    return found


def explain(found: Mapping[str, Counter[str]]) -> str:
    """That as a sentence, to stand under a table in which the two scorers' numbers differ."""
    if not found:
        return "They read every answer alike, and differ in which answers they take together as one picture's."
    reasons: Counter[str] = sum(found.values(), Counter())
    most = sorted(found, key=lambda category: -found[category].total())[:LISTED]
    where = ", ".join(f"{category or 'all'} {found[category].total()}" for category in found if category in most)
    where += f", and in {len(found) - LISTED} more" if len(found) > LISTED else ""
    why = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
    return f"Of {reasons.total()} answers ({where}), {why}."
