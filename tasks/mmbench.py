"""MMBench and CCBench: multiple choice, each question asked once for each turn of its options (arXiv 2307.06281).

CircularEval counts a question that is right at every turn, VanillaEval one that is right as it stands. Twenty leaf
abilities make six: a number is the share of the questions in it, never a mean of shares.

In the benchmark's table a row is a question, with options in columns A to D and the picture in base64. A turned row
has the index of its question plus a multiple of a million; its picture is its own (the `_legacy` files) or the index
of the row that has it.
"""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mmeval.data import sheets, tables
from mmeval.data.delimited import StoredPicture, decoded
from mmeval.data.sheets import Cell
from mmeval.data.tables import TableRow
from mmeval.scoring.metrics import circular
from mmeval.scoring.metrics.circular import GROUP, Question, turned, turned_letter
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.readings.public import READINGS
from mmeval.scoring.readings.strict import strict
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Metric, Task
from mmeval.types import Image, InputError, Parts, Record, Sample, Score, nearest

ABILITIES = {
    "LR": ("logic_reasoning", ("structuralized_imagetext_understanding", "future_prediction")),
    "AR": (
        "attribute_reasoning",
        ("physical_property_reasoning", "function_reasoning", "identity_reasoning"),
    ),
    "RR": ("relation_reasoning", ("social_relation", "physical_relation", "nature_relation")),
    "FP-S": (
        "finegrained_perception (instance-level)",
        ("object_localization", "attribute_recognition", "celebrity_recognition", "ocr"),
    ),
    "FP-C": (
        "finegrained_perception (cross-instance)",
        ("spatial_relationship", "attribute_comparison", "action_recognition"),
    ),
    "CP": (
        "coarse_perception",
        ("image_style", "image_scene", "image_emotion", "image_quality", "image_topic"),
    ),
}
"""Abbreviation -> the table's name of the ability, and its leaves; in the order of the published radar."""

LABELS = {
    "LR": "Logic Reasoning (LR)",
    "AR": "Attribute Reasoning (AR)",
    "RR": "Relation Reasoning (RR)",
    "FP-S": "Fine-grained, single (FP-S)",
    "FP-C": "Fine-grained, cross (FP-C)",
    "CP": "Coarse Perception (CP)",
}
CULTURE = {
    "sketch_reasoning": "Sketch Reasoning",
    "scenery_building": "Scenery & Building",
    "food_clothes": "Food & Clothes",
    "historical_figure": "Historical Figure",
    "traditional_show": "Traditional Show",
    "calligraphy_painting": "Calligraphy & Painting",
    "cultural_relic": "Cultural Relic",
}
WAYS = {"circular": "CircularEval", "vanilla": "VanillaEval", "vanilla_all": "Every turn"}

_OF_LEAF = {leaf: short for short, (_, leaves) in ABILITIES.items() for leaf in leaves}
_OF_NAME = {name: short for short, (name, _) in ABILITIES.items()}
_KEPT = ("hint", "source", "comment", "split", "l2-category")
"""Columns that a record keeps, for prompts and for files."""


PASS = 1_000_000
"""What each turn of a question adds to its index."""
REFERENCE = 64
"""A picture cell of at most so many characters is the index of the row that holds the picture."""
COLUMNS = ("index", "question", "A", "B", "C", "D", "category", "image")
PREDICTIONS = ("index", "prediction", "A", "B", "C", "D")
"""Columns of a predictions table, as the benchmark's server asked for them."""
PUBLIC = "add the benchmark's answers, which are public today"
DIGITS = 15
"""Of an index at most: what a spreadsheet keeps of a number."""


@dataclass(frozen=True, eq=False)
class MMBenchRow:
    """A row of the benchmark's table, or of a predictions table: a question at one of its turns."""

    index: int
    question: int
    """The index of the question that the row is a turn of: its own for the first pass."""
    cells: Mapping[str, str]
    """Every column but the picture, by name in lower case; the options' names are capitals."""
    options: tuple[str, ...]
    answer: str
    """A letter, or nothing where the file has no answers."""
    where: str
    """File and line, for error messages."""
    image: Image = field(default_factory=lambda: Image(b""))
    """Nothing in a predictions table."""


def samples(task: str, incomplete: bool, data: str) -> Iterator[Sample]:
    """Yield the questions of a source, all turns of one together. Raises InputError."""
    for group in read(data, _TASKS[task].card["hub"], incomplete):
        first = group[0].index != group[0].question  # of a question that lacks its first pass, turn 1 comes first
        yield from (sample(task, row, turn, len(group)) for turn, row in enumerate(group, start=int(first)))


def read(data: str, hub: Mapping[str, str], incomplete: bool = False) -> Iterator[list[MMBenchRow]]:
    """Yield the turns of each question, in the order of the first passes; derived where a file has first passes only.

    `hub` says where on the hub: repo, revision, config, split. Raises InputError if there is nothing to read, for what
    is wrong with a row, for two rows of one index, and for a question that lacks turns or whose turns have other
    options; with `incomplete` the turns that are there are taken.
    """
    groups: dict[int, list[MMBenchRow]] = {}
    for row in _with_pictures(_table(data, hub)):
        groups.setdefault(row.question, []).append(row)
    if not groups:
        raise InputError("the table holds no question; check that it is the right file")
    derive = all(len(group) == 1 and group[0].index == question for question, group in groups.items())
    for group in groups.values():
        group.sort(key=lambda row: row.index)
        if derive:
            yield list(_turns(group[0]))
            continue
        _check_turns(group, incomplete)
        yield group


def _table(data: str, hub: Mapping[str, str]) -> Iterator[TableRow]:
    """Return the rows of `hub` or `hub:CONFIG-SPLIT`, a .tsv file, a .parquet file or a folder of such files."""
    if data == "hub" or data.startswith("hub:"):
        config, _, split = data.removeprefix("hub").removeprefix(":").partition("-")
        if data != "hub" and not (config and split):
            raise InputError(f"no data at '{data}': write hub, or hub:CONFIG-SPLIT as in hub:cn-dev")
        return tables.read("hub", (), {**hub, **({"config": config, "split": split} if config else {})}, "mmbench")
    if not Path(data).exists():
        raise InputError(f"no data at '{data}': give the official .tsv file, a .parquet table, embedded, or hub")
    return tables.read(data, ("*.parquet",), None, "mmbench")


def _with_pictures(table: Iterable[TableRow]) -> list[MMBenchRow]:
    """Return the rows, each with its picture; one that is repeated at every turn is held once."""
    found: dict[int, MMBenchRow] = {}
    waiting: dict[int, int] = {}
    held: dict[bytes, bytes] = {}
    for line in table:
        names = dict(zip(columns(list(line.values), COLUMNS, line.where), line.values, strict=True))
        text = str if line.table is not None and line.table.suffix.lower() == ".tsv" else _text
        row = parse({name: text(line.values[key]) for name, key in names.items() if name != "image"}, line.where)
        if row.index in found:
            raise InputError(f"{row.where}: the index {row.index} again; it was in {found[row.index].where}")
        if not row.cells["question"].strip():
            raise InputError(f"{row.where}: the question is empty; write one")
        if not row.cells["category"].strip():
            raise InputError(f"{row.where}, column category: empty; write the leaf ability that the question is about")
        picture = line.values[names["image"]]
        if isinstance(picture, str) and len(picture) <= REFERENCE:
            waiting[row.index] = index_of(picture, f"{row.where}, column image")
            found[row.index] = row
        else:
            found[row.index] = replace(
                row, image=Image(_picture(picture, row.where, held), f"{row.where}, column image")
            )
    for index, other in waiting.items():
        if other not in found or other in waiting:
            raise InputError(
                f"{found[index].where}: its picture is said to be that of row {other}, which has none; "
                "get the file again"
            )
        found[index] = replace(found[index], image=found[other].image)
    return list(found.values())


def _picture(value: Any, where: str, held: dict[bytes, bytes]) -> bytes | Callable[[], bytes]:
    """Return the picture of a cell or what reads it; no path or URL is followed."""
    if isinstance(value, StoredPicture):
        return value
    if isinstance(value, str):
        return partial(decoded, value, f"{where}, column image")
    encoded = value.get("bytes") if isinstance(value, Mapping) else None
    if not isinstance(encoded, bytes):
        raise InputError(f"{where}: the picture is not in the table; embed its bytes in the column image")
    return held.setdefault(hashlib.sha256(encoded).digest(), encoded)


def _text(value: object) -> str:
    """Return a cell of the hub's table as a text; an empty one is None or "nan" there."""
    return "" if value is None or str(value) == "nan" else str(value)


def columns(names: Sequence[str], wanted: Sequence[str], where: str) -> list[str]:
    """Return column names as we write them: options in capitals, others in lower case. Raises InputError."""
    found = [name if len(name) == 1 and name in LETTERS else name.strip().lower() for name in names]
    if missing := [name for name in wanted if name not in found]:
        raise InputError(f"{where}: no column {missing[0]}; the table must have {', '.join(wanted)}")
    if twice := [name for name in found if name and found.count(name) > 1]:
        raise InputError(f"{where}: two columns {twice[0]}; keep one")
    return found


def parse(cells: Mapping[str, str], where: str) -> MMBenchRow:
    """Return a row without its picture. Raises InputError for its index, its options and its answer."""
    index = index_of(cells["index"], where)
    options = option_cells(cells, where)
    answer = cells.get("answer", "").strip()
    if answer and answer not in letters(options):
        raise InputError(f"{where}, column answer: '{answer[:40]}' is not one of {', '.join(letters(options))}; fix it")
    return MMBenchRow(index, question_of(cells.get("g_index", ""), index, where), cells, options, answer, where)


def option_cells(cells: Mapping[str, str], where: str) -> tuple[str, ...]:
    """Return the options: columns that are not empty, whatever they say ("None" and "NA" are options)."""
    names = [letter for letter in LETTERS if letter in cells]
    filled = [name for name in names if cells[name] != ""]
    if filled != names[: len(filled)]:
        empty = next(name for name, other in zip(names, filled, strict=False) if name != other)
        raise InputError(f"{where}: the option {empty} is empty and {filled[-1]} is not; the options must be in a row")
    if len(filled) < 2:
        raise InputError(f"{where}: {len(filled)} options; a question must have two or more")
    return tuple(cells[name] for name in filled)


def letters(options: Sequence[str]) -> list[str]:
    """Return the letters of so many options."""
    return [*LETTERS[: len(options)]]


def index_of(text: str, where: str) -> int:
    """Return a row's index, which pandas may have written as 5.0. Raises InputError."""
    digits = text.strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS):
        raise InputError(f"{where}: the index is '{text[:40]}'; it must be a number of at most {DIGITS} digits")
    return int(digits)


def question_of(g_index: str, index: int, where: str) -> int:
    """Return the index of the question that a row is a turn of: by its own column, or by the row's index."""
    return index_of(g_index, where) if g_index.strip() else index % PASS


def _turns(row: MMBenchRow) -> Iterator[MMBenchRow]:
    yield row
    for turn in range(1, len(row.options)):
        answer = turned_letter(row.answer, len(row.options), turn) if row.answer else ""
        yield replace(row, index=row.index + turn * PASS, options=turned(row.options, turn), answer=answer)


def _check_turns(group: list[MMBenchRow], incomplete: bool) -> None:
    first = group[0]
    for row in group:
        if sorted(row.options) != sorted(first.options):
            raise InputError(f"{row.where}: other options than those of {first.where}, of which it is a turn; fix one")
    if len(group) > len(first.options):
        raise InputError(f"{group[-1].where}: more rows of question {first.question} than it has options; remove some")
    if not incomplete and (len(group) < len(first.options) or first.index != first.question):
        raise InputError(
            f"{first.where}: question {first.question} has {len(group)} of its {len(first.options)} turns; "
            "get the whole file, or count such questions by the turns they have with --partial"
        )


def sample(task: str, row: MMBenchRow, turn: int, turns: int) -> Sample:
    """Make a row a question; `turn` is 0 where the options stand as in the first pass."""
    tags = {name: row.cells[name] for name in _KEPT if row.cells.get(name)}
    tags |= {"question": row.cells["question"]}
    if row.index != row.question:
        tags["turn"] = str(turn)
    if turns != len(row.options):
        tags["turns"] = str(turns)
    if task == "mmbench":
        tags["ability"] = ability(row.cells.get("l2-category", ""), row.cells["category"], row.where)
    elif row.cells["category"] in _OF_LEAF:
        raise InputError(f"{row.where}: '{row.cells['category']}' is an ability of MMBench; use --task mmbench")
    return Sample(
        id=str(row.index),
        prompt=(row.image, row.cells["question"]),
        targets=(row.answer,) if row.answer else (),
        choices=tuple((option,) for option in row.options),
        groups={GROUP: str(row.question)},
        category=row.cells["category"],
        tags=tags,
    )


def ability(name: str, leaf: str, where: str) -> str:
    """Return the abbreviation of the ability: by its own column, or by the leaf's. Raises InputError."""
    if name:
        if name not in _OF_NAME:
            raise InputError(f"{where}, column l2-category: unknown ability '{name[:80]}'{nearest(name, _OF_NAME)}")
        return _OF_NAME[name]
    if not leaf.strip():
        raise InputError(f"{where}, column category: empty, and no l2-category either; write the leaf ability")
    if leaf not in _OF_LEAF:
        raise InputError(f"{where}, column category: unknown leaf '{leaf[:80]}'{nearest(leaf, _OF_LEAF)}")
    return _OF_LEAF[leaf]


def release(sample: Sample) -> Parts:
    """Ask as MMBench's readme and VLMEvalKit do: a blank before the last line break, and letters are not mentioned."""
    picture, question = sample.prompt
    hint = f"Hint: {sample.tags['hint']}\n" if "hint" in sample.tags else ""
    end = "Please select the correct answer from the options above. \n"
    return choices.merged([(picture,), f"{hint}Question: {question}\nOptions:\n", choices.listed(sample.choices), end])


def opencompass(sample: Sample) -> Parts:
    """Ask as the authors' tool of 2023 asked InstructBLIP, without its example and its chat marks."""
    picture, question = sample.prompt
    text = f" {sample.tags.get('hint', '')} {question} There are several options:\n"
    return choices.merged([(picture,), text, choices.listed(sample.choices), " "])


def with_letter(sample: Sample) -> Parts:
    """Ask for the letter, so that less depends on how answers are read."""
    picture, question = sample.prompt
    hint = f"{sample.tags['hint']}\n" if "hint" in sample.tags else ""
    end = "Answer with the option's letter from the given choices directly."
    return choices.merged([(picture,), f"{hint}{question}\n", choices.listed(sample.choices), end])


def prediction_cells(path: Path) -> Iterator[tuple[Mapping[str, Cell], str]]:
    """Yield each row of a predictions table by column, and where it stands.

    Raises InputError if a column is missing or a row has more cells.
    """
    rows = sheets.read(path)
    _, first = next(rows, (0, []))
    names = columns([cell.text for cell in first], PREDICTIONS, str(path))
    for number, cells in rows:
        where = f"{path}, line {number}"
        cells = cells + [Cell("")] * (len(names) - len(cells))
        if len(cells) != len(names):
            raise InputError(f"{where}: {len(cells)} cells and not {len(names)}; quote what holds a separator")
        yield dict(zip(names, cells, strict=True)), where


def read_predictions(grouped: bool, incomplete: bool, path: str) -> list[Record]:
    """Return the answers of a predictions table, which must have a column `answer`, as records.

    `grouped` names the ability of each, too. Raises InputError.
    """
    collects = gc.isenabled()
    gc.disable()  # a table is millions of objects without cycles: looking for cycles would double the time
    try:
        return _predictions(grouped, incomplete, Path(path))
    finally:
        if collects:
            gc.enable()


def _predictions(grouped: bool, incomplete: bool, path: Path) -> list[Record]:
    found: dict[int, MMBenchRow] = {}
    turns: dict[int, list[int]] = {}
    for cells, where in prediction_cells(path):
        if "answer" not in cells:
            raise InputError(f"{path}: no column answer, so there is nothing to score by; {PUBLIC}")
        row = parse({name: cell.text for name, cell in cells.items()}, where)
        if row.index in found:
            raise InputError(f"{where}: the index {row.index} again; it was in {found[row.index].where}")
        if not row.answer:
            raise InputError(f"{where}, column answer: empty, so there is nothing to score by; {PUBLIC}")
        found[row.index] = row
        turns.setdefault(row.question, []).append(row.index)
    if not found:
        raise InputError(f"{path}: no rows; check that it is the right file")
    for indices in turns.values():
        indices.sort()
    return [_prediction(row, turns[row.question], grouped, incomplete) for row in found.values()]


def _prediction(row: MMBenchRow, turns: list[int], grouped: bool, incomplete: bool) -> Record:
    cells = row.cells
    tags = {name: cells[name] for name in ("question", "split") if cells.get(name)}
    category = cells.get("category", "")
    if grouped:
        tags["ability"] = ability(cells.get("l2-category", ""), category, row.where)
    if row.index != row.question:
        tags["turn"] = str(turns.index(row.index) + (turns[0] != row.question))
    if incomplete and len(turns) != len(row.options):
        tags["turns"] = str(len(turns))
    return Record(
        id=str(row.index),
        targets=(row.answer,),
        category=category,
        groups={GROUP: str(row.question)},
        tags=tags,
        choices=row.options,
        question=cells.get("question", ""),
        text=cells["prediction"],
    )


def metric(abilities: Mapping[str, object], leaves: Sequence[str]) -> Metric:
    """Return a metric of every way of counting: overall, by ability, by leaf, and by split where there are two."""

    def sum_up(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
        found = circular.questions(records, scores)
        names = [*abilities, *leaves]
        numbers = _numbers(found, "", names)
        for split, part in _splits(found).items():
            numbers |= _numbers(part, f"{split}/", names)
        return numbers

    return sum_up


def _splits(found: Sequence[Question]) -> dict[str, list[Question]]:
    """Return the questions of each split, where there are two or more."""
    parts: dict[str, list[Question]] = {}
    for question in found:
        if "split" in question.records[0].tags:
            parts.setdefault(question.records[0].tags["split"], []).append(question)
    return dict(sorted(parts.items())) if len(parts) > 1 else {}


def _numbers(found: Sequence[Question], prefix: str, names: Sequence[str]) -> dict[str, Statistic]:
    """Return `circular`, `vanilla`, `CP`, `vanilla/CP`, ...: a name without a way is CircularEval's."""
    parts: dict[str, list[Question]] = {name: [] for name in names}
    for question in found:
        first = question.records[0]
        if first.category:
            parts.setdefault(first.category, []).append(question)
        if "ability" in first.tags:
            parts[first.tags["ability"]].append(question)
    numbers: dict[str, Statistic] = {}
    for way, count in _COUNTS.items():
        numbers[f"{prefix}{way}"] = count(found)
        before = "" if way == "circular" else f"{way}/"
        numbers |= {f"{prefix}{before}{name}": count(part) for name, part in parts.items()}
    return numbers


def _circular(found: Sequence[Question]) -> Statistic:
    if lacking := circular.incomplete(found):
        return Statistic(100.0, None, reason=f"{lacking}; finish the run, or count what is there with --partial")
    marks = [(q.hit, q.cluster) for q in found]
    return _share(marks, circular.chance(found))


def _vanilla(found: Sequence[Question]) -> Statistic:
    return _share([(q.first, q.cluster) for q in found], _even(found))


def _vanilla_all(found: Sequence[Question]) -> Statistic:
    if not all(q.whole for q in found):
        return Statistic(100.0, None, reason="not every turn was asked (--early-stop)")
    return _share([(mark, q.cluster) for q in found for mark in q.marks], _even(found))


_COUNTS: dict[str, Callable[[Sequence[Question]], Statistic]] = {
    "circular": _circular,
    "vanilla": _vanilla,
    "vanilla_all": _vanilla_all,
}


def _share(marks: Sequence[tuple[float | None, str]], chance: float | None) -> Statistic:
    """Return the share of 100, of those marks that there are."""
    known = [(mark, cluster) for mark, cluster in marks if mark is not None]
    expected = None if chance is None else 100.0 * chance
    if not known:
        why = "no answer has a mark; the file may lack the answers, which are public today" if marks else "no question"
        return Statistic(100.0, expected, reason=why)
    mean = Mean([mark for mark, _ in known], [cluster for _, cluster in known])
    return Statistic(100.0, expected, [((100.0, mean),)])


def _even(found: Sequence[Question]) -> float | None:
    shares = [1 / len(q.records[0].choices) for q in found if q.records[0].choices]
    return math.fsum(shares) / len(shares) if shares else None


def remarks(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Say what CircularEval takes away, and which letters were answered."""
    found = circular.questions(records, scores)
    sentences = [] if circular.incomplete(found) else _dropped(found)
    if letters := choices.histogram(records, scores):
        sentences.append(f"Letters answered: {letters}.")
    categories = {record.category for record in records}
    if categories <= set(_OF_LEAF) and (absent := sorted(set(_OF_LEAF) - categories)):
        sentences.append(f"No question of {len(absent)} of the twenty leaf abilities: {', '.join(absent)}.")
    return sentences


def _dropped(found: Sequence[Question]) -> list[str]:
    marks = [(q.first, q.hit) for q in found if q.first is not None and q.hit is not None]
    if not marks:
        return []
    one, every = (100 * sum(column) / len(marks) for column in zip(*marks, strict=True))
    sentences = [
        f"Right as asked first: {one:.1f} of 100 questions; right at every turn: {every:.1f}. "
        f"The difference, {one - every:.1f}, are right answers that did not survive another order of the options."
    ]
    hits = {split: [q.hit for q in part if q.hit is not None] for split, part in _splits(found).items()}
    shares = [f"{split} {100 * sum(part) / len(part):.1f}" for split, part in hits.items() if part]
    return [*sentences, f"CircularEval of each split: {', '.join(shares)}."] if shares else sentences


def _task(name: str, axes: Mapping[str, str], abilities: Mapping[str, object], leaves: Sequence[str]) -> Task:
    numbers = metric(abilities, leaves)
    whole = Task(
        name=name,
        version=1,
        samples=partial(samples, name, False),
        prompts={"release": release, "letter": with_letter, "opencompass-2023": opencompass},
        scorers={"official": choices.scorer(next(iter(READINGS.values()))), "strict": choices.scorer(strict)},
        metrics={"official": numbers, "strict": numbers},
        axes=axes,
        totals=WAYS,
        max_new_tokens=32,
        read_predictions=partial(read_predictions, bool(abilities), False),
        readings=READINGS,
        remarks=remarks,
    )
    counted = replace(
        whole,
        samples=partial(samples, name, True),
        read_predictions=partial(read_predictions, bool(abilities), True),
    )
    return replace(whole, partial=counted)


MMBENCH = _task("mmbench", LABELS, ABILITIES, list(_OF_LEAF))
CCBENCH = _task("ccbench", CULTURE, {}, list(CULTURE))
_TASKS = {"mmbench": MMBENCH, "ccbench": CCBENCH}
