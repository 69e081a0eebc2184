"""MathVista: mathematics in figures, charts and photographs; options, numbers and lists (Lu et al. 2023, 2310.02255).

Officially a language model extracts each answer, which is rounded and compared (`mathvista_judge`, with --judge).
`strict` reads the answer without a judge, and compares it with the same precision.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, percent, share
from mmeval.scoring.readings import choices, short
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.mathvista_judge import GRADER
from mmeval.tasks.shared import ending, known
from mmeval.types import InputError, Parts, Record, Sample, Score, one_of

FILES = ("testmini-*.parquet", "data/testmini-*.parquet")
TASKS = {
    "figure question answering": "Figures",
    "geometry problem solving": "Geometry",
    "math word problem": "Word problems",
    "textbook question answering": "Textbooks",
    "visual question answering": "Photographs",
}
TYPES = ("text", "integer", "float", "list")
FLOAT = "Answer the question using a single floating-point number with"
ALONE = {
    "integer": "Answer the question using a single integer number.",
    "float1": f"{FLOAT} one decimal place.",
    "float2": f"{FLOAT} two decimal places.",
    "list": "Answer the question using a Python list.",
}
"""Type of answer, and precision -> lmms-eval's words for it."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of testmini, in the data's order. Raises InputError."""
    return map(sample, tables.read(data, FILES, MATHVISTA.card["hub"], "mathvista"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. Its text is the data set's own query, with a hint and the options."""
    metadata, kind, answer = line.value("metadata"), line.text("answer_type"), line.text("answer")
    task = str(metadata.get("task")) if isinstance(metadata, Mapping) else ""
    known(line, "task", task, TASKS)
    known(line, "answer_type", kind, TYPES)
    options = line.texts("choices") if line.text("question_type") == "multi_choice" else []
    right = [letter for letter, option in choices.texts(options) if option.strip() == answer.strip()]
    if options and not right:
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not one of its options; fix it")
    precision = line.cell("precision")
    if not re.fullmatch({"integer": r"-?\d+", "float": r"-?\d+(\.\d+)?"}.get(kind, ".*"), answer, re.DOTALL):
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not of the type {kind}; fix it")
    if kind == "float" and not re.fullmatch(r"\d(\.0)?", precision):
        raise InputError(f"{line.where}: the precision is '{precision[:40]}'; it must be a number of decimal places")
    return Sample(
        line.text("pid"),
        (*line.images("decoded_image"), line.text("query")),
        tuple(right) or (answer,),
        tuple((option,) for option in options),
        category=task,
        tags={"answer_type": kind, "precision": precision},
    )


def lmms_eval(sample: Sample) -> Parts:
    """Ask as lmms-eval's `mathvista_testmini_format`: for the letter or the number alone, without the query's hint."""
    *pictures, query = sample.prompt
    question = str(query).partition("Question: ")[2].partition("\nChoices:\n")[0].lstrip()
    kind = sample.tags["answer_type"]
    key = kind + sample.tags["precision"][:1] if kind == "float" else kind
    hint = choices.LETTER if sample.choices else ALONE.get(key)
    if not question or hint is None:
        raise InputError(f"the prompt lmms-eval has no words for question {sample.id}; choose --prompt release")
    return choices.merged([(*pictures, f"{question}\n"), choices.listed(sample.choices), hint])


def scored(record: Record) -> Score:
    """Score an option's letter or text, the only number of the answer, or a list.

    A decimal number is rounded to the question's precision first, as the script does.
    """
    if record.choices:
        return _LETTER_SCORER(record)
    kind = one_of(record.tags["answer_type"], TYPES, "the type of an answer")
    return short.exact(record) if kind == "list" else _number(record)


def _number(record: Record) -> Score:
    digits = int(_value(record.tags["precision"], "precision")) if record.tags["answer_type"] == "float" else None

    def agreement(answer: str, keys: Sequence[str]) -> float:
        value = short.number(answer)
        if value is None:
            return 0.0
        rounded = value if digits is None else round(value, digits)
        return float(any(rounded == _value(key, "target") for key in keys))

    return short.scorer(short.numbered, agreement)(record)


def _value(text: str, name: str) -> float:
    """Return a record's number. Raises InputError, since records are files that anybody may have changed."""
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"a record's {name} is {text!r:.60}, not a number; restore the file") from error


_LETTER_SCORER = choices.scorer(strict)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of all questions and of each task. Chance is unknown, as numbers have none."""
    return {"overall": percent(share(records, scores), None), **by_category(records, scores, [*TASKS])}


MATHVISTA = Task(
    name="mathvista",
    samples=samples,
    prompts={"release": ending(""), "lmms-eval": lmms_eval},
    scorers={"strict": scored},
    metric=numbers,
    axes=TASKS,
    totals={"overall": "Overall"},
    max_new_tokens=1024,
    grader=GRADER,
)
