"""RefCOCO, RefCOCO+ and RefCOCOg: the box of the object that a phrase describes (Yu et al. 2016, 1608.00272).

A box is right if its intersection over union with the right one is at least a half. Each split has its own number.
Published numbers of RefCOCO and RefCOCO+ are on UNC's splits, those of RefCOCOg on UMD's.

lmms-eval's `refcoco_grounding` is not offered: it asks for all phrases of an object at once, and keeps whichever of the
answer's boxes, in pixels or in thousandths, is nearest to the right one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from mmeval.data import arrow, files, tables
from mmeval.scoring.metrics.groups import by_category, macro
from mmeval.scoring.readings.boxes import SYSTEMS, Box, lmms_eval_box, strict_box, vlmevalkit_box
from mmeval.scoring.readings.overlap import overlapping, target
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import around, box, image, sized
from mmeval.types import Image, InputError, Record, Sample, Score

SIZES = {
    "refcoco": {"val": 10834, "testA": 5657, "testB": 5095},
    "refcoco-plus": {"val": 10758, "testA": 5726, "testB": 4889},
    "refcocog": {"val": 4896, "test": 9602},
}
"""Benchmark -> split -> its number of phrases."""
LABELS = {"val": "Validation", "test": "Test", "testA": "Test A (people)", "testB": "Test B (other objects)"}
STEMS = {"refcoco": "refcoco", "refcoco-plus": "refcoco+", "refcocog": "refcocog"}
"""Benchmark -> its name in the files of Qwen-VL and, in capitals, in the table of VLMEvalKit."""
FORMS = ("{split}-*.parquet", "data/{split}-*.parquet", "{stem}_{split}.jsonl")
"""Files of a split: lmms-eval's tables, and Qwen-VL's."""
KIT = "RefCOCO.tsv"
"""VLMEvalKit's table of all three benchmarks."""


def samples(name: str, data: str) -> Iterator[Sample]:
    """Yield the questions of a benchmark's splits, one for each phrase. Raises InputError."""
    times: Counter[str] = Counter()
    pictures: dict[str, Image] = {}
    for split, line in _lines(name, data):
        for object_name, phrase, picture, right in _questions(line, pictures):
            times[key := f"{split}/{object_name}"] += 1
            tags = sized(picture.size)
            yield Sample(f"{key}/{times[key]}", (picture, phrase), target(right), category=split, tags=tags)


def _lines(name: str, data: str) -> Iterator[tuple[str, tables.TableRow]]:
    """Yield the rows of each split, from the first of the `FORMS` that exists."""
    splits, path, stem = SIZES[name], Path(data), STEMS[name]
    if data == "hub" or arrow.is_saved(path):
        if data != "hub" and not (saved := arrow.splits(path)):
            raise InputError(f"{path}: a Dataset does not say its split; save the DatasetDict that it is from")
        hub, read = TASKS[name].card["hub"], [split for split in splits if data == "hub" or split in saved]
        for split in read or ["val"]:
            yield from ((split, line) for line in tables.read(data, (), {**hub, "split": split}, name))
        return
    for form in FORMS:
        globs = {split: form.format(split=split, stem=stem) for split in splits}
        if split_files := [(split, file) for split, glob in globs.items() for file in _matching(path, glob)]:
            folder = path.parent if path.is_file() else path
            yield from ((split, line) for split, file in split_files for line in tables.of_file(file, folder))
            return
    known = [*(form.format(split="val", stem=stem) for form in FORMS), KIT]
    if path.is_file() and path.name != KIT:
        raise InputError(f"{path}: its name does not say the split; call it as published, such as {', '.join(known)}")
    by_lower_name = {split.lower(): split for split in splits}
    for line in tables.read(data, known, None, name):
        benchmark, _, split_name = line.text("category").partition(" ")
        if benchmark.lower() != stem:
            continue
        if (split := split_name.lower().replace("-", "").strip()) not in by_lower_name:
            raise InputError(f"{line.where}: unknown split '{split_name[:40]}'; choose from {', '.join(splits)}")
        yield by_lower_name[split], line


def _matching(path: Path, glob: str) -> list[Path]:
    """Return the files of a folder that match, or the path if it is such a file."""
    if path.is_file():
        return [path] if path.match(glob) else []
    return files.glob(path, glob)


def _questions(line: tables.TableRow, pictures: dict[str, Image]) -> Iterator[tuple[str, str, Image, Box]]:
    """Yield each phrase of a row: the name of its object, the phrase, the picture, and the right box in shares.

    `pictures` keeps the pictures that are files, by name.
    """
    if "sent" in line.values:  # Qwen-VL's: edges in pixels
        name = line.text("image").rpartition("/")[2]
        if line.folder is not None and name not in pictures:
            pictures[name] = files.picture(line.folder, f"train2014/{name}", line.where, line.text("image"), name)
        yield name, line.text("sent"), pictures[name], _shares(box(line, "bbox"), pictures[name])
    elif "category" in line.values:  # VLMEvalKit's: the phrase in a prompt, edges in shares
        phrase, right = re.search(r"<ref>(.*)</ref>", line.text("question"), re.DOTALL), box(line, "answer")
        if phrase is None or not all(0 <= edge <= 1 for edge in right):
            raise InputError(f"{line.where}: not a row of {KIT}, with <ref> and a box from 0 to 1; download it again")
        yield line.text("index"), phrase[1], image(line, "image"), right
    else:  # lmms-eval's: sides in pixels, all phrases of an object
        picture = image(line, "image")
        right = _shares(box(line, "bbox", sides=True), picture)
        yield from ((line.text("question_id"), phrase, picture, right) for phrase in line.texts("answer"))


def _shares(edges: Box, picture: Image) -> Box:
    width, height = picture.size
    return edges[0] / width, edges[1] / height, edges[2] / width, edges[3] / height


PROMPTS = {
    "lmms-eval": around(
        "Bounding box coordinates are specified in the format (top-left x, top-left y, bottom-right x, bottom-right y)."
        " All values are floating point numbers bounded between 0 and 1. Please provide the bounding box coordinate of"
        " the region this sentence describes: "
    ),
    "vlmevalkit": around(
        "Please provide the bounding box coordinate of the region this sentence describes: <ref>", "</ref>"
    ),
    "qwen3-vl": around(
        'Locate every object that matches the description "', '" in the image. Report bbox coordinates in JSON format.'
    ),
    "thousandths": around(
        'Where is "',
        '" in the picture? Answer with one box as [left, top, right, bottom], each a whole number from 0 to 1000, where'
        " 1000 is the picture's whole width or height.",
    ),
    "pixels": around(
        'The picture is {width} pixels wide and {height} pixels high. Where is "',
        '" in it? Answer with one box as [left, top, right, bottom], in pixels.',
    ),
}
COORDINATES = {system: {"strict": overlapping(strict_box(system))} for system in SYSTEMS}
READINGS = {
    "lmms-eval": {"official": overlapping(lmms_eval_box), **COORDINATES["unit"]},
    "vlmevalkit": {"official": overlapping(vlmevalkit_box), **COORDINATES["thousandths"]},
    **COORDINATES,
}
"""Reading -> its scorers. VLMEvalKit's prompt names no coordinates; InternVL, whose prompt it is, has thousandths."""


def _task(name: str) -> Task:
    labels = {split: LABELS[split] for split in SIZES[name]}

    def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
        by_split = by_category(records, scores, [*labels], chance=lambda records: None)
        return {"mean": macro({split: by_split[split] for split in labels}), **by_split}

    def remarks(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
        counts = Counter(record.category for record in records)
        return [
            f"{split} has {counts[split]:,} phrases and the published split {size:,}, so the number cannot be compared "
            "with published ones. By its size, val of lmms-eval's tables also holds Google's split."
            for split, size in SIZES[name].items()
            if counts[split] > size
        ]

    return Task(
        name=name,
        samples=partial(samples, name),
        prompts=PROMPTS,
        scorers=READINGS["lmms-eval"],
        metric=numbers,
        axes=labels,
        totals={"mean": "Mean of the splits"},
        max_new_tokens=128,
        readings={reading: next(iter(scorers.values())) for reading, scorers in READINGS.items()},
        scorers_by_reading=READINGS,
        reading_by_prompt={"vlmevalkit": "vlmevalkit", "qwen3-vl": "thousandths", "thousandths": "thousandths"}
        | {"pixels": "pixels"},
        constant=("the whole picture", overlapping(lambda text, size: (0.0, 0.0, 1.0, 1.0))),
        remarks=remarks,
    )


TASKS: Mapping[str, Task] = {name: _task(name) for name in SIZES}
REFCOCO, REFCOCO_PLUS, REFCOCOG = TASKS.values()
