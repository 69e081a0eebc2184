"""MMBench and CCBench: multiple choice, each question asked once for each turn of its options (arXiv 2307.06281).

CircularEval counts a question that is right at every turn, VanillaEval one that is right as it stands. Twenty leaf
abilities make six: a number is the share of the questions in it, never a mean of shares.

In the benchmark's table a row is a question, with options in columns A to D and the picture in base64. A turned row
has the index of its question plus a multiple of a million; its picture is its own (the `_legacy` files) or the index
of the row that has it.
"""

import gc
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mmeval.data import delimited, sheets, tables
from mmeval.scoring.metrics import circular
from mmeval.scoring.metrics.circular import GROUP, Question
from mmeval.scoring.metrics.groups import percent
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.public import READINGS
from mmeval.scoring.readings.strict import strict
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Task
from mmeval.types import Image, InputError, Parts, Record, Sample, Score, nearest

ABILITIES = {
    "LR": ("logic_reasoning", ("structuralized_imagetext_understanding", "future_prediction")),
    "AR": ("attribute_reasoning", ("physical_property_reasoning", "function_reasoning", "identity_reasoning")),
    "RR": ("relation_reasoning", ("social_relation", "physical_relation", "nature_relation")),
    "FP-S": ("finegrained_perception (instance-level)",
             ("object_localization", "attribute_recognition", "celebrity_recognition", "ocr")),
    "FP-C": ("finegrained_perception (cross-instance)",
             ("spatial_relationship", "attribute_comparison", "action_recognition")),
    "CP": ("coarse_perception", ("image_style", "image_scene", "image_emotion", "image_quality", "image_topic")),
}  # fmt: skip
"""Abbreviation -> the table's name of the ability, and its leaves; in the order of the published radar."""

LABELS = {
    "LR": "Logic Reasoning (LR)", "AR": "Attribute Reasoning (AR)", "RR": "Relation Reasoning (RR)",
    "FP-S": "Fine-grained, single (FP-S)", "FP-C": "Fine-grained, cross (FP-C)", "CP": "Coarse Perception (CP)",
}  # fmt: skip
CULTURE = {
    "sketch_reasoning": "Sketch Reasoning", "scenery_building": "Scenery & Building", "food_clothes": "Food & Clothes",
    "historical_figure": "Historical Figure", "traditional_show": "Traditional Show",
    "calligraphy_painting": "Calligraphy & Painting", "cultural_relic": "Cultural Relic",
}  # fmt: skip
WAYS = {"circular": "CircularEval", "vanilla": "VanillaEval", "vanilla_all": "Every turn"}

_OF_LEAF = {leaf: short for short, (_, leaves) in ABILITIES.items() for leaf in leaves}
_OF_NAME = {name: short for short, (name, _) in ABILITIES.items()}
KEPT = ("hint", "source", "comment", "split", "l2-category")
"""Columns that a record keeps, for prompts and for files."""
PASS = 1_000_000
"""What each turn of a question adds to its index."""
REFERENCE = 64
"""Characters of a picture cell at most where it is the index of the row that holds the picture."""
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


def read(data: str, hub: Mapping[str, str], incomplete: bool = False) -> Iterator[list[MMBenchRow]]:
    """Yield the turns of each question, in the order of the first passes; derived where a file has first passes only.

    `hub` says where on the hub: repo, revision, config, split. With `incomplete` the turns that are there are taken.
    Raises InputError if there is nothing to read, for what is wrong with a row, and for a question that lacks turns or
    whose turns have other options.
    """
    groups: dict[int, list[MMBenchRow]] = {}
    for row in _with_pictures(_table(data, hub)):
        groups.setdefault(row.question, []).append(row)
    if not groups:
        raise InputError("the table holds no question; check that it is the right file")
    derive = all(len(group) == 1 and group[0].index == question for question, group in groups.items())
    for group in groups.values():
        group.sort(key=lambda row: row.index)
        if not derive:
            _check_turns(group, incomplete)
        yield list(_turns(group[0])) if derive else group


def _table(data: str, hub: Mapping[str, str]) -> Iterator[tables.TableRow]:
    """Return the rows of `hub` or `hub:CONFIG-SPLIT`, a .tsv file, a .parquet file or a folder of such files."""
    if data == "hub" or data.startswith("hub:"):
        config, _, split = data.removeprefix("hub").removeprefix(":").partition("-")
        if data != "hub" and not (config and split):
            raise InputError(f"no data at '{data}': write hub, or hub:CONFIG-SPLIT as in hub:cn-dev")
        return tables.read("hub", (), {**hub, **({"config": config, "split": split} if config else {})}, "mmbench")
    if not Path(data).exists():
        raise InputError(f"no data at '{data}': give the official .tsv file, a .parquet table, embedded, or hub")
    return tables.read(data, ("*.parquet",), None, "mmbench")


def _with_pictures(table: Iterable[tables.TableRow]) -> list[MMBenchRow]:
    """Return the rows, each with its picture; one that is repeated at every turn is held once."""
    found: dict[int, MMBenchRow] = {}
    waiting: dict[int, int] = {}
    held: dict[bytes, bytes] = {}
    for line in table:
        names = columns(list(line.values), COLUMNS, line.where)
        cells = dict(zip(names, line.values.values(), strict=True))
        picture = cells.pop("image")
        text = str if line.table is not None and line.table.suffix.lower() == ".tsv" else _text
        row = parse({name: text(cell) for name, cell in cells.items()}, line.where, found)
        if not row.cells["question"].strip():
            raise InputError(f"{row.where}: the question is empty; write one")
        if not row.cells["category"].strip():
            raise InputError(f"{row.where}, column category: empty; write the leaf ability that the question is about")
        where = f"{row.where}, column image"
        if isinstance(picture, str) and len(picture) <= REFERENCE:
            waiting[row.index] = index_of(picture, where)
        else:
            found[row.index] = replace(row, image=Image(_picture(picture, where, held), where))
    for index, other in waiting.items():
        if other not in found or other in waiting:
            said = f"its picture is said to be that of row {other}, which has none"
            raise InputError(f"{found[index].where}: {said}; get the file again")
        found[index] = replace(found[index], image=found[other].image)
    return list(found.values())


def _picture(value: Any, where: str, held: dict[bytes, bytes]) -> bytes | Callable[[], bytes]:
    """Return the picture of a cell or what reads it; no path or URL is followed."""
    if isinstance(value, delimited.StoredPicture):
        return value
    if isinstance(value, str):
        return partial(delimited.decoded, value, where)
    encoded = value.get("bytes") if isinstance(value, Mapping) else None
    if not isinstance(encoded, bytes):
        raise InputError(f"{where}: the picture is not in the table; embed its bytes in this column")
    return held.setdefault(hashlib.sha256(encoded).digest(), encoded)


def _text(value: object) -> str:
    """Return a cell of the hub's table as a text; an empty one is None or "nan" there."""
    return "" if value is None or str(value) == "nan" else str(value)


def columns(names: Sequence[str], wanted: Sequence[str], where: str) -> list[str]:
    """Return column names as we write them: options in capitals, others in lower case. Raises InputError."""
    found = [name if len(name) == 1 and name in choices.LETTERS else name.strip().lower() for name in names]
    if missing := [name for name in wanted if name not in found]:
        raise InputError(f"{where}: no column {missing[0]}; the table must have {', '.join(wanted)}")
    if twice := [name for name in found if name and found.count(name) > 1]:
        raise InputError(f"{where}: two columns {twice[0]}; keep one")
    return found


def parse(cells: Mapping[str, str], where: str, found: dict[int, MMBenchRow]) -> MMBenchRow:
    """Add a row to those found, without its picture. Raises InputError for its index, its options and its answer."""
    index, options = index_of(cells["index"], where), option_cells(cells, where)
    answer, known = cells.get("answer", "").strip(), [*choices.LETTERS[: len(options)]]
    if answer and answer not in known:
        raise InputError(f"{where}, column answer: '{answer[:40]}' is not one of {', '.join(known)}; fix it")
    row = MMBenchRow(index, question_of(cells.get("g_index", ""), index, where), cells, options, answer, where)
    if found.setdefault(index, row) is not row:
        raise InputError(f"{where}: the index {index} again; it was in {found[index].where}")
    return row


def option_cells(cells: Mapping[str, str], where: str) -> tuple[str, ...]:
    """Return the options: columns that are not empty, whatever they say ("None" and "NA" are options)."""
    names = [letter for letter in choices.LETTERS if letter in cells]
    filled = [name for name in names if cells[name] != ""]
    if filled != names[: len(filled)]:
        empty = next(name for name in names if name not in filled)
        raise InputError(f"{where}: the option {empty} is empty and {filled[-1]} is not; the options must be in a row")
    if len(filled) < 2:
        raise InputError(f"{where}: {len(filled)} options; a question must have two or more")
    return tuple(cells[name] for name in filled)


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
        answer = circular.turned_letter(row.answer, len(row.options), turn) if row.answer else ""
        yield replace(row, index=row.index + turn * PASS, options=circular.turned(row.options, turn), answer=answer)


def _check_turns(group: list[MMBenchRow], incomplete: bool) -> None:
    first = group[0]
    for row in group:
        if sorted(row.options) != sorted(first.options):
            raise InputError(f"{row.where}: other options than those of {first.where}, of which it is a turn; fix one")
    if len(group) > len(first.options):
        raise InputError(f"{group[-1].where}: more rows of question {first.question} than it has options; remove some")
    if not incomplete and (len(group) < len(first.options) or first.index != first.question):
        lacks = f"question {first.question} has {len(group)} of its {len(first.options)} turns"
        advice = "get the whole file, or count such questions by the turns they have with --partial"
        raise InputError(f"{first.where}: {lacks}; {advice}")


def sample(grouped: bool, row: MMBenchRow, turns: Sequence[int]) -> Sample:
    """Make a row a question."""
    question, category = row.cells["question"], row.cells["category"]
    if not grouped and category in _OF_LEAF:
        raise InputError(f"{row.where}: '{category}' is an ability of MMBench; use --task mmbench")
    kept = {name: row.cells[name] for name in KEPT if row.cells.get(name)}
    tags = {**kept, "question": question, **_tags(grouped, row, turns)}
    targets, offered = (row.answer,) if row.answer else (), tuple((option,) for option in row.options)
    groups = {GROUP: str(row.question)}
    return Sample(str(row.index), (row.image, question), targets, offered, groups=groups, category=category, tags=tags)


def _tags(grouped: bool, row: MMBenchRow, turns: Sequence[int]) -> dict[str, str]:
    """Return which turn the row is, 0 where the options stand as in the first pass; of how many; and its ability."""
    tags = {}
    if row.index != row.question:
        tags["turn"] = str(turns.index(row.index) + (turns[0] != row.question))
    if len(turns) != len(row.options):
        tags["turns"] = str(len(turns))
    if grouped:
        tags["ability"] = ability(row.cells.get("l2-category", ""), row.cells.get("category", ""), row.where)
    return tags


def ability(name: str, leaf: str, where: str) -> str:
    """Return the abbreviation of the ability: by its own column, or by the leaf's. Raises InputError."""
    if not name and not leaf.strip():
        raise InputError(f"{where}, column category: empty, and no l2-category either; write the leaf ability")
    own, known = (name, _OF_NAME) if name else (leaf, _OF_LEAF)
    if own not in known:
        what = "l2-category: unknown ability" if name else "category: unknown leaf"
        raise InputError(f"{where}, column {what} '{own[:80]}'{nearest(own, known)}")
    return known[own]


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
    """Ask for the letter alone, after the hint."""
    picture, question = sample.prompt
    hint = f"{sample.tags['hint']}\n" if "hint" in sample.tags else ""
    return choices.lettered((picture, f"{hint}{question}"), sample.choices)


def prediction_cells(path: Path) -> Iterator[tuple[Mapping[str, sheets.Cell], str]]:
    """Yield each row of a predictions table by column, and where it stands. Raises InputError for its shape."""
    rows = sheets.read(path)
    _, first = next(rows, (0, []))
    names = columns([cell.text for cell in first], PREDICTIONS, str(path))
    for number, cells in rows:
        where = f"{path}, line {number}"
        cells = cells + [sheets.Cell("")] * (len(names) - len(cells))
        if len(cells) != len(names):
            raise InputError(f"{where}: {len(cells)} cells and not {len(names)}; quote what holds a separator")
        yield dict(zip(names, cells, strict=True)), where


def read_predictions(grouped: bool, incomplete: bool, path: str) -> list[Record]:
    """Return the answers of a predictions table with a column `answer`; `grouped`, by ability. Raises InputError."""
    collects = gc.isenabled()
    gc.disable()  # a table is millions of objects without cycles: looking for cycles takes a fifth of the time
    try:
        return _predictions(grouped, incomplete, Path(path))
    finally:
        if collects:
            gc.enable()


def _predictions(grouped: bool, incomplete: bool, path: Path) -> list[Record]:
    found: dict[int, MMBenchRow] = {}
    turns: dict[int, list[int]] = {}
    errors: dict[int, str] = {}
    for cells, where in prediction_cells(path):
        if "answer" not in cells:
            raise InputError(f"{path}: no column answer, so there is nothing to score by; {PUBLIC}")
        row = parse({name: cell.text for name, cell in cells.items()}, where, found)
        if not row.answer:
            raise InputError(f"{where}, column answer: empty, so there is nothing to score by; {PUBLIC}")
        turns.setdefault(row.question, []).append(row.index)
        shown = ("prediction", *choices.LETTERS[: len(row.options)])
        if lost := next((name for name in shown if not sheets.is_text(cells[name])), None):
            errors[row.index] = f"the cell {lost} {sheets.FORMULA}"
    if not found:
        raise InputError(f"{path}: no rows; check that it is the right file")
    for indices in turns.values():
        indices.sort()
    records = (_prediction(row, turns[row.question], grouped, incomplete) for row in found.values())
    return [replace(one, text=None, error=error) if (error := errors.get(int(one.id))) else one for one in records]


def _prediction(row: MMBenchRow, turns: list[int], grouped: bool, incomplete: bool) -> Record:
    tags = {name: row.cells[name] for name in ("question", "split") if row.cells.get(name)}
    tags |= _tags(grouped, row, turns)
    if not incomplete:
        tags.pop("turns", None)
    category, question, text = (row.cells.get(name, "") for name in ("category", "question", "prediction"))
    groups = {GROUP: str(row.question)}
    return Record(str(row.index), (row.answer,), category, groups, tags, row.options, question, text=text)


def numbers(names: Sequence[str], records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Return every way of counting: overall, by ability, by leaf, and by split where there are two."""
    found = circular.questions(records, scores)
    counted = _numbers(found, "", names)
    for split, part in _splits(found).items():
        counted |= _numbers(part, f"{split}/", names)
    return counted


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
        for name in (first.category, first.tags.get("ability")):
            if name:
                parts.setdefault(name, []).append(question)
    whole, counted = _counts(found), {name: _counts(part) for name, part in parts.items()}
    numbers: dict[str, Statistic] = {}
    for way in WAYS:
        numbers[f"{prefix}{way}"] = whole[way]
        before = prefix if way == "circular" else f"{prefix}{way}/"
        numbers |= {f"{before}{name}": part[way] for name, part in counted.items()}
    return numbers


def _counts(found: Sequence[Question]) -> dict[str, Statistic]:
    """Return the number of each way to count."""
    shares = [1 / len(q.records[0].choices) for q in found if q.records[0].choices]
    even = math.fsum(shares) / len(shares) if shares else None
    lacking = circular.incomplete(found)
    unfinished = f"{lacking}; finish the run, or count what is there with --partial" if lacking else ""
    skipped = "" if all(q.whole for q in found) else "not every turn was asked (--early-stop)"
    return {
        "circular": _share([(q.hit, q.cluster) for q in found], circular.chance(found), unfinished),
        "vanilla": _share([(q.first, q.cluster) for q in found], even),
        "vanilla_all": _share([(mark, q.cluster) for q in found for mark in q.marks], even, skipped),
    }


def _share(marks: Sequence[tuple[float | None, str]], chance: float | None, missing: str = "") -> Statistic:
    """Return the share of 100, of those marks that there are; no number where something is missing."""
    if missing:
        return Statistic(100.0, None, reason=missing)
    known = [(mark, cluster) for mark, cluster in marks if mark is not None]
    mean = Mean([mark for mark, _ in known], [cluster for _, cluster in known])
    why = "no answer has a mark; the file may lack the answers, which are public today" if marks else "no question"
    return percent(mean, None if chance is None else 100.0 * chance, why)


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


def _task(name: str, axes: Mapping[str, str], abilities: Sequence[str], leaves: Sequence[str]) -> Task:
    grouped, count = bool(abilities), partial(numbers, [*abilities, *leaves])

    def samples(incomplete: bool, data: str) -> Iterator[Sample]:
        """Yield the questions of a source, all turns of one together. Raises InputError."""
        for group in read(data, task.card["hub"], incomplete):
            yield from (sample(grouped, row, [turn.index for turn in group]) for row in group)

    task = Task(
        name=name,
        samples=partial(samples, False),
        prompts={"release": release, "letter": with_letter, "opencompass-2023": opencompass},
        scorers={"official": choices.scorer(next(iter(READINGS.values()))), "strict": choices.scorer(strict)},
        metrics={"official": count, "strict": count},
        axes=axes,
        totals=WAYS,
        max_new_tokens=32,
        read_predictions=partial(read_predictions, grouped, False),
        readings=READINGS,
        strict=strict,
        remarks=remarks,
    )
    there = replace(task, samples=partial(samples, True), read_predictions=partial(read_predictions, grouped, True))
    return replace(task, partial=there)


MMBENCH = _task("mmbench", LABELS, list(ABILITIES), list(_OF_LEAF))
CCBENCH = _task("ccbench", CULTURE, (), list(CULTURE))
