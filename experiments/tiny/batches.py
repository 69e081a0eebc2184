"""Batches of written lessons, made by worker processes while the model trains."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from experiments.tiny.lesson import Answer, Lesson, pictures
from experiments.tiny.pool import Pool
from experiments.tiny.stages import Source, Stage
from experiments.tiny.vocabulary import Vocabulary
from experiments.tiny.writing import Writer, Written
from mmeval.embedded.world.rng import Rng

LENGTHS = (32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 448, 640, 896)
"""Lengths that lessons are padded to; longer lessons are dropped."""
CROWDED = 32
"""Tokens per picture in a batch with the most pictures."""


class Batch(NamedTuple):
    """B lessons of L tokens, with S pictures in all."""

    ids: Tensor
    """[B, L] long, padded on the right."""
    rows: Tensor
    """[B, L] long: the ids, or the vocabulary's size plus a position among the batch's visual tokens."""
    learned: Tensor
    """[B, L] bool: the tokens that the loss counts."""
    claimed: Tensor
    """[B, L] bool: the tokens that it counts with a small weight."""
    pictures: Tensor
    """[S] long: the pictures' rows in the pool, in the order shown."""
    counts: Tensor
    """[B] long: the number of pictures in each lesson."""
    questions: Tensor
    """[B, Q] long, padded with 0: the question for a Q-Former that reads it."""


def collate(
    written: Sequence[Written], vocabulary: Vocabulary, pasted: bool, size: tuple[int, int, int] = (0, 0, 0)
) -> Batch:
    """Pad lessons to one batch, of at least `size` lessons, tokens in each, and pictures.

    `pasted`: whether each lesson's pictures are pasted into one.
    """
    lesson_count, length, picture_count = size
    ids = _padded([lesson.ids for lesson in written], lesson_count, length)
    pictures = [picture for lesson in written for picture in lesson.pictures]
    rows, is_picture = ids.copy(), ids == vocabulary.placeholder
    tokens = is_picture.sum(1)
    first = np.arange(len(ids)) * tokens.max() if pasted else np.cumsum(tokens) - tokens
    rows[is_picture] = (vocabulary.size + first[:, None] + np.cumsum(is_picture, 1) - 1)[is_picture]
    arrays = (
        ids,
        rows,
        _padded([lesson.learned for lesson in written], *ids.shape).astype(bool),
        _padded([lesson.claimed for lesson in written], *ids.shape).astype(bool),
        np.asarray(pictures + [0] * (picture_count - len(pictures)), dtype=np.int64),
        np.asarray([len(lesson.pictures) for lesson in written] + [0] * (len(ids) - len(written)), dtype=np.int64),
        _padded(
            [lesson.question or [0] for lesson in written], len(ids), _rounded(written) if length and pasted else 1
        ),
    )
    return Batch(*map(torch.from_numpy, arrays))


def _rounded(written: Sequence[Written]) -> int:
    """Return one of a few lengths for the questions, so that batches have few shapes."""
    longest = max(len(lesson.question) for lesson in written)
    return next(length for length in LENGTHS if longest <= length)


def _padded(rows: Sequence[Sequence[int]], lessons: int, length: int) -> NDArray[np.int64]:
    padded = np.zeros((max(lessons, len(rows)), max(length, *map(len, rows))), dtype=np.int64)
    for row, values in zip(padded, rows, strict=False):
        row[: len(values)] = values
    return padded


@dataclass
class Lecturer(IterableDataset[Batch]):
    """Yields batches of the current stage's lessons without end, each of lessons of about the same length."""

    stages: Sequence[Stage]
    pool: Pool
    writer: Writer
    tokens: int
    """Tokens of a batch, padding included."""
    most: int
    """Maximum number of lessons in a batch."""
    seed: str
    reads: bool = False
    fixed: bool = False
    """Whether batches of equally long lessons have equal shapes, for CUDA graphs."""

    def __post_init__(self) -> None:
        self.now = multiprocessing.Value("i", 0)
        names = sorted({name for stage in self.stages for name in stage.sources})
        self.positions = {name: index for index, name in enumerate(names)}
        self.factors = multiprocessing.Array("d", [1.0] * len(names), lock=False)

    def weigh(self, right: Mapping[str, float]) -> None:
        """Give sources less often the better their tests are passed; `right` are shares of right lessons."""
        for name in right.keys() & self.positions.keys():
            share = right[name]
            self.factors[self.positions[name]] = min(1.0, max(0.1, 2.5 * (1 - share)))

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        rng = Rng(f"{self.seed} worker {worker.id if worker else 0}")
        while True:
            stage = self.now.value
            waiting: dict[int, list[Written]] = {length: [] for length in LENGTHS}
            sources = self.stages[stage].sources
            names = list(sources)
            while self.now.value == stage:
                weights = [sources[name].weight * self.factors[self.positions[name]] for name in names]
                lesson = self._write(rng, sources[_weighed(rng, names, weights)])
                length = next((length for length in LENGTHS if len(lesson.ids) <= length), None)
                if length is None or not any(lesson.learned):
                    continue
                size = (max(1, min(self.most, self.tokens // length)), length, self.tokens // CROWDED)
                picture_count = sum(len(written.pictures) for written in (*waiting[length], lesson))
                if waiting[length] and (len(waiting[length]) == size[0] or picture_count > size[2]):
                    yield self._batch(waiting[length], size)
                    waiting[length] = []
                waiting[length].append(lesson)

    def _batch(self, written: Sequence[Written], size: tuple[int, int, int]) -> Batch:
        return collate(written, self.writer.vocabulary, self.reads, size if self.fixed else (0, 0, 0))

    def _write(self, rng: Rng, source: Source) -> Written:
        return write(self.writer, source, rng, self.pool, self.reads)


def write(writer: Writer, source: Source, rng: Rng, pool: Pool, reads: bool, tested: bool = False) -> Written:
    """Draw a lesson and write it in one of the source's styles.

    For a Q-Former that `reads` the question, half of the lessons to learn from stop after the first final answer. In
    the other half it reads nothing, and only there do claims count: visual tokens that know the question's words would
    give them away, and the model would no longer judge a claim by what the picture made it expect.
    """
    lesson = source.draw(rng, pool)
    how = rng.pick(source.hows)
    reads_question = reads and (tested or rng.coin())
    if reads_question:
        lesson = _first_question(lesson)
    captions = [pool.shown[picture].plain for picture in pictures(lesson)] if how == "words" else ()
    written = writer.write(lesson, how, captions)
    if reads_question:
        return replace(written, claimed=[False] * len(written.ids))
    return replace(written, question=[])


def _first_question(lesson: Lesson) -> Lesson:
    """Drop everything after the first final answer; a Q-Former reads one question."""
    ends = [index for index, part in enumerate(lesson) if isinstance(part, Answer) and part.end]
    return lesson[: ends[0] + 1] if ends else lesson


def held_out(
    stages: Sequence[Stage], pool: Pool, writer: Writer, count: int, reads: bool
) -> Mapping[str, list[Written]]:
    """Return the same test lessons on every call, by source; only the last answer of each counts."""
    sources = {name: stage.sources[name] for stage in stages for name in stage.tests}
    lessons_by_source = {}
    for name, source in sources.items():
        lessons = (write(writer, source, Rng(f"test {name} {seed}"), pool, reads, tested=True) for seed in range(count))
        usable = (lesson for lesson in lessons if any(lesson.learned) and len(lesson.ids) <= LENGTHS[-1])
        lessons_by_source[name] = [last_answer(lesson) for lesson in usable]
    return lessons_by_source


def last_answer(written: Written) -> Written:
    """Mark only the last answer as learned."""
    end = max(position for position, flag in enumerate(written.learned) if flag)
    start = end
    while start and written.learned[start - 1]:
        start -= 1
    learned = [start <= position <= end for position in range(len(written.ids))]
    return Written(written.ids, learned, [False] * len(learned), written.pictures, written.question)


def loader(lecturer: Lecturer, workers: int) -> DataLoader[Batch]:
    """Run the lecturer in worker processes, or in this one if `workers` is 0."""
    if not workers:
        return DataLoader(lecturer, batch_size=None)
    return DataLoader(
        lecturer,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4,
        multiprocessing_context=multiprocessing.get_context("fork"),
        pin_memory=lecturer.fixed,
    )


def _weighed(rng: Rng, names: Sequence[str], weights: Sequence[float]) -> str:
    mark = rng.between(0, sum(weights))
    for name, weight in zip(names, weights, strict=True):
        mark -= weight
        if mark < 0:
            return name
    return names[-1]
