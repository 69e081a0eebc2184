"""Read answers as the scripts of benchmarks about space and visual reasoning do, quirks included."""

import re
from collections.abc import Sequence

from mmeval.scoring.readings import relative
from mmeval.scoring.readings.choices import LETTERS
from mmeval.types import Record, Score


def vsi_bench(text: str, options: Sequence[str]) -> str | None:
    """Read a letter as VSI-Bench's `fuzzy_matching` (51e089c): all before the first blank, without final periods.

    In "A\\nB" that is the whole answer, and in " A" nothing.
    """
    word = _first_word(text).lower()
    return next((letter for letter in LETTERS[: len(options)] if letter.lower() == word), None)


def vsi_bench_number(record: Record) -> Score:
    """Score a number as VSI-Bench's `vsibench_process_results` (51e089c): by the mean relative accuracy of that word.

    The word must be a number, so "3m" is none.
    """
    if record.text is None:
        return Score(None, "error")
    word = _first_word(record.text)
    number, targets = _number(word), [target for target in map(_number, record.targets) if target is not None]
    if number is None:
        return Score(0.0, "unparsed")
    value = max((relative.accuracy(number, target) for target in targets), default=0.0)
    return Score(value, "correct" if value else "incorrect", word)


def embspatial_bench(text: str, options: Sequence[str]) -> str | None:
    """Read as lmms-eval's `embspatial/utils.py` (75571cf): the first letter after brackets and blanks, in any case.

    "A chair" is A and "Door" is D.
    """
    first = re.match(r"[(\s]*([A-Za-z])", text)
    letter = first[1].upper() if first else ""
    return letter if letter in [*LETTERS[: len(options)]] else None


def visulogic(text: str, options: Sequence[str]) -> str | None:
    """Read as VisuLogic's `evaluation/eval_model.py` (00fba6d): the last box, else an end or a beginning, else a lead.

    A box must hold only a letter. Without such a box, the answer is a letter, ends with " B.", begins with a line "B",
    or has a letter after a lead such as "answer:". The script asks a GPT model about all other answers; here --judge
    can ask a judge.
    """
    boxed = text.strip() if len(text) < 3 else _boxed(text)
    if boxed in _FOUR:
        return boxed
    text = text.replace("<|endoftext|>", "")
    for letter in _FOUR:
        begins = (f"{letter}\n", f"({letter})\n", f"({letter}) {letter}\n")
        if text == letter or text.endswith((f" {letter}.", f" ({letter}).")) or text.startswith(begins):
            return letter
    remaining = text.lower()
    for lead in _VISULOGIC:
        if lead in remaining:
            remaining = remaining.rpartition(lead)[2].strip().partition("\n")[0].partition(".")[0]
            if remaining.upper() in _FOUR:
                return remaining.upper()
    return None


def _boxed(text: str) -> str:
    """Return what is in the last outermost box, up to its first closing brace, without LaTeX's text commands."""
    starts, content = list[int](), ""
    for match in re.finditer(r"\\boxed\{|[^\\]\}", text):
        if match[0].endswith("{"):
            starts.append(match.end())
        elif starts:
            start = starts.pop()
            content = content if starts else text[start : match.start() + 1]
    for command in ("\\text{", "\\rm{", "\\mathbf{", "$", "}"):
        content = content.replace(command, "")
    return content.strip() if len(content) < 3 else ""


_FOUR = tuple("ABCD")
_VISULOGIC = (
    "answer:", "the final answer is:", "the answer is option:", "the answer is:", "the correct answer is option:",
    "the correct answer is:", "the answer should be:", "the final answer is", "the answer is option", "the answer is",
    "the correct answer is option", "the correct answer is", "the answer should be",
)  # fmt: skip
"""The leads, in the order in which each cuts what the one before has left."""


def _first_word(text: str) -> str:
    return text.split(" ")[0].rstrip(".").strip()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
