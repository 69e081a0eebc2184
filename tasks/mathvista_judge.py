"""How MathVista is scored officially: a judge extracts the answer, which is then rounded and compared (--judge).

`evaluation/extract_answer.py` and `calculate_score.py` of lupantech/MathVista at 53d5258.
"""
# ruff: noqa: E501

import re
from collections.abc import Sequence

from mmeval.scoring.readings import choices, short
from mmeval.scoring.verdicts import Grader
from mmeval.types import Record, Score

EXAMPLES = r"""
Please read the following example. Then extract the answer from the model response and type it at the end of the prompt.

Hint: Please answer the question requiring an integer answer and provide the final value, e.g., 1, 2, 3, at the end.
Question: Which number is missing?

Model response: The number missing in the sequence is 14.

Extracted answer: 14

Hint: Please answer the question requiring a floating-point number with one decimal place and provide the final value, e.g., 1.2, 1.3, 1.4, at the end.
Question: What is the fraction of females facing the camera?

Model response: The fraction of females facing the camera is 0.6, which means that six out of ten females in the group are facing the camera.

Extracted answer: 0.6

Hint: Please answer the question requiring a floating-point number with two decimal places and provide the final value, e.g., 1.23, 1.34, 1.45, at the end.
Question: How much money does Luca need to buy a sour apple candy and a butterscotch candy? (Unit: $)

Model response: Luca needs $1.45 to buy a sour apple candy and a butterscotch candy.

Extracted answer: 1.45

Hint: Please answer the question requiring a Python list as an answer and provide the final list, e.g., [1, 2, 3], [1.2, 1.3, 1.4], at the end.
Question: Between which two years does the line  graph saw its maximum peak?

Model response: The line graph saw its maximum peak between 2007 and 2008.

Extracted answer: [2007, 2008]

Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.
Question: What fraction of the shape is blue?
Choices:
(A) 3/11
(B) 8/11
(C) 6/11
(D) 3/5

Model response: The correct answer is (B) 8/11.

Extracted answer: B
""".strip()
"""The examples of the script's prompt, verbatim."""


def extraction(record: Record, replies: Sequence[str]) -> str | None:
    """Return the script's prompt for a judge, unless the answer is an option or a number and nothing else."""
    if replies or direct(record) is not None:
        return None
    return f"{EXAMPLES}\n\n{record.question}\n\n{record.text}\n\nExtracted answer: "


def direct(record: Record) -> str | None:
    """Return what the script extracts from an answer without a judge; None if it asks one."""
    text, kind = record.text or "", record.tags["answer_type"]
    if not text or (record.choices and text in record.choices):
        return text
    number = {"integer": int, "float": float}.get(kind)
    try:
        return None if number is None else str(number(text))
    except ValueError:
        return None


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Compare what was extracted as the script does.

    For a question with options, a letter in brackets or alone counts, or else the option with the fewest edits.
    """
    extracted = replies[0].strip() if replies else direct(record) or ""
    if record.choices:
        options = dict(choices.texts(record.choices))
        bracketed = re.search(r"\(([a-zA-Z])\)", extracted)
        letter = bracketed[1].upper() if bracketed else extracted
        if letter not in options:
            letter = min(options, key=lambda candidate: short.edits(letter, options[candidate]))
        return choices.graded(record, letter)
    value = _as_typed(extracted, record)
    if value is None:
        return Score(0.0, "unparsed")
    right = value in record.targets
    return Score(float(right), "correct" if right else "incorrect", value)


def _as_typed(text: str, record: Record) -> str | None:
    """Return a number as the script writes it, or a list unchanged."""
    kind = record.tags["answer_type"]
    try:
        if kind == "integer":
            return str(int(float(text)))
        return str(round(float(text), int(float(record.tags["precision"])))) if kind == "float" else text
    except (ValueError, OverflowError):
        return None


GRADER = Grader(
    prompt=extraction, usable=lambda record, replies: bool(replies[-1].strip()), max_tokens=1024, score=graded
)
