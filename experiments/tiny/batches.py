"""Batches of written lessons, made by worker processes while the model trains."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from experiments.tiny.lesson import Answer, Lesson, pictures
from experiments.tiny.pool import Pool
from experiments.tiny.stages import Source, Stage
from experiments.tiny.writing import Writer, Written
from mmeval.embedded.world.rng import Rng

LONGEST = 900
"""Maximum tokens of a lesson; longer ones are dropped."""


class Batch(NamedTuple):
    """B lessons, padded to L tokens, with S pictures in all."""

    ids: Tensor
    """[B, L] long, padded on the right."""
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


def collate(written: Sequence[Written]) -> Batch:
    """Pad lessons to one batch."""
    return Batch(
        _padded([one.ids for one in written]),
        _padded([one.learned for one in written]).bool(),
        _padded([one.claimed for one in written]).bool(),
        torch.tensor([picture for one in written for picture in one.pictures], dtype=torch.long),
        torch.tensor([len(one.pictures) for one in written], dtype=torch.long),
        _padded([one.question or [0] for one in written]),
    )


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    whole = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for row, values in zip(whole, rows, strict=True):
        row[: len(values)] = torch.tensor(values, dtype=torch.long)
    return whole


@dataclass
class Lecturer(IterableDataset[Batch]):
    """Yields batches of the current stage's lessons without end."""

    stages: Sequence[Stage]
    pool: Pool
    writer: Writer
    tokens: int
    """Approximate tokens of a batch, padding included."""
    rows: int
    """Maximum number of lessons in a batch."""
    seed: str
    reads: bool = False

    def __post_init__(self) -> None:
        self.now = multiprocessing.Value("i", 0)

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        rng = Rng(f"{self.seed} worker {worker.id if worker else 0}")
        while True:
            stage = self.stages[self.now.value]
            names = list(stage.sources)
            weights = [stage.sources[name].weight for name in names]
            drawn = [self._one(rng, stage.sources[_weighed(rng, names, weights)]) for _ in range(3 * self.rows)]
            drawn = [one for one in drawn if any(one.learned) and len(one.ids) <= LONGEST]
            drawn.sort(key=lambda one: len(one.ids))
            parts: list[list[Written]] = [[]]
            for one in drawn:
                if len(parts[-1]) == self.rows or len(one.ids) * (len(parts[-1]) + 1) > self.tokens:
                    parts.append([])
                parts[-1].append(one)
            yield from (collate(part) for part in rng.shuffled(parts) if part)

    def _one(self, rng: Rng, source: Source) -> Written:
        return write(self.writer, source, rng, self.pool, self.reads)


def write(writer: Writer, source: Source, rng: Rng, pool: Pool, reads: bool) -> Written:
    """Draw a lesson and write it in one of the source's styles."""
    lesson = source.draw(rng, pool)
    how = rng.pick(source.hows)
    if reads:
        lesson = _first_question(lesson)
    captions = [pool.shown[picture].plain for picture in pictures(lesson)] if how == "words" else ()
    return writer.write(lesson, how, captions)


def _first_question(lesson: Lesson) -> Lesson:
    """Drop everything after the first final answer; a Q-Former reads one question."""
    ends = [place for place, part in enumerate(lesson) if isinstance(part, Answer) and part.end]
    return lesson[: ends[0] + 1] if ends else lesson


def held_out(
    stages: Sequence[Stage], pool: Pool, writer: Writer, count: int, reads: bool
) -> Mapping[str, list[Written]]:
    """Return the same test lessons on every call, by source; only the last answer of each counts."""
    sources = {name: stage.sources[name] for stage in stages for name in stage.tests}
    found = {}
    for name, source in sources.items():
        written = (write(writer, source, Rng(f"test {name} {seed}"), pool, reads) for seed in range(count))
        found[name] = [last_answer(one) for one in written if any(one.learned) and len(one.ids) <= LONGEST]
    return found


def last_answer(written: Written) -> Written:
    """Mark only the last answer as learned."""
    end = max(place for place, flag in enumerate(written.learned) if flag)
    start = end
    while start and written.learned[start - 1]:
        start -= 1
    learned = [start <= place <= end for place in range(len(written.ids))]
    return Written(written.ids, learned, [False] * len(learned), written.pictures, written.question)


def loader(lecturer: Lecturer, workers: int) -> DataLoader[Batch]:
    """Run the lecturer in worker processes, or in this one if `workers` is 0."""
    if not workers:
        return DataLoader(lecturer, batch_size=None)
    context = multiprocessing.get_context("fork")
    return DataLoader(
        lecturer, batch_size=None, num_workers=workers, prefetch_factor=4, multiprocessing_context=context
    )


def _weighed(rng: Rng, names: Sequence[str], weights: Sequence[float]) -> str:
    mark = rng.between(0, sum(weights))
    for name, weight in zip(names, weights, strict=True):
        mark -= weight
        if mark < 0:
            return name
    return names[-1]
