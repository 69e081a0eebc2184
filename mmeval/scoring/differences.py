"""Where two scorers read the same answers differently, and why."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from mmeval.types import Record, Score, plural

ONLY_OFFICIAL = "only the official scorer reads an answer in"
ONLY_STRICT = "only the strict scorer reads an answer in"
OPPOSITE = "they read opposite answers in"
MARKED = "they read the same and mark it differently in"
GRADED = "the judge and the strict scorer mark them differently in"
LISTED = 14
"""How many categories are named, those with the most differences; MME has as many."""


def differences(
    records: Sequence[Record], official: Sequence[Score], strict: Sequence[Score], *, graded: bool = False
) -> dict[str, Counter[str]]:
    """Count the answers of each category that the two read or mark differently, by reason.

    If both read the same or nothing, their marks may still differ: one may give the expected value of a random draw.
    `graded` means that the official marks come from a judge, which may give a mark without naming the answer it read.
    """
    by_category: dict[str, Counter[str]] = defaultdict(Counter)
    only_marks = graded and all(official_score.answer is None for official_score in official)
    for record, official_score, strict_score in zip(records, official, strict, strict=True):
        if (only_marks or official_score.answer == strict_score.answer) and official_score.value == strict_score.value:
            continue
        if only_marks:
            reason = GRADED
        elif official_score.answer == strict_score.answer:
            reason = MARKED
        elif strict_score.answer is None:
            reason = ONLY_OFFICIAL
        elif official_score.answer is None:
            reason = ONLY_STRICT
        else:
            reason = OPPOSITE
        by_category[record.category][reason] += 1
    return by_category


def explain(by_category: Mapping[str, Counter[str]]) -> str:
    """Return the differences as a sentence, for under a table with different numbers of the two scorers."""
    if not by_category:
        return "They read every answer alike, but group the answers into pictures differently."
    reasons: Counter[str] = sum(by_category.values(), Counter())
    most = sorted(by_category, key=lambda category: -by_category[category].total())[:LISTED]
    listed = [category for category in by_category if category in most]
    where = ", ".join(f"{category or 'all'} {by_category[category].total()}" for category in listed)
    where += f", and in {len(by_category) - LISTED} more" if len(by_category) > LISTED else ""
    why = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
    total = reasons.total()
    return f"Of {plural(total, 'answer')} ({where}), {why}."
