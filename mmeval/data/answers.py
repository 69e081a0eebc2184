"""Read answers that other programs wrote: each row of a file has a question's id and an answer.

A row's columns reveal its format: lmms-eval's and lm-evaluation-harness's sample logs (`resps`, `filtered_resps`;
evaluator.py of both), VLMEvalKit's result tables (`index`, `prediction`), LLaVA's answer files (`question_id`, `text`;
llava/eval/model_vqa*.py), and the benchmarks' own formats, listed with the columns below. `inspect_ai` makes such rows
of its logs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval import jsonl
from mmeval.data import files, inspect_ai, json_rows, sheets, tables
from mmeval.data.mmbench import PASS
from mmeval.data.tables import TableRow
from mmeval.types import InputError, plural

IDS = (
    "id", "question_id", "index", "idx", "Index", "identifier", "questionId", "qid", "q_id", "pid", "key",
    "question number", "sample_id", "image_path", "image_id", "image",
)  # fmt: skip
"""Columns that may name the question; the last three name its picture, as VizWiz, TextVQA and caption sets do."""
ANSWERS = (
    "loglikelihoods", "proba", "resps", "filtered_resps",
    "model_prediction", "prediction", "text", "output", "response", "caption", "answer",
)  # fmt: skip
"""Columns that may hold the answer, the surest first: next to any of the others, `answer` is the correct answer.

HallusionBench: model_prediction; NLVR2, SEED-Bench, GQA, MMStar, VL-ICL, NExT-QA: prediction; COCO: caption; VQA,
VizWiz, POPE: answer; Video-MME: response; Hateful Memes: proba.
"""
QUESTIONS = ("question", "Question", "questions", "query", "prompt", "input", "sentence")
"""Columns that may hold the question or the whole prompt, used to check a row's id."""
WRAPPED = ("outputs", "logs", "results", "samples", "predictions", "data")
"""Keys under which a JSON document may hold its rows. ScienceQA has the texts in `outputs`, the places in `results`."""
LONGEST = 255
"""Maximum characters of an id. A longer text in such a column is a picture in base64."""
FAILED = "Failed to obtain answer via API."
"""What VLMEvalKit writes in place of a missing answer."""
KINDS = (".jsonl", ".json", ".csv", ".tsv", ".xlsx", ".eval", ".parquet")


@dataclass(frozen=True)
class AnswerRow:
    """A row: its possible ids, its question, and its answer."""

    where: str
    ids: Mapping[str, str]
    """Column -> value."""
    asked: tuple[str, ...]
    """The words of the question or the prompt."""
    column: str
    """The answer's column."""
    given: Any
    error: str | None = None
    place: int | None = None
    """The number of the row in the benchmark, from 0, if the format has it; -1 if its rows are in no order."""
    samples: tuple[str, ...] = ()
    """All answers, if several were sampled; the first is `given`."""
    choices: tuple[str, ...] = ()
    """The options in the order in which they were shown, if the format has them."""


def read(path: Path) -> list[AnswerRow]:
    """Read the rows of a file. Raises InputError if its kind is unknown, or it has no rows or no answers."""
    if not path.is_file():
        missing = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {missing}; give a file with a row for each answer ({', '.join(KINDS)})")
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise InputError(f"{path}: not {', '.join(KINDS[:-1])} or {KINDS[-1]}; save it as one of these")
    if kind in (".json", ".jsonl"):
        table_rows: Iterable[TableRow] = (TableRow(values, where) for values, where in _json(path))
    elif kind == ".eval":
        table_rows = inspect_ai.read(path, (*IDS, *QUESTIONS))
    else:
        table_rows = _sheet(path) if kind == ".xlsx" else _delimited(path)
    rows = [_answer(row) for row in table_rows]
    if not rows:
        raise InputError(f"{path}: no rows; check that it is the right file")
    return rows


def _answer(line: TableRow) -> AnswerRow:
    """Recognize a row. The keys of an object inside it, such as a log's `doc`, count as its own columns."""
    inner = {k: v for value in line.values.values() if isinstance(value, Mapping) for k, v in value.items()}
    row = {**inner, **line.values}
    column = next((name for name in ANSWERS if name in row and not (name == "text" and "image" in line.values)), None)
    if column is None:
        raise InputError(f"{line.where}: no column with answers ({', '.join(ANSWERS)}); it has: {', '.join(row)}")
    scalars = {name: str(row[name]) for name in IDS if isinstance(row.get(name), (str, int, float)) and name != column}
    ids = {name: key(value) for name, value in scalars.items() if 0 < len(value) <= LONGEST}
    id, turn = ids.get("question_id", ""), str(row.get("round_id"))
    if id.isdecimal() and turn.isdecimal() and len(turn) <= LONGEST:
        # LLaVA's files number the rotations of a question
        ids["question_id"] = str(int(id) + int(turn) * PASS)
    questions = tuple(text for name in QUESTIONS if isinstance(row.get(name), str) and (text := bare(row[name])))
    position, error = row.get("doc_id"), FAILED if row[column] == FAILED else row.get("error")
    samples = _texts(row.get("samples"))
    return AnswerRow(
        where=line.where,
        ids=ids,
        asked=questions,
        column=column,
        given=row[column],
        error=error if isinstance(error, str) and error else None,
        place=position if isinstance(position, int) else None,
        samples=samples if samples[:1] == (row[column],) else (),
        choices=_texts(row.get("choices")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts; any other value is of another format's column."""
    return tuple(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else ()


def _json(path: Path) -> json_rows.Found:
    """Read a list of objects or a map of ids, possibly inside a document, or one object per line."""
    text = files.text(path).strip()
    commas = re.match(r"\{[^\n]*\},\s*(\n|$)", text)  # after each line: SEED-Bench's results
    lines = path.suffix.lower() == ".jsonl" or re.search(r"\}[ \t\r]*\n\s*\{", text)
    if text.startswith("{") and not commas and lines:
        yield from jsonl.read(path)
        return
    if not text:
        return
    try:
        value = json.loads(f"[{text.rstrip(',')}]") if commas else json_rows.load_once(path)
    except ValueError as error:
        raise InputError(f"{path}: not one JSON object and a comma per line ({error}); fix it") from error
    if inspect_ai.is_log(value):
        yield from ((row.values, row.where) for row in inspect_ai.of_document(value, path, (*IDS, *QUESTIONS)))
        return
    inside = next((value[name] for name in WRAPPED if name in value), None) if isinstance(value, dict) else None
    value = inside if isinstance(inside, (dict, list)) else value
    if isinstance(value, dict) and {*value} & {*IDS} and {*value} & {*ANSWERS}:
        value = [value]
    if isinstance(value, dict) and not any(isinstance(item, dict) for item in value.values()):
        value = {name: {"answer": item} for name, item in value.items()}
    for row, where in json_rows.at(value, ".", path):
        questions = row.get("questions")  # Video-MME: those about one video
        yield from json_rows.at(questions, ".", path) if isinstance(questions, list) else [(row, where)]


def _sheet(path: Path) -> Iterator[TableRow]:
    """Read a sheet. Refuse a formula, or its error, as an answer."""
    rows = sheets.read(path)
    _, header = next(rows, (0, []))
    names = [cell.text for cell in header]
    if repeated := [name for name in names if name and names.count(name) > 1]:
        raise InputError(f"{path}: two columns {repeated[0]}; keep one")
    for number, cells in rows:
        where = f"{path}, line {number}"
        if any(cell.text for cell in cells[len(names) :]):
            raise InputError(f"{where}: more cells than {plural(len(names), 'name')} in its header; name all columns")
        for name, cell in zip(names, cells, strict=False):
            if name in ANSWERS and cell.kind in ("formula", "error"):
                raise InputError(f"{where}, column {name}: '{cell.text[:40]}' is a formula; write answers as text")
        yield TableRow({**dict.fromkeys(names, ""), **dict(zip(names, (c.text for c in cells), strict=False))}, where)


def _delimited(path: Path) -> Iterator[TableRow]:
    """Read a table. If its first line is an id and true or false, as in NLVR2's CSV, it has no header."""
    unnamed = False
    for row in tables.of_file(path, path.parent):
        names = list(row.values)
        if len(names) == 2 and names[1].strip().casefold() in ("true", "false"):
            if not unnamed:
                yield TableRow({"id": names[0], "prediction": names[1]}, f"{path}, line 1")
            unnamed = True
            row = TableRow(dict(zip(("id", "prediction"), row.values.values(), strict=True)), row.where)
        yield row


def key(value: object) -> str:
    """Return an id in the form that is compared: 5 for 5.0, and a picture's name without its suffix."""
    return re.sub(r"\.(0|jpe?g|png)$", "", str(value).strip())


def bare(text: str) -> str:
    """Return the words of a question in lower case, without the marks of pictures."""
    return " ".join(re.findall(r"\w+", re.sub(r"<image[^>]*>", "", text).casefold()))
