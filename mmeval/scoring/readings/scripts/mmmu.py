"""Read open answers as `mmmu/utils/eval_utils.py` of MMMU-Benchmark/MMMU (bb0b95a). `letters.mmmu` reads letters."""

import re
from collections.abc import Iterator, Sequence

from mmeval.scoring.readings.choices import unanswered
from mmeval.types import Record, Score

LEADS = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_TRIVIAL = (":", ",", ".", "!", "?", ";", "'")
_NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?(?<!\d)\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:(?<!\d)\d+\.\d+|\.\d+|(?<!\d)\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)
"""With commas, in scientific notation, and plain. The lookbehinds change no match but keep the search linear."""


def open_answer(record: Record, leads: Sequence[str] = LEADS) -> Score:
    """Score an open answer as `eval_open` does: any of its `candidates` has a right answer.

    A text only has to contain the right text, so "not embryonic" is right for "embryonic". Numbers must be equal after
    rounding to two decimals.
    """
    if record.text is None:
        return unanswered(record)
    values = candidates(record.text, leads)
    answer = "; ".join(str(value).strip() for value in values)
    if not record.targets:
        return Score(None, "unscored", answer)
    references = [value for target in record.targets for value in normalized(target)]
    if any(_right(value, references) for value in values):
        return Score(1.0, "correct", answer)
    return Score(0.0, "incorrect", answer) if record.text.strip() else Score(0.0, "unparsed")


def candidates(text: str, leads: Sequence[str] = LEADS) -> list[str | float]:
    """Return all that an answer may mean: the shortest text after a lead in each line, and the numbers in these texts.

    A lead is "is ", "answer " and the like, also within a word; in the last line also "=". Without any, the whole
    answer counts.
    """
    text = text.strip().strip(".").lower()
    lines = text.split("\n")
    by_line = [leads] * (len(lines) - 1) + [(*leads, "=")]
    tails = [*filter(None, map(_shortest_after_lead, lines, by_line))] or [text]
    numbers = [number for tail in tails for number in _numbers(tail)]
    return [*dict.fromkeys(value for meaning in (*tails, *numbers) for value in normalized(meaning))]


def normalized(text: str) -> list[str] | list[float]:
    """Return a number rounded to two decimals, or the text in lower case; one character gets a space on either side."""
    text = text.strip()
    try:
        return [round(float(text.replace(",", "")), 2)]
    except ValueError:
        text = text.lower()
        return [f" {text}", f"{text} "] if len(text) == 1 else [text]


def _shortest_after_lead(line: str, leads: Sequence[str]) -> str:
    """Return the shortest text after a lead. One that is empty is forgotten as soon as another lead follows."""
    shortest = ""
    for tail in (line.rpartition(lead)[2].strip() for lead in leads if lead in line):
        if not shortest or len(tail) < len(shortest):
            shortest = tail
    return "" if shortest in _TRIVIAL else shortest


def _numbers(text: str) -> Iterator[str]:
    return (match[0] for pattern in _NUMBERS for match in pattern.finditer(text))


def _right(value: str | float, references: Sequence[str | float]) -> bool:
    if isinstance(value, str):
        return any(isinstance(answer, str) and answer in value for answer in references)
    return value in references
