"""NExT-QA: multiple choice about why, how and when things happen in a video, and what it shows (Xiao et al. 2021).

The numbers are those of `eval_mc.py` in doc-doc/NExT-QA, which counts "before" and "after" questions as one kind.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval.data import json_rows, tables, video
from mmeval.data.demonstrations import find
from mmeval.scoring.metrics.groups import by_category, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import known
from mmeval.types import InputError, Parts, Record, Sample, Score

GROUPS = {"C": "Causal", "T": "Temporal", "D": "Descriptive"}
KINDS = {
    "CW": "Why", "CH": "How", "TN": "Before and after", "TC": "When",
    "DC": "Counting", "DL": "Location", "DO": "Other",
}  # fmt: skip
MERGED = {"TP": "TN"}
OPTIONS = ("a0", "a1", "a2", "a3", "a4")
SPLITS = ("test", "val")
"""The first that exists is used. To use the other, name its file."""
PLACES = ("nextqa", "dataset/nextqa", "annotations")
FOLDERS = ("NExTVideo", "videos", "video", "")
_LETTER = re.compile(r"\(?([A-E])\)?[.:]?")


def read(data: str, frames: int, sampler: str) -> Iterator[Sample]:
    """Yield the questions of a split, each after `frames` frames of its video. Raises InputError."""
    path = Path(data)
    folder = path.parent if path.is_file() else path
    csv_files = [path] if path.is_file() else _tables(path)
    if not csv_files:
        raise InputError(f"no data at '{data}': no test.csv or val.csv there; get them from {NEXTQA.card['source']}")
    mapping = find(folder, "map_vid_vidorID.json", PLACES)  # each video's path in VidOR, where the videos come from
    vidor_paths = {} if mapping is None else json_rows.load(mapping)
    if not isinstance(vidor_paths, dict):
        raise InputError(f"{mapping}: not a map from videos to places; download the file again")
    for line in tables.of_file(csv_files[0], folder):
        yield sample(line, folder, vidor_paths, frames, sampler)


def sample(line: tables.TableRow, folder: Path, vidor_paths: Mapping[str, Any], frames: int, sampler: str) -> Sample:
    """Return a row as a question."""
    record, question = _record(line), line.text("question").strip()
    name = record.groups["video"]
    files = dict.fromkeys((f"{vidor_paths.get(name, name)}.mp4", f"{name}.mp4"))
    paths = [path for file in files for path in line.places(file, FOLDERS)]
    pictures, frame_tags = video.frames(folder, paths, line.where, frames, sampler)
    prompt: Parts = (*pictures, question if question.endswith("?") else f"{question}?")
    options, tags = tuple((option,) for option in record.choices), {"type": line.text("type"), **frame_tags}
    return Sample(record.id, prompt, record.targets, options, groups=record.groups, category=record.category, tags=tags)


def _tables(*folders: Path) -> list[Path]:
    return [path for split in SPLITS for folder in folders if (path := find(folder, f"{split}.csv", PLACES))]


def _id(line: tables.TableRow) -> str:
    return f"{line.text('video')}_{line.text('qid')}"


def _record(line: tables.TableRow) -> Record:
    """Return a row as a record without the question's text."""
    name, answer, kind = line.text("video"), line.text("answer"), line.text("type")
    if answer not in list("01234"):
        raise InputError(f"{line.where}: the answer is '{answer[:40]}'; it must be the index of an option, 0 to 4")
    known(line, "type", kind, [*KINDS, *MERGED])
    options = tuple(line.text(option) for option in OPTIONS)
    right, kind = choices.letter(int(answer)), MERGED.get(kind, kind)
    return Record(_id(line), (right,), kind, {"video": name}, choices=options)


def chosen(text: str, options: Sequence[str]) -> str | None:
    """Return the option whose letter or text is the whole answer, because the script compares whole options."""
    answer = text.strip()
    match = _LETTER.fullmatch(answer)
    if match and match[1] in choices.LETTERS[: len(options)]:
        return match[1]
    matching = [letter for letter, option in choices.texts(options) if option == answer]
    return matching[0] if len(matching) == 1 else None


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy overall, for the three groups and for the kinds in the data, clustered by video."""
    result = {"overall": percent(share(records, scores, "video"), guessing(records))}
    grouped = parts_by(lambda record: record.category[:1], records, scores)
    for group, label in GROUPS.items():
        part = grouped[group]
        result[group] = percent(share(*part, "video"), guessing(part[0]), f"no {label.lower()} question has an answer")
    present = {record.category for record in records}
    return {**result, **by_category(records, scores, [kind for kind in KINDS if kind in present], "video")}


def read_predictions(path: str) -> list[Record]:
    """Read the script's file, `{"VIDEO_QID": {"prediction": 0, "answer": 3}, ...}`, and the split's csv next to it.

    In the authors' repository they are in `results` and `dataset/nextqa`. Raises InputError for a question without a
    prediction (the script fails, too) and for an answer that differs from the csv's.
    """
    answers, folder = json_rows.load_once(Path(path)), Path(path).parent
    if not isinstance(answers, dict) or not all(isinstance(values, dict) for values in answers.values()):
        raise InputError(f'{path}: not a map of questions; write {{"VIDEO_QID": {{"prediction": 0, "answer": 3}}}}')
    parent = folder.parent if folder.name == "results" else folder
    for table in _tables(folder, parent):
        lines = list(tables.of_file(table, table.parent))
        if any(_id(line) in answers for line in lines):
            return [_predicted(line, answers, path) for line in lines]
    raise InputError(f"{path}: no test.csv or val.csv with its questions next to it; put it there")


def _predicted(line: tables.TableRow, answers: Mapping[str, Mapping[str, Any]], path: str) -> Record:
    record, answer = _record(line), int(line.text("answer"))
    if record.id not in answers:
        raise InputError(f"{path}: no prediction for question {record.id} of {line.where}; add it")
    entry = answers[record.id]
    prediction, where = entry.get("prediction"), f"{path}, {record.id}"
    if type(prediction) is not int or prediction not in range(len(OPTIONS)):
        raise InputError(f"{where}: the prediction is {prediction!r:.40}; it must be the index of an option")
    if entry.get("answer", answer) != answer:
        raise InputError(f"{where}: its answer is {entry['answer']!r:.40}, but {answer} in {line.where}")
    return replace(record, text=choices.letter(prediction))


OFFICIAL = choices.scorer(chosen)
NEXTQA = Task(
    name="nextqa",
    version=4,
    samples=lambda data: read(data, video.FRAMES, video.SAMPLER),
    video=read,
    prompts={
        "letter": lambda sample: choices.lettered(sample.prompt, sample.choices),
        "bare": lambda sample: sample.prompt,
    },
    scorers={"official": OFFICIAL, "strict": choices.scorer(strict)},
    metric=numbers,
    axes=GROUPS,
    totals={"overall": "All"},
    read_predictions=read_predictions,
    readings={"nextqa": OFFICIAL},
    choice=True,
    remarks=video.shown,
)
"""The benchmark was made for models that choose an option, so it has no prompt of its own. `bare` shows no options."""
