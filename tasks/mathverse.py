"""MathVerse: each problem in five versions, from all in the text to all in the picture (Zhang et al. 2024, 2403.14624).

Officially a language model extracts each answer and compares it (`mathverse_judge`, with --judge). `strict` reads the
answer without a judge.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, parts_by, percent, share
from mmeval.scoring.readings import choices, formulas
from mmeval.task import Numbers, Prompt, Task
from mmeval.tasks.mathverse_judge import GRADER
from mmeval.tasks.shared import image_list, known
from mmeval.types import InputError, Parts, Record, Sample, Score

VERSIONS = ("Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only")
SUBJECTS = ("Plane Geometry", "Solid Geometry", "Functions")
KINDS = ("multi-choice", "free-form")
_LISTED = re.compile(r"Choices?:(.*)", re.DOTALL)
_OPTION = re.compile(r"^\s*([A-Z])\s*[:.]", re.MULTILINE)
TWO = ("{}, {}", "{} and {}", "{} {}", "{}{}")
"""How an answer may name two options if the question asks for two."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of testmini, in the data's order. Raises InputError."""
    return map(sample, tables.read(data, ("testmini.parquet",), MATHVERSE.card["hub"], "mathverse"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. Its text is the data set's own query for a direct answer, with the options."""
    metadata, kind, version = line.value("metadata"), line.text("question_type"), line.text("problem_version")
    subject = str(metadata.get("subject")) if isinstance(metadata, Mapping) else ""
    options = _options(line) if known(line, "question_type", kind, KINDS) == KINDS[0] else []
    answers = _answers(line, options)
    return Sample(
        line.text("sample_index"),
        (*image_list(line, "image"), line.text("query_wo")),
        answers,
        tuple((option,) for option in options) if len(answers) == 1 else (),
        groups={"cluster": line.text("problem_index")},
        category=known(line, "problem_version", version, VERSIONS),
        tags={
            "subject": known(line, "subject in metadata", subject, SUBJECTS),
            "query_cot": line.text("query_cot"),
            "question_for_eval": line.cell("question_for_eval"),
            "key": line.text("answer"),
        },
    )


def _options(line: tables.TableRow) -> list[str]:
    """Return the options that the question lists. In the version Vision Only, only `question_for_eval` has them."""
    match = _LISTED.search(line.text("question_for_eval"))
    heads = list(_OPTION.finditer(match[1])) if match else []
    if match is None or len(heads) < 2 or [head[1] for head in heads] != [*choices.LETTERS[: len(heads)]]:
        raise InputError(f"{line.where}: question_for_eval lists no options A, B, ... after 'Choices:'; fix the row")
    ends = [*(head.start() for head in heads[1:]), len(match[1])]
    return [match[1][head.end() : end].strip() for head, end in zip(heads, ends, strict=True)]


def _answers(line: tables.TableRow, options: Sequence[str]) -> tuple[str, ...]:
    """Return the right letter or text. A key is a letter, "(C)", an option's text, or two letters on two lines."""
    answer = line.text("answer").strip()
    if not options:
        return (answer,)
    listed = dict(choices.texts(options))
    letters = re.findall(r"[A-Z]", answer) if re.fullmatch(r"\(?[A-Z]\)?(\s+[A-Z])?", answer) else []
    letters = letters or [letter for letter, option in listed.items() if option == answer]
    if not letters or not {*letters} <= listed.keys():
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not one of its options; fix it")
    return (letters[0],) if len(letters) == 1 else tuple(form.format(*letters) for form in TWO)


def query_prompt(reasoning: bool) -> Prompt:
    """Return the prompt with the data set's query for a direct answer, or for reasoning first."""

    def words(sample: Sample) -> Parts:
        *pictures, query = sample.prompt
        return (*pictures, sample.tags["query_cot"] if reasoning else query)

    return words


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of all questions, of each version and of each subject. Chance is unknown."""
    subjects = parts_by(lambda record: record.tags["subject"], records, scores)
    parts = {"overall": (records, scores), **{subject: subjects[subject] for subject in SUBJECTS}}
    result = {name: percent(share(*part, "cluster"), None) for name, part in parts.items()}
    return {**result, **by_category(records, scores, VERSIONS, "cluster")}


MATHVERSE = Task(
    name="mathverse",
    samples=samples,
    prompts={"release": query_prompt(reasoning=False), "cot": query_prompt(reasoning=True)},
    scorers={"strict": formulas.scored},
    metric=numbers,
    axes={version: version for version in VERSIONS},
    totals={"overall": "Overall"},
    details={subject: subject for subject in SUBJECTS},
    max_new_tokens=1024,
    grader=GRADER,
)
