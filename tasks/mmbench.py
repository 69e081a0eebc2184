"""MMBench and CCBench: multiple choice, each question asked once for each turn of its options (arXiv 2307.06281).

CircularEval counts a question that is right at every turn, VanillaEval one that is right as it stands. Twenty leaf
abilities make six: a number is the share of the questions in it, never a mean of shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mmeval.data import mmbench, mmbench_predictions
from mmeval.data.mmbench import MMBenchRow
from mmeval.scoring.metrics import circular
from mmeval.scoring.metrics.circular import GROUP, Question
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.public import READINGS
from mmeval.scoring.readings.strict import strict
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Metric, Task
from mmeval.types import InputError, Parts, Record, Sample, Score, nearest

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


def samples(task: str, incomplete: bool, data: str) -> Iterator[Sample]:
    """The questions of a source, all turns of one together. Raises InputError."""
    lines = mmbench.lines(data, _TASKS[task].card["hub"])
    for group in mmbench.questions(lines, partial=incomplete):
        first = group[0].index != group[0].question  # of a question that lacks its first pass, turn 1 comes first
        yield from (sample(task, row, turn, len(group)) for turn, row in enumerate(group, start=int(first)))


def sample(task: str, row: MMBenchRow, turn: int, turns: int) -> Sample:
    """A turn of a question; `turn` is 0 where the options stand as in the first pass."""
    tags = {name: row.cells[name] for name in _KEPT if row.cells.get(name)}
    tags |= {"question": row.cells["question"]}
    if row.index != row.question:
        tags["turn"] = str(turn)
    if turns != len(row.options):
        tags["turns"] = str(turns)
    if task == "mmbench":
        tags["ability"] = ability(row.cells.get("l2-category", ""), row.cells["category"], row.where)
    elif row.cells["category"] in _OF_LEAF:
        raise InputError(f"{row.where}: '{row.cells['category']}' is an ability of MMBench; say --task mmbench")
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
    """The abbreviation of the ability: by its own column, or by the leaf's. Raises InputError for an unknown one."""
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
    """As MMBench's readme and VLMEvalKit ask: a blank before the last line break, and no word of letters."""
    picture, question = sample.prompt
    hint = f"Hint: {sample.tags['hint']}\n" if "hint" in sample.tags else ""
    end = "Please select the correct answer from the options above. \n"
    return choices.merged([(picture,), f"{hint}Question: {question}\nOptions:\n", choices.listed(sample.choices), end])


def opencompass(sample: Sample) -> Parts:
    """As the authors' tool of 2023 asked InstructBLIP, without its example and its chat marks."""
    picture, question = sample.prompt
    text = f" {sample.tags.get('hint', '')} {question} There are several options:\n"
    return choices.merged([(picture,), text, choices.listed(sample.choices), " "])


def with_letter(sample: Sample) -> Parts:
    """Asks for the letter, so that less depends on how answers are read."""
    picture, question = sample.prompt
    hint = f"{sample.tags['hint']}\n" if "hint" in sample.tags else ""
    end = "Answer with the option's letter from the given choices directly."
    return choices.merged([(picture,), f"{hint}{question}\n", choices.listed(sample.choices), end])


def metric(abilities: Mapping[str, object], leaves: Sequence[str]) -> Metric:
    """Every way of counting, overall, by ability and leaf; where there are two splits, of each of them, too."""

    def sum_up(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
        found = circular.questions(records, scores)
        names = [*abilities, *leaves]
        numbers = _numbers(found, "", names)
        for split, part in _splits(found).items():
            numbers |= _numbers(part, f"{split}/", names)
        return numbers

    return sum_up


def _splits(found: Sequence[Question]) -> dict[str, list[Question]]:
    """The questions of each split, where there are two or more."""
    parts: dict[str, list[Question]] = {}
    for question in found:
        if "split" in question.records[0].tags:
            parts.setdefault(question.records[0].tags["split"], []).append(question)
    return dict(sorted(parts.items())) if len(parts) > 1 else {}


def _numbers(found: Sequence[Question], prefix: str, names: Sequence[str]) -> dict[str, Statistic]:
    """`circular`, `vanilla`, `CP`, `vanilla/CP`, ...: CircularEval is what is meant where nothing is said."""
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
    """Of 100, of those marks that there are."""
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
    """What CircularEval takes away, and which letters were answered."""
    found = circular.questions(records, scores)
    said = [] if circular.incomplete(found) else _dropped(found)
    if letters := choices.histogram(records, scores):
        said.append(f"Letters answered: {letters}.")
    categories = {record.category for record in records}
    if categories <= set(_OF_LEAF) and (absent := sorted(set(_OF_LEAF) - categories)):
        said.append(f"No question of {len(absent)} of the twenty leaf abilities: {', '.join(absent)}.")
    return said


def _dropped(found: Sequence[Question]) -> list[str]:
    marks = [(q.first, q.hit) for q in found if q.first is not None and q.hit is not None]
    if not marks:
        return []
    one, every = (100 * sum(column) / len(marks) for column in zip(*marks, strict=True))
    said = [
        f"Right as asked first: {one:.1f} of 100 questions; right at every turn: {every:.1f}. "
        f"The difference, {one - every:.1f}, are right answers that did not survive another order of the options."
    ]
    hits = {split: [q.hit for q in part if q.hit is not None] for split, part in _splits(found).items()}
    shares = [f"{split} {100 * sum(part) / len(part):.1f}" for split, part in hits.items() if part]
    return [*said, f"CircularEval of each split: {', '.join(shares)}."] if shares else said


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
        read_predictions=partial(mmbench_predictions.records, ability=ability if abilities else None),
        readings=READINGS,
        remarks=remarks,
    )
    counted = replace(
        whole,
        samples=partial(samples, name, True),
        read_predictions=partial(mmbench_predictions.records, ability=ability if abilities else None, partial=True),
    )
    return replace(whole, partial=counted)


MMBENCH = _task("mmbench", LABELS, ABILITIES, list(_OF_LEAF))
CCBENCH = _task("ccbench", CULTURE, {}, list(CULTURE))
_TASKS = {"mmbench": MMBENCH, "ccbench": CCBENCH}
