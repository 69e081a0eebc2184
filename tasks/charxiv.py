"""CharXiv: charts of scientific papers, one question of reasoning and four descriptive ones each (2406.18521).

Officially a judge extracts each answer and compares it with the key (--judge); of descriptive questions it reads five
answers to the same question at a time. `src` of princeton-nlp/CharXiv at 7ebe88f, whose prompts are in `charxiv_texts`.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib import resources
from pathlib import PurePosixPath
from typing import Any

from mmeval import yaml_file
from mmeval.cards.facts import facts
from mmeval.data import tables
from mmeval.scoring.facts import needed
from mmeval.scoring.metrics.groups import by_category, percent, share
from mmeval.scoring.readings import formulas
from mmeval.scoring.verdicts import Grader
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending, image, known
from mmeval.types import InputError, Record, Sample, Score, whole_number

TYPES = ("Text-in-Chart", "Text-in-General", "Number-in-Chart", "Number-in-General")
KINDS = {
    "Information Extraction": (1, 2, 3, 4, 5, 6, 7),
    "Enumeration": (8, 9, 13, 14, 15),
    "Pattern Recognition": (11, 16, 18),
    "Counting": (10, 12, 19),
    "Compositionality": (17,),
}
"""Category -> its questions, of the 19 descriptive ones."""
RUBRICS = {
    **dict.fromkeys((2, 3, 4, 5, 6, 7), "ocr"), **dict.fromkeys((8, 9, 10, 12, 14, 15, 17, 19), "quant"),
    1: "title", 11: "bool", 13: "enum", 16: "trend", 18: "layout",
}  # fmt: skip
ABOUT_LAYOUT = (18, 19)
"""Questions that are not about one of the plots."""
BATCH = 5
"""How many answers to the same descriptive question the judge reads at a time."""


@cache
def texts() -> Mapping[str, Any]:
    """Return the authors' texts."""
    return yaml_file.read(resources.files("mmeval.tasks").joinpath("charxiv_texts.yaml"))


def samples(name: str, data: str) -> Iterator[Sample]:
    """Yield the questions of validation, in the data's order. Raises InputError."""
    counts: Counter[int] = Counter()
    for line in tables.read(data, ("val.parquet",), facts(name)["hub"], name):
        yield from reasoning(line) if name == REASONING.name else descriptive(line, counts)


def reasoning(line: tables.TableRow) -> Iterator[Sample]:
    """Yield a row's question of reasoning, with the instructions for its type of answer."""
    question, answer, kind = line.text("reasoning_q"), line.text("reasoning_a"), line.text("reasoning_a_type")
    kind = known(line, "reasoning_a_type", kind, [*"1234"])
    decimals = answer.partition(".")[2] if "." in answer else None
    form = "an exact integer" if decimals is None else f"a number with {len(decimals)} decimal places"
    text = texts()["reasoning_questions"][int(kind)].format(question, f"* Your final answer must be {form}.")
    tags = {"question": question, "type": kind}
    yield Sample(_figure(line), (image(line, "image"), text), (answer,), category=TYPES[int(kind) - 1], tags=tags)


def descriptive(line: tables.TableRow, counts: Counter[int]) -> Iterator[Sample]:
    """Yield a row's four descriptive questions; `counts` has how often each was asked."""
    # pandas writes whole numbers beside an empty cell as 5.0
    row, column = (line.cell(f"subplot_{name}").removesuffix(".0") for name in ("row", "col"))
    grid = f"the subplot at row {row} and column {column}" if row != "0" else "the current plot"
    plot = line.cell("subplot_loc") or grid
    for position in range(1, 5):
        question = f"descriptive_q{position}"
        number = int(known(line, question, line.text(question), [*map(str, range(1, 20))]))
        text = texts()["descriptive_questions"][number]
        text = text if number in ABOUT_LAYOUT else text.format(f"For {plot}, ")
        batch, index = divmod(counts[number], BATCH)
        counts[number] += 1
        yield Sample(
            f"{_figure(line)}_{position - 1}",
            (image(line, "image"), text),
            (line.text(f"descriptive_a{position}"),),
            category=next(kind for kind, questions in KINDS.items() if number in questions),
            tags={"question": str(number), "batch": str(batch), "place": str(index + 1)},
        )


def _figure(line: tables.TableRow) -> str:
    return PurePosixPath(line.text("figure_path")).stem


def reasoning_prompt(record: Record, replies: Sequence[str]) -> str | None:
    """Return the script's prompt about an answer to a question of reasoning."""
    if replies:
        return None
    kind, wording = whole_number(record.tags, "type"), texts()
    if kind not in wording["reasoning_rules"]:
        raise InputError(f"record {record.id}: its type is {kind}, not 1 to 4; restore the file")
    filled: str = wording["reasoning_prefix"] + wording["reasoning_rules"][kind]
    values = {"question": record.tags["question"], "ground_truth": record.targets[0], "response": str(record.text)}
    for name, value in values.items():
        filled = filled.replace(f"<|{name}|>", value)
    return filled


def descriptive_prompt(records: Sequence[Record]) -> str:
    """Return the script's prompt about answers to the same descriptive question."""
    wording, number, count = texts(), whole_number(records[0].tags, "question"), len(records)
    if number not in RUBRICS:
        raise InputError(f"record {records[0].id}: its question is {number}, not 1 to 19; restore the file")
    with needed(records):
        keys = str([f"{name}{record.tags['place']}" for record in records for name in ("extract_answer_T", "score_T")])
        rows = [(record.tags["place"], record.text, record.targets[0]) for record in records]
    answers = "".join(
        f"T{position}:\nResponse {position}: {text}\nGround Truth {position}: {target}\n\n"
        for position, text, target in rows
    )
    prefix: str = wording["descriptive_prefix"].replace("<|NUM_TRIPLETS|>", str(count))
    prefix = prefix.replace("<|OVERARCHING_QUESTION|>", wording["descriptive_summaries"][number])
    return f"{prefix.replace('<|JSON_KEYS|>', keys)}{wording['descriptive_rubrics'][RUBRICS[number]]}{answers}"


def among(records: Sequence[Record]) -> Grader:
    """Return the grader of descriptive answers, which asks about those of a batch together."""
    batches = defaultdict[tuple[str, str], list[Record]](list)
    for record in records:
        batches[_batch(record)].append(record)

    def usable(record: Record, replies: Sequence[str]) -> bool:
        return all(mark(member, replies[-1]) is not None for member in batches[_batch(record)])

    return replace(
        DESCRIPTIONS,
        prompt=lambda record, replies: None if replies else descriptive_prompt(batches[_batch(record)]),
        usable=usable,
    )


def _batch(record: Record) -> tuple[str, str]:
    return record.tags["question"], record.tags["batch"]


def mark(record: Record, reply: str) -> float | None:
    """Return the mark, 0 or 1, that a reply gives an answer, in JSON that LaTeX or a lost quote may have made invalid.

    The script asks for valid JSON with an option that not all servers have; the examples in its prompts are not valid.
    """
    name = f"score_T{record.tags['place']}" if "place" in record.tags else "score"
    try:
        value = json.loads(reply[reply.find("{") : reply.rfind("}") + 1]).get(name)
    except (ValueError, RecursionError):
        marks = {*re.findall(rf'"{name}"?\s*:\s*([01])(?![\w.])', reply)}
        value = int(marks.pop()) if len(marks) == 1 else None
    return float(value) if value in (0, 1) else None


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Score by the mark."""
    right = mark(record, replies[0]) == 1
    return Score(float(right), "correct" if right else "incorrect")


def numbers(names: Sequence[str], records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of all questions and of each category. Chance is unknown."""
    overall = percent(share(records, scores), None)
    return {"overall": overall, **by_category(records, scores, names, chance=lambda records: None)}


def _task(name: str, names: Collection[str], grader: Grader) -> Task:
    return Task(
        name=name,
        version=2,
        samples=partial(samples, name),
        prompts={"release": ending("")},
        scorers={"strict": formulas.scored},
        metric=partial(numbers, [*names]),
        axes={kind: kind for kind in names},
        totals={"overall": "Overall"},
        max_new_tokens=1000,
        grader=grader,
    )


REASONS = Grader(
    prompt=reasoning_prompt,
    usable=lambda record, replies: mark(record, replies[-1]) is not None,
    max_tokens=1024,
    score=graded,
    final=True,
)
DESCRIPTIONS = replace(
    REASONS, prompt=lambda record, replies: None if replies else descriptive_prompt([record]), among=among
)
REASONING = _task("charxiv-reasoning", TYPES, REASONS)
DESCRIPTIVE = _task("charxiv-descriptive", KINDS, DESCRIPTIONS)
