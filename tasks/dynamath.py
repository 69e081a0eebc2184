"""DynaMath: 501 questions of mathematics, each in ten variants drawn by a program (Zou et al. 2024, 2411.00836).

The official reading is that of `evaluation/opensource_json_eval.py` in DynaMath/DynaMath at 598c3c3 (MIT), which needs
no judge, and whose prompt is verbatim below. VLMEvalKit (e8e78f0) has another, and asks a GPT model where that fails.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mmeval.cards.rows import listed
from mmeval.data import tables
from mmeval.scoring.metrics.groups import group_all, parts_by, percent, share
from mmeval.scoring.readings import choices, formulas
from mmeval.scoring.readings.answer import plain
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import image, known, right_letter
from mmeval.types import Outcome, Parts, Record, Sample, Score, one_of

SUBJECTS = {
    "solid geometry": "Solid geometry", "puzzle test": "Puzzles", "arithmetic": "Arithmetic",
    "scientific figure": "Scientific figures", "graph theory": "Graph theory", "algebra": "Algebra",
    "plane geometry": "Plane geometry", "analytic geometry": "Analytic geometry", "statistics": "Statistics",
}  # fmt: skip
LEVELS = {"elementary school": "Elementary school", "high school": "High school", "undergraduate": "Undergraduate"}
CHOICE, FLOAT = "multiple choice", "float"
KINDS = (CHOICE, FLOAT, "text", "int", "single answer")
_FIRST = re.compile(r"\(A\)|(?<!\S)A[.:)]")
"""The head of the first option, in a question that lists them."""
_EXAMPLE = '{\n    "solution": "[Detailed step-by-step explanation]",\n    "short answer": "[Concise Answer]"\n}'
GUIDE = f"""
## Answer Instruction Please provide an answer to the question outlined above. Your response should adhere \n\
to the following JSON format, which includes two keys: 'solution' and 'short answer'. The 'solution' key can contain \n\
detailed steps needed to solve the question, and the 'short answer' key should provide a concise response. \
If the problem is a multiple choice problem, just provide the corresponing choice option, \n\
such as 'A', 'B', 'C', or 'D'. If the answer is a numerical value, format it as a three-digit floating-point number.

Example of expected JSON response format:

{_EXAMPLE}"""


def samples(data: str) -> Iterator[Sample]:
    """Yield the variants, each with all questions, in the data's order. Raises InputError."""
    # on the hub, the only file of the third variant is sample3-00000-of-00003.parquet
    files = dict.fromkeys(
        f"{folder}{name}{number}-00000-of-{count:05}.parquet"
        for number in range(1, 11)
        for folder in ("data/", "")
        for name in ("sample", "sample_variant")
        for count in (number, 1)
    )
    counts: Counter[str] = Counter()
    for line in tables.read(data, [*files], DYNAMATH.card["hub"], "dynamath"):
        name = line.text("id")
        counts[name] += 1
        yield sample(line, name, counts[name])


def sample(line: tables.TableRow, name: str, variant: int) -> Sample:
    """Return a row as a question. Its text lists the options, if there are any."""
    kind, answer, question = line.text("answer_type"), line.text("ground_truth"), line.text("question")
    known(line, "answer_type", kind, KINDS)
    heads = [head.start() for head in _FIRST.finditer(question)] if kind == CHOICE else []
    options = listed(question[heads[-1] :]) if heads else []
    subject, level = " ".join(line.text("subject").split()), line.text("knowledge_level")
    return Sample(
        f"{name}/{variant}",
        (image(line, "decoded_image"), question),
        (right_letter(line, answer, options) if options else answer,),
        tuple((option,) for option in options),
        groups={"question": name},
        category=known(line, "subject", subject, SUBJECTS),
        tags={"answer_type": kind, "level": known(line, "knowledge_level", level, LEVELS)},
    )


def release(sample: Sample) -> Parts:
    """Ask as the script does."""
    picture, question = sample.prompt
    number = "Please answer in a floating-point number." if sample.tags["answer_type"] == FLOAT else ""
    return picture, f"## Question\n{question}{number}{GUIDE}"


def short_answer(text: str) -> str | None:
    """Return the short answer of the JSON in a text, as the script; None if it is not an object.

    Of a text that is not JSON, it is the last line without its last character.
    """
    start, end = text.find("{"), text.rfind("}")
    content = text[start : end + 1].replace("\\", "") if 0 <= start < end else text
    try:
        answer = json.loads(content, strict=False)
    except (ValueError, RecursionError):
        return content.split("\n")[-1][:-1]
    return str(answer.get("short answer")) if isinstance(answer, dict) else None


def official(record: Record) -> Score:
    """Score as the script: a number within 0.001, a letter or in the first three characters, or the key anywhere."""
    if record.text is None:
        return Score(None, "error")
    answer, key = short_answer(record.text), record.targets[0]
    kind = one_of(record.tags["answer_type"], KINDS, "the type of an answer")
    if answer is None:
        right = False
    elif kind == FLOAT:
        right = _number(answer, key)
    elif kind == CHOICE:
        right = answer == key if len(answer) == 1 else key in answer[:3]
    else:
        right = key in answer
    wrong: Outcome = "incorrect" if record.text.strip() else "unparsed"
    return Score(float(right), "correct" if right else wrong, answer or None)


def _number(answer: str, key: str) -> bool:
    first = answer if answer.isdigit() else answer.split(" ")[0]
    try:
        value = float(first.split("π")[0]) * math.pi if "π" in first else float(first)
        return abs(value - float(key)) <= 0.001
    except ValueError:
        return False


def strictly(record: Record) -> Score:
    """Score the short answer in JSON, or else the whole answer: an option, a value within 0.001, or a text."""
    answer = record.text or ""
    if "short answer" in plain(answer) and (stated := _STATED.findall(answer)):
        quoted, bare = stated[-1]
        record = replace(record, text=_ESCAPED.sub(_unescaped, quoted) or bare)
    if record.choices:
        return _LETTER_SCORER(record)
    return _NUMBER_SCORER(record) if record.tags["answer_type"] == FLOAT else formulas.scored(record)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2]


_STATED = re.compile(r'"short answer"\s*:\s*(?:"((?:[^"\\]|\\.)*)|([^",}\s][^,}\n]*))')
"""A short answer in JSON, which may be cut or invalid elsewhere, such as by LaTeX."""
_ESCAPED = re.compile(r'\\(?:u(?![dD][89a-fA-F])([0-9a-fA-F]{4})|(["\\/]))')
_LETTER_SCORER, _NUMBER_SCORER = choices.scorer(strict), formulas.near(0.001)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the mean over all variants, and the share of questions with all right; the same by subject and level."""
    subjects = parts_by(lambda record: record.category, records, scores)
    levels = parts_by(lambda record: record.tags["level"], records, scores)
    parts = {"overall": (records, scores), **{name: subjects[name] for name in SUBJECTS}}
    parts |= {name: levels[name] for name in LEVELS}
    averages = {name: percent(share(*part, "question"), None) for name, part in parts.items()}
    return averages | {_worst(name): percent(group_all(*part, "question"), None) for name, part in parts.items()}


def _worst(name: str) -> str:
    return "worst case" if name == "overall" else f"{name}, worst case"


DYNAMATH = Task(
    name="dynamath",
    samples=samples,
    prompts={"release": release},
    scorers={"official": official, "strict": strictly},
    metric=numbers,
    axes=SUBJECTS,
    totals={"overall": "Average", "worst case": "Worst case"},
    details={**LEVELS, **{_worst(name): f"{label}, worst case" for name, label in (SUBJECTS | LEVELS).items()}},
    max_new_tokens=2048,
)
