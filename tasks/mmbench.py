"""MMBench and CCBench: multiple choice, each question asked once per rotation of its options (arXiv 2307.06281).

CircularEval counts a question as right if every rotation is right; VanillaEval, if the first pass is. Twenty leaf
abilities form six abilities. Each number is a share of that ability's questions, never a mean of shares.
`data.mmbench` reads the benchmark's table.
"""

import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mmeval.data import sheets, tables
from mmeval.data.mmbench import MMBenchRow, lacks_turns, parse, prediction_cells, read
from mmeval.scoring.metrics import circular
from mmeval.scoring.metrics.circular import GROUP, Question
from mmeval.scoring.metrics.groups import percent
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts.public import SCORERS
from mmeval.scoring.readings.strict.letter import strict
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Task
from mmeval.tasks.shared import SELECT
from mmeval.types import InputError, Parts, Record, Sample, Score, part_of

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
"""Abbreviation -> the ability's name in the table and its leaves, in the order of the published radar chart."""

LABELS = {
    "LR": "Logic Reasoning (LR)", "AR": "Attribute Reasoning (AR)", "RR": "Relation Reasoning (RR)",
    "FP-S": "Fine-grained, single (FP-S)", "FP-C": "Fine-grained, cross (FP-C)", "CP": "Coarse Perception (CP)",
}  # fmt: skip
CULTURE = {
    "sketch_reasoning": "Sketch Reasoning", "scenery_building": "Scenery & Building", "food_clothes": "Food & Clothes",
    "historical_figure": "Historical Figure", "traditional_show": "Traditional Show",
    "calligraphy_painting": "Calligraphy & Painting", "cultural_relic": "Cultural Relic",
}  # fmt: skip
WAYS = {"circular": "CircularEval", "vanilla": "VanillaEval", "vanilla_all": "All rotations"}

_ABILITY_OF_LEAF = {leaf: short for short, (_, leaves) in ABILITIES.items() for leaf in leaves}
_ABILITY_OF_NAME = {name: short for short, (name, _) in ABILITIES.items()}
TAG_COLUMNS = ("hint", "source", "comment", "split", "l2-category")
"""Columns that a record keeps, for prompts and output files."""
PUBLIC = "add the benchmark's answers, which are public today"


def sample(grouped: bool, row: MMBenchRow, turns: Sequence[int]) -> Sample:
    """Return a row as a question."""
    question, category = row.cells["question"], row.cells.get("category", "")
    if not grouped and category in _ABILITY_OF_LEAF:
        raise InputError(f"{row.where}: '{category}' is an ability of MMBench; use --task mmbench")
    columns = {name: row.cells[name] for name in TAG_COLUMNS if row.cells.get(name)}
    tags = {**columns, "question": question, **_tags(grouped, row, turns)}
    targets, options = (row.answer,) if row.answer else (), tuple((option,) for option in row.options)
    groups = {GROUP: str(row.question)}
    return Sample(str(row.index), (row.image, question), targets, options, groups=groups, category=category, tags=tags)


def _tags(grouped: bool, row: MMBenchRow, turns: Sequence[int]) -> dict[str, str]:
    """Return the row's rotation (none for the first pass), the number of rotations if unusual, and the ability."""
    tags = {}
    if row.index != row.question:
        tags["turn"] = str(turns.index(row.index) + (turns[0] != row.question))
    if len(turns) != len(row.options):
        tags["turns"] = str(len(turns))
    if grouped and row.cells.keys() & {"category", "l2-category"}:
        tags["ability"] = ability(row.cells.get("l2-category", ""), row.cells.get("category", ""), row.where)
    return tags


def ability(name: str, leaf: str, where: str) -> str:
    """Return the ability's abbreviation, from its own column or from the leaf's. Raises InputError."""
    if not name and not leaf.strip():
        raise InputError(f"{where}, column category: empty, and so is l2-category; write the leaf ability")
    if name:
        return _ABILITY_OF_NAME[tables.known(f"{where}, column l2-category", "ability", name, _ABILITY_OF_NAME)]
    return _ABILITY_OF_LEAF[tables.known(f"{where}, column category", "leaf ability", leaf, _ABILITY_OF_LEAF)]


def release(sample: Sample) -> Parts:
    """Ask as MMBench's README and VLMEvalKit do: a space before the last line break, and no mention of letters."""
    picture, question = sample.prompt
    hint = f"Hint: {sample.tags['hint']}\n" if "hint" in sample.tags else ""
    heading = f"{hint}Question: {question}\nOptions:\n"
    return choices.merged([(picture,), heading, choices.listed(sample.choices), SELECT])


def opencompass(sample: Sample) -> Parts:
    """Ask as the authors' tool of 2023 asked InstructBLIP, without its example and chat markers."""
    picture, question = sample.prompt
    text = f" {sample.tags.get('hint', '')} {question} There are several options:\n"
    return choices.merged([(picture,), text, choices.listed(sample.choices), " "])


def with_letter(sample: Sample) -> Parts:
    """Ask for the letter only, after the hint."""
    picture, question = sample.prompt
    hint = f"{sample.tags['hint']}\n" if "hint" in sample.tags else ""
    return choices.lettered((picture, f"{hint}{question}"), sample.choices)


def read_predictions(grouped: bool, incomplete: bool, path: str) -> list[Record]:
    """Return the answers in a predictions table with a column `answer`. Raises InputError.

    `grouped` says whether leaf abilities belong to abilities.
    """
    collects = gc.isenabled()
    gc.disable()  # a table is millions of objects without cycles; searching them takes a fifth of the time
    try:
        return _predictions(grouped, incomplete, Path(path))
    finally:
        if collects:
            gc.enable()


def _predictions(grouped: bool, incomplete: bool, path: Path) -> list[Record]:
    rows: dict[int, MMBenchRow] = {}
    turns: dict[int, list[int]] = {}
    errors: dict[int, str] = {}
    for cells, where in prediction_cells(path):
        if "answer" not in cells:
            raise InputError(f"{path}: no column answer, so the predictions cannot be scored; {PUBLIC}")
        row = parse({name: cell.text for name, cell in cells.items()}, where, rows)
        if not row.answer:
            raise InputError(f"{where}, column answer: empty, so the prediction cannot be scored; {PUBLIC}")
        turns.setdefault(row.question, []).append(row.index)
        columns = ("prediction", *choices.LETTERS[: len(row.options)])
        if column := next((name for name in columns if not sheets.is_text(cells[name])), None):
            errors[row.index] = f"the cell {column} {sheets.FORMULA}"
    incomplete = incomplete or lacks_turns(len(turns), len(rows))
    if not rows:
        raise InputError(f"{path}: no rows; check that it is the right file")
    for indices in turns.values():
        indices.sort()
    records = (_prediction(row, turns[row.question], grouped, incomplete) for row in rows.values())
    return [
        replace(record, text=None, error=error) if (error := errors.get(int(record.id))) else record
        for record in records
    ]


def _prediction(row: MMBenchRow, turns: list[int], grouped: bool, incomplete: bool) -> Record:
    tags = {name: row.cells[name] for name in ("question", "split") if row.cells.get(name)}
    tags |= _tags(grouped, row, turns)
    if not incomplete:
        tags.pop("turns", None)
    category, question, text = (row.cells.get(name, "") for name in ("category", "question", "prediction"))
    groups = {GROUP: str(row.question)}
    return Record(str(row.index), (row.answer,), category, groups, tags, row.options, question, text=text)


def numbers(names: Sequence[str], records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Return the numbers of each way to count: overall, by ability, by leaf, and by split if there are several."""
    questions = circular.questions(records, scores)
    result = _numbers(questions, "", names)
    for split, part in _splits(questions).items():
        result |= _numbers(part, f"{split}/", names)
    return result


def _splits(questions: Sequence[Question]) -> dict[str, list[Question]]:
    """Return the questions of each split if there are two or more."""
    parts: dict[str, list[Question]] = {}
    for question in questions:
        if "split" in question.records[0].tags:
            parts.setdefault(question.records[0].tags["split"], []).append(question)
    return dict(sorted(parts.items())) if len(parts) > 1 else {}


def _numbers(questions: Sequence[Question], prefix: str, names: Sequence[str]) -> dict[str, Statistic]:
    """Return `circular`, `vanilla`, `CP`, `vanilla/CP`, ... A name without a way, such as `CP`, is CircularEval's."""
    parts: dict[str, list[Question]] = {name: [] for name in names}
    for question in questions:
        first = question.records[0]
        for name in (first.category, first.tags.get("ability")):
            if name:
                parts.setdefault(name, []).append(question)
    overall, by_name = _counts(questions), {name: _counts(part) for name, part in parts.items()}
    numbers: dict[str, Statistic] = {}
    for way in WAYS:
        numbers[f"{prefix}{way}"] = overall[way]
        before = prefix if way == "circular" else f"{prefix}{way}/"
        numbers |= {f"{before}{name}": part[way] for name, part in by_name.items()}
    return numbers


def _counts(questions: Sequence[Question]) -> dict[str, Statistic]:
    """Return the number of each way to count."""
    shares = [1 / len(q.records[0].choices) for q in questions if q.records[0].choices]
    even = math.fsum(shares) / len(shares) if shares else None
    lacking = circular.incomplete(questions)
    unfinished = f"{lacking}; finish the run, or count the existing rotations with --partial" if lacking else ""
    skipped = "" if all(q.whole for q in questions) else "not every rotation was asked (--early-stop)"
    return {
        "circular": _share([(q.hit, q.cluster) for q in questions], circular.chance(questions), unfinished),
        "vanilla": _share([(q.first, q.cluster) for q in questions], even),
        "vanilla_all": _share([(mark, q.cluster) for q in questions for mark in q.marks], even, skipped),
    }


def _share(marks: Sequence[tuple[float | None, str]], chance: float | None, missing: str = "") -> Statistic:
    """Return the mean of the known marks as a percentage, or no number if `missing` gives a reason."""
    if missing:
        return Statistic(100.0, None, reason=missing)
    known = [(mark, cluster) for mark, cluster in marks if mark is not None]
    mean = Mean([mark for mark, _ in known], [cluster for _, cluster in known])
    reason = "no answer has a mark; the file may lack the answers, which are public today" if marks else "no question"
    return percent(mean, None if chance is None else 100.0 * chance, reason)


def remarks(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Report what CircularEval takes away and which letters were answered."""
    questions = circular.questions(records, scores)
    sentences = [] if circular.incomplete(questions) else _dropped(questions)
    if lacking := [question for question in questions if "turns" in question.records[0].tags]:
        count = part_of(len(lacking), len(questions), "question", "has", "have")
        sentences.append(
            f"{count} fewer rotations than options (53 of 1,176 "
            "in dev's first release, 2023-07-12). They are scored on the rotations that they have, as in the "
            "benchmark's tool."
        )
    if not any(record.category or "ability" in record.tags for record in records):
        sentences.append("The table has no column category, so no ability has a number.")
    if letters := choices.histogram(records, scores):
        sentences.append(f"Letters answered: {letters}.")
    categories = {record.category for record in records}
    if categories <= set(_ABILITY_OF_LEAF) and (absent := sorted(set(_ABILITY_OF_LEAF) - categories)):
        sentences.append(f"No question of {len(absent)} of the twenty leaf abilities: {', '.join(absent)}.")
    return sentences


def _dropped(questions: Sequence[Question]) -> list[str]:
    marks = [(q.first, q.hit) for q in questions if q.first is not None and q.hit is not None]
    if not marks:
        return []
    first, every = (100 * sum(column) / len(marks) for column in zip(*marks, strict=True))
    sentences = [
        f"{first:.1f}% of the questions are right in the first pass, {every:.1f}% in every rotation: "
        f"{first - every:.1f} points are lost when the options change places."
    ]
    hits = {split: [q.hit for q in part if q.hit is not None] for split, part in _splits(questions).items()}
    shares = [f"{split} {100 * sum(part) / len(part):.1f}" for split, part in hits.items() if part]
    return [*sentences, f"CircularEval of each split: {', '.join(shares)}."] if shares else sentences


def _task(name: str, axes: Mapping[str, str], abilities: Sequence[str], leaves: Sequence[str]) -> Task:
    grouped, count = bool(abilities), partial(numbers, [*abilities, *leaves])

    def samples(incomplete: bool, data: str) -> Iterator[Sample]:
        """Yield the questions of a source, all rotations of one question together. Raises InputError."""
        for group in read(data, task.card["hub"], incomplete):
            yield from (sample(grouped, row, [turn.index for turn in group]) for row in group)

    task = Task(
        name=name,
        version=4,
        samples=partial(samples, False),
        prompts={"release": release, "letter": with_letter, "opencompass-2023": opencompass},
        scorers={"official": next(iter(SCORERS.values())), "strict": choices.scorer(strict)},
        metric=count,
        axes=axes,
        totals=WAYS,
        max_new_tokens=32,
        read_predictions=partial(read_predictions, grouped, False),
        readings=SCORERS,
        choice=True,
        remarks=remarks,
    )
    partial_task = replace(
        task, samples=partial(samples, True), read_predictions=partial(read_predictions, grouped, True)
    )
    return replace(task, partial=partial_task)


MMBENCH = _task("mmbench", LABELS, list(ABILITIES), list(_ABILITY_OF_LEAF))
CCBENCH = _task("ccbench", CULTURE, (), list(CULTURE))
