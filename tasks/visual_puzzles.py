"""VisualPuzzles: puzzles that need reasoning but little knowledge, multiple choice (Song et al. 2025, 2504.10342).

Prompts and reading are those of the authors' copy of lmms-eval (neulab/VisualPuzzles at ee212f9).
"""

import re
from collections.abc import Callable, Iterator, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, guessing, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import image, known, right_letter
from mmeval.types import InputError, Parts, Record, Sample, Score

FILES = ("data.parquet",)
KINDS = {name: name.capitalize() for name in ("algorithmic", "analogical", "deductive", "inductive", "spatial")}
OPTIONS = tuple("ABCD")
"""The letters, which are the options if the picture shows them."""
FORMS = (
    r"Answer:\s*\(([A-Za-z])\)", r"(?<!Final )Answer:\s*([A-Za-z])", r"Answer:\s*([A-Za-z])", r"\(([A-Za-z])\)",
    r"([A-Za-z])\)", r"\{([A-Za-z])\}", r"\$([A-Za-z])\$", r" ([A-Da-d])\.",
)  # fmt: skip
SHORT = 4
"""The longest answer in which any word that begins with a letter of an option counts."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of a table or of a folder's table. Raises InputError."""
    return map(sample, tables.read(data, FILES, None, "visual-puzzles"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. If it has no options, the picture shows them."""
    options = OPTIONS if line.value("options") is None else line.texts("options")
    if len(options) != len(OPTIONS):
        raise InputError(f"{line.where}: a question must have 4 options, or none; this one has {len(options)}")
    return Sample(
        line.text("id"),
        (image(line, "image"), line.text("question").strip()),
        (right_letter(line, line.text("answer").strip(), OPTIONS),),
        tuple((option,) for option in options),
        category=known(line, "category", line.text("category"), KINDS),
    )


def asking(end: str) -> Callable[[Sample], Parts]:
    """Return the prompt that ends with a text."""

    def prompt(sample: Sample) -> Parts:
        *pictures, question = sample.prompt
        listed = "".join(f"\n({letter}) {option}" for letter, (option,) in zip(OPTIONS, sample.choices, strict=True))
        in_picture = tuple(option for (option,) in sample.choices) == OPTIONS
        options = " Choose from (A) (B) (C) (D) in the image." if in_picture else listed
        return (*pictures, f"Question: {question}\nOptions:{options}\n{end}")

    return prompt


def parsed(text: str, options: Sequence[str]) -> str | None:
    """Read as `parse_response`: the last letter in the first form that has one, else the option that begins last.

    A letter after "Answer:" may begin a word, so "Answer: Blue" is B. The script draws a letter if it reads none.
    """
    text = f" {text.strip()}"
    for form in (*FORMS, *([" ([A-Da-d])"] if len(text) <= SHORT + 1 else [])):
        if matches := [letter for letter in map(str.upper, re.findall(form, text)) if letter in OPTIONS]:
            return matches[-1]
    if tuple(options) == OPTIONS:
        return None
    pairs, lower = [*choices.texts(options)], text.lower()
    stated = [letter for letter, option in pairs if f"answer: {option}" in lower or f"answer:{option}" in lower]
    if stated:
        return stated[0]
    positions = [text.rfind(option) for _, option in pairs]
    last = max(positions, default=-1)
    return pairs[positions.index(last)][0] if last >= 0 else None


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy overall and of each kind of reasoning."""
    overall = percent(share(records, scores), guessing(records))
    return {"overall": overall, **by_category(records, scores, [*KINDS])}


_COT = (
    "Solve the multiple-choice question and then answer with the option letter from the given choices. The last line "
    "of your response should be of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of "
    "options. Think step by step before answering."
)
OFFICIAL = letters.drawn(parsed)
VISUAL_PUZZLES = Task(
    name="visual-puzzles",
    samples=samples,
    prompts={
        "cot": asking(_COT),
        "direct": asking("Answer the question with the option's letter from the given choices directly."),
    },
    scorers={"official": OFFICIAL, "strict": choices.scorer(strict)},
    metric=numbers,
    axes=KINDS,
    totals={"overall": "Overall"},
    max_new_tokens=4096,
    readings={"visual-puzzles": OFFICIAL},
    choice=True,
)
