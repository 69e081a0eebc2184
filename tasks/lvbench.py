"""LVBench: questions about videos of half an hour to two hours, multiple choice (Wang et al. 2024, 2406.08035).

The rules are those of `lvbench` in THUDM/LVBench (f998d95): a question may be of several types, and counts in each.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import tables, video
from mmeval.scoring.metrics.groups import guessing, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending, file, known, right_letter
from mmeval.types import Image, InputError, Record, Sample, Score

TYPES = {
    "entity recognition": "Entity recognition", "event understanding": "Event understanding",
    "key information retrieval": "Key information retrieval", "temporal grounding": "Temporal grounding",
    "reasoning": "Reasoning", "summarization": "Summarization",
}  # fmt: skip
TABLES = ("video_info.meta.jsonl", "train-00000-of-00001.parquet")
"""The authors' file, with one video per row, and that of lmms-lab's copy on the hub, with one question per row."""
FOLDERS = ("videos", "all_videos", "scripts/videos", "")
OPTIONS = "ABCD"
"""The letters of the options, which the question lists."""
SEVERAL = "types of the question"
"""The tag with the types, one on a line."""


def watch(data: str, frames: int, sampler: str) -> Iterator[Sample]:
    """Yield the questions, each after `frames` frames of its video. Raises InputError."""
    path = Path(data) if Path(data).is_file() else file(LVBENCH, data, TABLES, ("data",), "the videos")
    folder = Path(data) if Path(data).is_dir() else path.parent
    for line in tables.of_file(path, folder):
        places = line.places(f"{line.text('key')}.mp4", FOLDERS)
        for row in questions(line):
            pictures, tags = video.frames(folder, places, row.where, frames, sampler)
            yield sample(row, line.text("key"), pictures, tags)


def questions(line: tables.TableRow) -> Sequence[tables.TableRow]:
    """Return the questions of a row: those in its column `qa`, or the row itself."""
    if "qa" not in line.values:
        return [line]
    items = line.value("qa")
    if not isinstance(items, list) or not all(isinstance(values, dict) for values in items):
        raise InputError(f"{line.where}: the column qa is not a list of questions; download the file again")
    wheres = (f"{line.where}, question {number}" for number in range(1, len(items) + 1))
    return [tables.TableRow(values, where, line.folder) for values, where in zip(items, wheres, strict=True)]


def sample(row: tables.TableRow, key: str, pictures: Sequence[Image], tags: dict[str, str]) -> Sample:
    """Return a question about the video with that key, after its frames.

    The question lists its options, except in a table with a column of them, whose options lmms-eval (75571cf) adds.
    """
    types = [known(row, "type", kind, TYPES) for kind in row.texts("question_type")]
    options = row.texts("options") if "options" in row.values and row.unpacked("options") else []
    listed = "".join(f"\n({letter}) {option}" for letter, option in choices.texts(options))
    return Sample(
        row.text("uid"),
        (*pictures, f"{row.text('question')}{listed}"),
        (right_letter(row, row.text("answer"), OPTIONS),),
        tuple((letter,) for letter in OPTIONS),
        groups={"video": key},
        category=types[0],
        tags={**tags, SEVERAL: "\n".join(types)},
    )


def polished(text: str, options: Sequence[str]) -> str | None:
    """Read as `polish_answer`: the first character, after the first "(" if there is one before the first ")"."""
    text = text.strip().split(")")[0].strip()
    if "(" in text:
        text = text.split("(")[1].strip()
    return text[:1] if text[:1] in (*OPTIONS,) else None


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy overall and of the questions of each type, clustered by video."""
    result = {"overall": percent(share(records, scores, "video"), guessing(records))}
    for name in TYPES:
        pairs = [pair for pair in zip(records, scores, strict=True) if name in pair[0].tags[SEVERAL].split("\n")]
        type_records, type_scores = [record for record, _ in pairs], [score for _, score in pairs]
        result[name] = percent(
            share(type_records, type_scores, "video"), guessing(type_records), "no question of this type has an answer"
        )
    return result


OFFICIAL = letters.as_is(polished)
LVBENCH = Task(
    name="lvbench",
    samples=lambda data: watch(data, video.FRAMES, video.SAMPLER),
    video=watch,
    prompts={"lmms-eval": ending("\nAnswer the question with the option letter")},
    scorers={"official": OFFICIAL, "strict": choices.scorer(strict)},
    metric=numbers,
    axes=TYPES,
    totals={"overall": "Overall"},
    readings={"lvbench": OFFICIAL},
    choice=True,
    remarks=video.shown,
)
"""The authors publish no prompt; the question lists its options."""
