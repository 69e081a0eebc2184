"""MSVD-QA, MSRVTT-QA and iVQA: short answers to questions about a video, shown as a number of frames.

Xu et al. 2017 (ACM Multimedia; xudejing/video-question-answering) and Yang et al. 2021 (arXiv 2012.00451;
antoyang/just-ask). Their scripts, `run_gra.py` and `train_videoqa.py`, compare whole answers.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mmeval import regular
from mmeval.data import tables, video, video_qa
from mmeval.data.demonstrations import find
from mmeval.data.video_qa import VideoQuestion
from mmeval.scoring.metrics.groups import by_category, percent, share
from mmeval.scoring.readings import short
from mmeval.task import Numbers, Task
from mmeval.tasks import shared
from mmeval.types import InputError, Parts, Record, Sample, Score, plural

KINDS = {"what": "What", "who": "Who", "how": "How", "when": "When", "where": "Where"}
"""First words of a question; the authors of MSVD-QA and MSRVTT-QA report numbers for each."""
FOLDERS = ("video", "videos", "TestVideo", "TrainValVideo", "videos/all", "YouTubeClips", "")
"""Places in the data folder where the videos may be."""
PLACES = ("annotations", "annotation", "qa")
"""Places where the question files may be, in addition to the folder itself."""
PEOPLE = 5
"""Number of people who answered each question of iVQA."""

Reader = Callable[[tables.TableRow, int], VideoQuestion]
"""Reads a row, given its line number."""


def msvd(folder: Path) -> Reader:
    """Read questions about `vid12.avi`, the authors' name for a video, or its name in YouTubeClips.

    A line of the mapping is the YouTubeClips name and `vid12`.
    """
    path = find(folder, "youtube_mapping.txt", PLACES)
    text = "" if path is None else regular.read_bytes(path).decode("utf-8", "backslashreplace")
    pairs = (line.rpartition(" ") for line in text.splitlines())
    names = {number.strip(): name.strip() for name, _, number in pairs}

    def question(line: tables.TableRow, number: int) -> VideoQuestion:
        result = video_qa.question(line, number, "vid", ".avi")
        alias = names.get(result.video)
        return result if alias is None else replace(result, files=(*result.files, f"{alias}.avi"))

    return question


def msrvtt(folder: Path) -> Reader:
    """Read questions about `video7010.mp4`."""
    return lambda line, number: video_qa.question(line, number, "video", ".mp4")


def ivqa(folder: Path) -> Reader:
    """Read questions about `ID_START_END.webm` (seconds of a HowTo100M video), each answered by five people."""

    def question(line: tables.TableRow, number: int) -> VideoQuestion:
        name = line.text("video_id")
        part = f"{name}_{line.text('start')}_{line.text('end')}"
        files = tuple(f"{part}{suffix}" for suffix in (".webm", ".mp4", ".mkv"))
        columns = [column for column in line.values if re.fullmatch(r"answer\d+", column)]
        answers = tuple(text for column in columns if (text := line.cell(column).strip()))
        if len(answers) != PEOPLE:
            problem = f"{plural(len(answers), 'answer')} instead of {PEOPLE}"
            raise InputError(f"{line.where}: {problem}; download the file again")
        id = line.cell("id", required=False) or str(number)
        return VideoQuestion(id, name, files, line.text("question").strip(), answers)

    return question


def instructblip(sample: Sample) -> Parts:
    """Ask with InstructBLIP's wording for questions about videos."""
    *pictures, question = sample.prompt
    return (*pictures, f"Question: {question} Short Answer:")


def mmicl(sample: Sample) -> Parts:
    """Ask as MMICL's data does (MIC_tool's msrvttqa template, typos fixed). The context introduces the pictures."""
    *pictures, question = sample.prompt
    task = "Watch the provided images carefully and answer the following question briefly based on your understanding"
    return (*pictures, f"{task} of the images content. Question: {question}")


def numbers(kinds: Mapping[str, str], records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy overall and, if the authors report it, by first word of the question; clustered by video."""
    by_kind = by_category(records, scores, list(kinds), "video", lambda records: None) if kinds else {}
    return {"overall": percent(share(records, scores, "video"), None), **by_kind}


def _task(
    name: str, files: Sequence[str], reader: Callable[[Path], Reader], kinds: Mapping[str, str], people: int
) -> Task:
    def watch(data: str, frames: int, sampler: str) -> Iterator[Sample]:
        """Yield the test questions, each after `frames` frames of its video. Raises InputError."""
        path, folder = shared.file(task, data, files, PLACES, "the videos"), Path(data)
        read_row = reader(folder)
        for number, line in enumerate(tables.of_file(path, folder), start=1):
            question = read_row(line, number)
            paths = [path for file in question.files for path in line.places(file, FOLDERS)]
            pictures, tags = video.frames(folder, paths, line.where, frames, sampler)
            first, groups = question.asked.split()[0].lower(), {"video": question.video}
            kind = first if first in KINDS else "other"
            yield Sample(
                question.id, (*pictures, question.asked), question.answers, groups=groups, category=kind, tags=tags
            )

    scorers = {
        "official": short.agreed(people, str.strip, str.strip),
        "strict": short.agreed(people, short.extract, short.normal),
    }
    task = Task(
        name=name,
        version=2,
        samples=lambda data: watch(data, video.FRAMES, video.SAMPLER),
        video=watch,
        prompts={"instructblip": instructblip, "mmicl": mmicl},
        scorers=scorers,
        metric=partial(numbers, kinds),
        axes=kinds or {"overall": "Accuracy"},
        totals={"overall": "All"} if kinds else {},
        remarks=video.shown,
    )
    return task


_FILES = ("test_qa.json", "qa_test.json")
"""The authors' file name and that of LAVIS's copy."""
MSVD_QA = _task("msvd-qa", _FILES, msvd, KINDS, 1)
MSRVTT_QA = _task("msrvtt-qa", _FILES, msrvtt, KINDS, 1)
IVQA = _task("ivqa", ("test.csv",), ivqa, {}, 2)
