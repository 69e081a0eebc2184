"""Charades-STA: when what a sentence says happens in a video (Gao et al. 2017, 1705.02101, on Charades' videos).

The official reading and its prompt are lmms-eval's (`charades_sta/utils.py` at 75571cf). As there, rows with the same
video, sentence and times count once.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mmeval.data import files, tables, video
from mmeval.scoring.metrics.groups import percent
from mmeval.scoring.readings import moments
from mmeval.scoring.readings.choices import unanswered
from mmeval.scoring.readings.yesno import refuses
from mmeval.scoring.statistics import Mean
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import around, file
from mmeval.types import Image, InputError, Record, Sample, Score

TABLES = ("charades_sta_test.txt", "test-00000-of-00001.parquet")
"""The authors' file, and the table of lmms-eval's copy on the hub, whose times are rounded to half precision."""
FOLDERS = ("Charades_v1_480", "Charades_v1", "videos", "")
ENOUGH = {"R1@0.3": 0.3, "R1@0.5": 0.5, "R1@0.7": 0.7}
"""Metric -> the intersection over union from which a moment is right."""
ASK = (
    "Please find the visual event described by a sentence in the video, determining its starting and ending times. The "
    "format should be: 'The event happens in the start time - end time'. For example, The event 'person turn a light "
    "on' happens in the 24.3 - 30.4 seonds. Now I will give you the textual sentence: "
)


def watch(data: str, frames: int, sampler: str) -> Iterator[Sample]:
    """Yield the questions, each after `frames` frames of its video. Raises InputError."""
    path = Path(data) if Path(data).is_file() else file(CHARADES_STA, data, TABLES, ("data",), "the videos")
    folder = Path(data) if Path(data).is_dir() else path.parent
    counts: Counter[str] = Counter()
    for line in _text_rows(path, folder) if path.suffix == ".txt" else tables.of_file(path, folder):
        name = line.text("video")
        counts[name] += 1
        pictures, tags = video.frames(folder, line.places(name, FOLDERS), line.where, frames, sampler)
        yield sample(line, f"{Path(name).stem}/{counts[name]}", pictures, tags)


def _text_rows(path: Path, folder: Path) -> Iterator[tables.TableRow]:
    """Yield the rows of the authors' file, such as `3MSZA 24.3 30.4##person turn a light on.`"""
    for number, line in enumerate(files.text(path).splitlines(), 1):
        if (match := re.fullmatch(r"(\w+) ([\d.]+) ([\d.]+)##(.*?)\.?\s*", line)) is None:
            where = f"{path}, line {number}"
            raise InputError(f"{where}: not a video, two times, ## and a sentence; download the file again")
        name, start, end, sentence = match.groups()
        values = {"video": f"{name}.mp4", "caption": sentence, "timestamp": [start, end]}
        yield tables.TableRow(values, f"{path}, line {number}", folder, path)


def sample(line: tables.TableRow, name: str, pictures: Sequence[Image], tags: dict[str, str]) -> Sample:
    """Return a row as a question."""
    try:
        start, end = map(float, line.value("timestamp"))
    except (TypeError, ValueError):
        start = end = -1.0
    if not (min(start, end) >= 0 and max(start, end) < 1e6):
        raise InputError(f"{line.where}: the timestamp is {line.value('timestamp')!r:.60}; it must be two times")
    caption = line.text("caption")
    target = f"{start} - {end}"  # as models answer: what a constant answer scores is computed from the targets
    return Sample(
        name,
        (*pictures, caption),
        (target,),
        groups={"video": line.text("video")},
        tags={**tags, "row": f"{caption}\n{target}"},
    )


def overlapping(read: moments.MomentReader) -> Callable[[Record], Score]:
    """Return the scorer whose value is the IoU with the target interval; correct at 0.5 or more."""

    def score(record: Record) -> Score:
        if record.text is None or not record.targets:
            return unanswered(record)
        try:
            start, end = map(float, record.targets[0].split(" - "))
        except ValueError as error:
            raise InputError(f"record {record.id}: its target is not two times; restore the file") from error
        if (interval := read(record.text)) is None:
            return Score(0.0, "refused" if refuses(record.text) else "unparsed")
        value = moments.overlap((start, end), interval)
        return Score(
            value, "correct" if value >= ENOUGH["R1@0.5"] else "incorrect", f"{interval[0]:g} - {interval[1]:g}"
        )

    return score


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the share of answers with enough overlap, for each threshold, and the mean overlap."""
    pairs = zip(records, scores, strict=True)
    overlaps = {
        (record.groups["video"], record.tags["row"]): score.value for record, score in pairs if score.value is not None
    }
    videos, values = [name for name, _ in overlaps], [*overlaps.values()]
    of_threshold = {name: [float(value >= threshold) for value in values] for name, threshold in ENOUGH.items()}
    return {name: percent(Mean(marks, videos), None) for name, marks in (of_threshold | {"mIoU": values}).items()}


CHARADES_STA = Task(
    name="charades-sta",
    samples=lambda data: watch(data, video.FRAMES, video.SAMPLER),
    video=watch,
    prompts={"lmms-eval": around(ASK, ". Please return its start time and end time.")},
    scorers={"official": overlapping(moments.lmms_eval), "strict": overlapping(moments.strict)},
    metric=numbers,
    axes={name: name for name in ENOUGH},
    totals={"mIoU": "mIoU"},
    max_new_tokens=50,
    remarks=video.shown,
)
