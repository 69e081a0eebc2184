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
    `graded` says that the official marks are those of a judge, who may give them without saying what it reads.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    only_marks = graded and all(one.answer is None for one in official)
    for record, one, other in zip(records, official, strict, strict=True):
        if (only_marks or one.answer == other.answer) and one.value == other.value:
            continue
        if only_marks:
            reason = GRADED
        elif one.answer == other.answer:
            reason = MARKED
        else:
            reason = ONLY_OFFICIAL if other.answer is None else ONLY_STRICT if one.answer is None else OPPOSITE
        found[record.category][reason] += 1
    return found


def explain(found: Mapping[str, Counter[str]]) -> str:
    """Return the differences as a sentence, for under a table with different numbers of the two scorers."""
    if not found:
        return "They read every answer alike, but group the answers into pictures differently."
    reasons: Counter[str] = sum(found.values(), Counter())
    most = sorted(found, key=lambda category: -found[category].total())[:LISTED]
    where = ", ".join(f"{category or 'all'} {found[category].total()}" for category in found if category in most)
    where += f", and in {len(found) - LISTED} more" if len(found) > LISTED else ""
    why = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
    total = reasons.total()
    return f"Of {plural(total, 'answer')} ({where}), {why}."
