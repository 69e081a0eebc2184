"""Output of a comparison of two ways to run a model: on the terminal and as JSON."""

from pathlib import Path
from typing import Any

from mmeval.comparison import Row
from mmeval.files import write_json
from mmeval.parity import CONFIDENT, Parity
from mmeval.reporting.console import say
from mmeval.reporting.lines import shared
from mmeval.types import between, number, plural, printable, within

SHOWN = 3
"""Maximum number of questions that are shown side by side."""


def show(found: Parity) -> None:
    """Print the agreement, the score differences, and the first questions that differ."""
    a, b = found.names
    say(f"\nA: {a}\nB: {b}", "bold")
    same, read_alike = (_share(part, found.questions) for part in (found.same, found.same_read))
    say(f"equal answers: {same}; parsed the same: {read_alike}")
    if found.furthest is not None:
        say(f"the largest difference between two log-likelihoods is {found.furthest:.2g}")
    for mark in shared({name: run.marks for name, run in zip("AB", found.runs, strict=True)}):
        say(mark, "yellow")
    for row in found.rows:
        say(_sentence(row, found.margin))
    for one in found.differing[:SHOWN]:
        say(f"\n{printable(one.id)}", "bold")
        for name, sent, text, read in zip("AB", one.sent, one.answers, one.read, strict=True):
            say(f"{name} was sent {sent}")
            say(f"{name} answered {text!r}, parsed as {read}")
    if (left := len(found.differing) - SHOWN) > 0:
        say(f"\n{plural(left, 'more question differs', 'more questions differ')}; parity.json has them all")


def write(found: Parity, folder: Path) -> Path:
    """Write `parity.json` and return its path."""
    path = folder / "parity.json"
    write_json(path, to_json(found))
    return path


def to_json(found: Parity) -> dict[str, Any]:
    """Return the content of `parity.json`."""
    return {
        "sides": found.names,
        "questions": found.questions,
        "equal_answers": found.same,
        "equal_readings": found.same_read,
        "largest_loglikelihood_difference": found.furthest,
        "margin_percent": found.margin,
        "equivalent": found.equivalent,
        "differences": [
            {
                "number": row.label, "b_minus_a": row.difference.value, "low": row.difference.low,
                "high": row.difference.high, "p_equivalence": row.equivalent, "reason": row.difference.reason,
            }
            for row in found.rows
        ],
        "differing": [
            {"id": one.id, "sent": one.sent, "answers": one.answers, "read": one.read} for one in found.differing
        ],
    }  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({100 * part / whole:.1f}%)"


def _sentence(row: Row, margin: float) -> str:
    value, low, high = row.difference.value, row.difference.low, row.difference.high
    if value is None or low is None or high is None or row.equivalent is None:
        return f"{row.label}: no value to compare ({row.difference.reason})"
    verdict = "ruled out" if row.equivalent < CONFIDENT else "not ruled out"
    beyond = f"a difference of {margin:g}% of full marks or more is {verdict} (p = {row.equivalent:.3g})"
    return f"{row.label}: B minus A {within(number(value, sign='+'), between(low, high, 2, '+'))}; {beyond}"
