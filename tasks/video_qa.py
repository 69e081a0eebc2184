"""MSVD-QA, MSRVTT-QA and iVQA: a short answer to a question about a video, of which some frames are shown.

Xu et al. 2017 (ACM Multimedia; xudejing/video-question-answering) and Yang et al. 2021 (arXiv 2012.00451;
antoyang/just-ask), whose scripts compare answers whole: `run_gra.py`, `train_videoqa.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from mmeval.data import lines, video
from mmeval.data.demonstrations import find
from mmeval.data.lines import TableRow
from mmeval.scoring.metrics.groups import by_category, percent, share
from mmeval.scoring.metrics.vqa import normalised
from mmeval.scoring.readings import short
from mmeval.scoring.readings.yesno import refuses
from mmeval.scoring.statistics import Statistic
from mmeval.task import Scorer, Task
from mmeval.tasks import few_shot
from mmeval.types import InputError, Parts, Record, Sample, Score

KINDS = {"what": "What", "who": "Who", "how": "How", "when": "When", "where": "Where"}
"""First words, by which the authors of MSVD-QA and MSRVTT-QA split their numbers."""
FOLDERS = ("video", "videos", "TestVideo", "TrainValVideo", "videos/all", "YouTubeClips", "")
"""Where in the data's folder the videos may be, whoever unpacked them."""
PLACES = ("annotations", "annotation", "qa")
"""Where the files of questions may be, beside the folder itself."""
MAPPING = "youtube_mapping.txt"
"""A line a video of MSVD: what it is called in YouTubeClips, and its number, as in `vid12`."""
PEOPLE = 5
"""Who answered each question of iVQA."""

About = Callable[[TableRow], tuple[str, list[str]]]
"""The name of the video that a row is about, and of the files that it may be."""


def msvd(folder: Path) -> About:
    """`vid12.avi`, as the authors renamed the videos, or what the mapping says it was called."""
    path = find(folder, MAPPING, PLACES)
    text = "" if path is None else path.read_bytes().decode("utf-8", "backslashreplace")
    pairs = (line.rpartition(" ") for line in text.splitlines())
    called = {number.strip(): name.strip() for name, _, number in pairs}

    def about(line: TableRow) -> tuple[str, list[str]]:
        name = f"vid{_number(line)}"
        return name, [f"{name}.avi", *([f"{called[name]}.avi"] if name in called else [])]

    return about


def msrvtt(folder: Path) -> About:
    """`video7010.mp4`."""

    def about(line: TableRow) -> tuple[str, list[str]]:
        name = f"video{_number(line)}"
        return name, [f"{name}.mp4"]

    return about


def ivqa(folder: Path) -> About:
    """`ID_START_END.webm`: the part of a video of HowTo100M, in seconds. Questions about one video go together."""

    def about(line: TableRow) -> tuple[str, list[str]]:
        name = line.text("video_id")
        part = f"{name}_{line.text('start')}_{line.text('end')}"
        return name, [f"{part}{suffix}" for suffix in (".webm", ".mp4", ".mkv")]

    return about


def _number(line: TableRow) -> str:
    """The video's number; LAVIS's copy has the name of its file in place of it."""
    if "video" in line.values and "video_id" not in line.values:
        return Path(line.text("video")).stem.removeprefix("video").removeprefix("vid")
    number = line.text("video_id")
    if not number.isdecimal():
        raise InputError(f"{line.where}: the video_id is '{number[:40]}'; it must be a number; get the file again")
    return number


def one_answer(line: TableRow) -> tuple[str, ...]:
    """The answer."""
    return (line.text("answer"),)


def five_answers(line: TableRow) -> tuple[str, ...]:
    """Those of `answer1` to `answer5`. Raises InputError for more and for fewer."""
    named = [name for name in line.values if name.removeprefix("answer").isdecimal() and name.startswith("answer")]
    said = tuple(text for name in named if (text := str(line.value(name) or "").strip()))
    if len(said) != PEOPLE:
        raise InputError(f"{line.where}: {len(said)} answers and not {PEOPLE}; get the file again")
    return said


def read(
    task: Task,
    files: Sequence[str],
    videos: Callable[[Path], About],
    answers: Callable[[TableRow], tuple[str, ...]],
    data: str,
    frames: int,
    sampler: str,
) -> Iterator[Sample]:
    """The questions of test, each after so many frames of its video. Raises InputError."""
    source = str(task.card["source"])
    folder = few_shot.folder(task.name, data, f"{files[0]} and the videos", source)
    paths = [path for name in files if (path := find(folder, name, PLACES)) is not None]
    if not paths:
        raise InputError(f"{folder}: no {files[0]} in it; get it from {source}")
    about = videos(folder)
    for number, line in enumerate(lines.of_file(paths[0], folder), start=1):
        name, called = about(line)
        places = [f"{place}/{file}" if place else file for file in called for place in FOLDERS]
        shown, how = video.frames(folder, places, line.where, frames, sampler)
        asked = line.text("question").strip()
        first = asked.split()[0].lower()
        yield Sample(
            id=str(line.values.get("id", number)),
            prompt=(*shown, asked),
            targets=answers(line),
            groups={"video": name},
            category=first if first in KINDS else "other",
            tags=how,
        )


def instructblip(sample: Sample) -> Parts:
    """InstructBLIP's words for questions about videos."""
    *shown, asked = sample.prompt
    return (*shown, f"Question: {asked} Short Answer:")


def mmicl(sample: Sample) -> Parts:
    """As MMICL's data asks (MIC_tool's msrvttqa template, spelt right); pictures are introduced by the context."""
    *shown, asked = sample.prompt
    told = "Watch the provided images carefully and answer the following question briefly based on your understanding"
    return (*shown, f"{told} of the images content. Question: {asked}")


def agreed(people: int, said: Callable[[str], str], reference: Callable[[str], str]) -> Scorer:
    """Full marks where so many gave that answer, a part of them for fewer; an empty answer is unparsed."""

    def judge(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        answer = said(record.text)
        if not answer:
            return Score(0.0, "unparsed")
        same = sum(reference(target) == answer for target in record.targets)
        if same:
            return Score(min(same / people, 1.0), "correct", answer)
        return Score(0.0, "refused" if refuses(record.text) else "incorrect", answer)

    return judge


def numbers(kinds: Mapping[str, str], records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """All, and by the first word of the question where the authors did; clustered by video."""
    split = by_category(records, scores, list(kinds), "video", lambda own: None) if kinds else {}
    return {"overall": percent(share(records, scores, "video"), None), **split}


def _task(
    name: str,
    files: Sequence[str],
    videos: Callable[[Path], About],
    answers: Callable[[TableRow], tuple[str, ...]],
    kinds: Mapping[str, str],
    people: int,
) -> Task:
    def watch(data: str, frames: int, sampler: str) -> Iterator[Sample]:
        return read(task, files, videos, answers, data, frames, sampler)

    scorers = {
        "official": agreed(people, str.strip, str.strip),
        "strict": agreed(people, short.extract, normalised),
    }
    task = Task(
        name=name,
        version=1,
        samples=lambda data: watch(data, video.FRAMES, video.SAMPLER),
        video=watch,
        frames=video.FRAMES,
        sampler=video.SAMPLER,
        prompts={"instructblip": instructblip, "mmicl": mmicl},
        scorers=scorers,
        metrics=dict.fromkeys(scorers, partial(numbers, kinds)),
        axes=kinds or {"overall": "Accuracy"},
        totals={"overall": "All"} if kinds else {},
        remarks=video.shown,
    )
    return task


_FILES = ("test_qa.json", "qa_test.json")
"""The authors' name, and that of LAVIS's copy."""
MSVD_QA = _task("msvd-qa", _FILES, msvd, one_answer, KINDS, 1)
MSRVTT_QA = _task("msrvtt-qa", _FILES, msrvtt, one_answer, KINDS, 1)
IVQA = _task("ivqa", ("test.csv",), ivqa, five_answers, {}, 2)
