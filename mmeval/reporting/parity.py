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


def show(parity: Parity) -> None:
    """Print the agreement, the score differences, and the first questions that differ."""
    a, b = parity.names
    say(f"\nA: {a}\nB: {b}", "bold")
    same, read_alike = (_share(part, parity.questions) for part in (parity.same, parity.same_read))
    say(f"equal answers: {same}; parsed the same: {read_alike}")
    if parity.furthest is not None:
        say(f"the largest difference between two log-likelihoods is {parity.furthest:.2g}")
    for mark in shared({name: run.marks for name, run in zip("AB", parity.runs, strict=True)}):
        say(mark, "yellow")
    for row in parity.rows:
        say(_sentence(row, parity.margin))
    for question in parity.differing[:SHOWN]:
        say(f"\n{printable(question.id)}", "bold")
        for name, sent, text, read in zip("AB", question.sent, question.answers, question.read, strict=True):
            say(f"{name} was sent {sent}")
            say(f"{name} answered {text!r}, parsed as {read}")
    if (more := len(parity.differing) - SHOWN) > 0:
        say(f"\n{plural(more, 'more question differs', 'more questions differ')}; parity.json has them all")


def write(parity: Parity, folder: Path) -> Path:
    """Write `parity.json` and return its path."""
    path = folder / "parity.json"
    write_json(path, to_json(parity))
    return path


def to_json(parity: Parity) -> dict[str, Any]:
    """Return the content of `parity.json`."""
    return {
        "sides": parity.names,
        "questions": parity.questions,
        "equal_answers": parity.same,
        "equal_readings": parity.same_read,
        "largest_loglikelihood_difference": parity.furthest,
        "margin_percent": parity.margin,
        "equivalent": parity.equivalent,
        "differences": [
            {
                "number": row.label, "b_minus_a": row.difference.value, "low": row.difference.low,
                "high": row.difference.high, "p_equivalence": row.equivalent, "reason": row.difference.reason,
            }
            for row in parity.rows
        ],
        "differing": [
            {"id": question.id, "sent": question.sent, "answers": question.answers, "read": question.read}
            for question in parity.differing
        ],
    }  # fmt: skip


def _share(part: int, total: int) -> str:
    return f"{part:,} of {total:,} ({100 * part / total:.1f}%)"


def _sentence(row: Row, margin: float) -> str:
    value, low, high = row.difference.value, row.difference.low, row.difference.high
    if value is None or low is None or high is None or row.equivalent is None:
        return f"{row.label}: no value to compare ({row.difference.reason})"
    verdict = "ruled out" if row.equivalent < CONFIDENT else "not ruled out"
    beyond = f"a difference of {margin:g}% of full marks or more is {verdict} (p = {row.equivalent:.3g})"
    return f"{row.label}: B minus A {within(number(value, sign='+'), between(low, high, 2, '+'))}; {beyond}"
