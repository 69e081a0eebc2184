"""RefSpatial-Bench and Where2Place: point at a thing, or at free space, that words describe.

Zhou et al. 2025 (2506.04308; Zhoues/RoboRefer at d97a995) and Yuan et al. 2024 (2406.10721; wentaoyuan/RoboPoint at
adbee8d). The score of an answer is the share of its points that are in the region. lmms-eval is at 75571cf.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mmeval.cards.facts import facts
from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, macro, percent, share
from mmeval.scoring.readings import regions
from mmeval.scoring.readings.boxes import SYSTEMS
from mmeval.scoring.readings.overlap import target
from mmeval.scoring.readings.scripts import points
from mmeval.task import Numbers, Prompt, Scorer, Task
from mmeval.tasks.shared import ending, file, image
from mmeval.types import InputError, Parts, Record, Sample, Score

SPLITS = {"location": "Location", "placement": "Placement", "unseen": "Unseen"}


def refspatial(data: str) -> Iterator[Sample]:
    """Yield the questions of the three splits, of the hub, its tables, or its raw folders. Raises InputError."""
    for split, folder in SPLITS.items():
        patterns = (f"data/{split}-*.parquet", f"{split}-*.parquet", f"{folder}/question.json")
        address = {**facts("refspatial-bench")["hub"], "split": split}
        for line in tables.read(data, patterns, address, "refspatial-bench", first=True):
            raw = "rgb_path" in line.values
            yield in_region(
                line,
                f"{split}/{line.text('id')}",
                ("rgb_path", "mask_path") if raw else ("image", "mask"),
                line.text("prompt"),
                split,
                {"object": line.text("object"), "suffix": line.cell("suffix")},
                lambda mask: np.where(mask > 0, np.uint8(255), np.uint8(0)),
            )


def where2place(data: str) -> Iterator[Sample]:
    """Yield the questions, in the order of the file, after which its masks are called. Raises InputError."""
    path = file(WHERE2PLACE, data, ("point_questions.jsonl",), (), "the folders images and masks")
    for number, line in enumerate(tables.of_file(path, Path(data))):
        row = tables.TableRow({**line.values, "mask": f"{number:02d}.jpg"}, line.where, line.folder, line.table)
        yield in_region(row, line.text("question_id"), ("image", "mask"), line.text("text"), "", {}, lambda mask: mask)


def in_region(
    line: tables.TableRow,
    name: str,
    columns: tuple[str, str],
    question: str,
    category: str,
    tags: Mapping[str, str],
    prepared: Callable[[regions.Mask], regions.Mask],
) -> Sample:
    """Return a question whose answers are points in a mask. Its target is the box around the mask, for readers."""
    picture, mask_picture = image(line, columns[0], ("./", "images")), image(line, columns[1], ("./", "masks"))
    mask = prepared(np.asarray(mask_picture.decode())[:, :, 0])
    rows, columns_hit = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not rows.size:
        raise InputError(f"{line.where}: the mask is empty; download the file again")
    height, width = mask.shape
    left, right = int(columns_hit[0]) / width, (int(columns_hit[-1]) + 1) / width
    top, bottom = int(rows[0]) / height, (int(rows[-1]) + 1) / height
    return Sample(
        name,
        (picture, question),
        target((left, top, right, bottom)),
        category=category,
        tags={**tags, **regions.packed(mask)},
    )


def suffixed(sample: Sample) -> Parts:
    """Ask the question with its row's words on the form of an answer."""
    *pictures, question = sample.prompt
    return (*pictures, f"{question} {sample.tags['suffix']}")


def in_json(sample: Sample) -> Parts:
    """Ask for the thing alone, as RoboRefer asks Qwen's models."""
    *pictures, _ = sample.prompt
    return (*pictures, f"Locate {sample.tags['object']} in this image and output the point coordinates in JSON format.")


def numbers(splits: Mapping[str, str], records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the mean mark of all questions and, of several splits, of each. Chance is a random point."""
    overall = {"overall": percent(share(records, scores), regions.covered(records))}
    if not splits:
        return overall
    by_split = by_category(records, scores, [*splits], chance=regions.covered)
    seen = macro({name: by_split[name] for name in ("location", "placement")})
    return {**overall, "mean": seen, **by_split}


STRICT = {system: {"strict": regions.hitting(regions.strict_points(system))} for system in SYSTEMS}
LMMS_EVAL = {"official": points.scored(points.lmms_eval), **STRICT["thousandths"]}


def _task(
    name: str,
    samples: Callable[[str], Iterator[Sample]],
    prompts: Mapping[str, Prompt],
    official: Scorer,
    splits: Mapping[str, str],
) -> Task:
    readings = {name: {"official": official, **STRICT["unit"]}, "lmms-eval": LMMS_EVAL, **STRICT}
    return Task(
        name=name,
        samples=samples,
        prompts=prompts,
        scorers=readings[name],
        metric=partial(numbers, splits),
        axes=splits or {"overall": "Accuracy"},
        totals={"overall": "Overall"} if splits else {},
        details={"mean": "Mean of location and placement"} if splits else {},
        max_new_tokens=256,
        readings={reading: next(iter(scorers.values())) for reading, scorers in readings.items()},
        scorers_by_reading=readings,
        reading_by_prompt={"qwen": "lmms-eval"} if "qwen" in prompts else {},
        constant=("the center", regions.hitting(lambda text, size: [(0.5, 0.5)])),
    )


REFSPATIAL = _task(
    "refspatial-bench", refspatial, {"release": suffixed, "qwen": in_json}, points.scored(points.refspatial), SPLITS
)
WHERE2PLACE = _task("where2place", where2place, {"release": ending("")}, points.scored(points.where2place), {})
