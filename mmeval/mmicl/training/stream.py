"""Training rows out of shards as they are read, in batches of about equal length, without an index of everything.

The stream is divided into lanes. Batch b of step s is the next one of a lane that b and s alone decide, and each batch
brings the place where its lane goes on, which a checkpoint keeps. So a run goes on at the same place, and on any number
of processes that can share the batches of a step. A lane reads every `lanes`-th unit of each source, in an order that
every pass draws anew, mixes the rows of some batches, and sorts these by length.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from mmeval.mmicl.context import PromptError
from mmeval.mmicl.examples import ExampleError
from mmeval.mmicl.training.batches import within
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.data import LEAST_SEEN
from mmeval.mmicl.training.rows import Rows, TrainingRow
from mmeval.mmicl.training.shards import Shards, Unit, example_of, rows_of

CHUNK = 16
"""Batches' worth of rows that a lane mixes and sorts together, and so holds in memory."""
LEAST_LANES = 8
"""Lanes of a process at least, so that as many workers have one."""
PLACES = "stream.json"
"""File of a checkpoint with the place of every lane."""
LANE = "lane"
"""Key of a batch under which it brings its lane's number and place, as JSON."""


@dataclass(frozen=True)
class Place:
    """Where a lane goes on: behind `taken` batches of a chunk, which begins there in each source."""

    chunk: int = 0
    taken: int = 0
    sources: Sequence[Sequence[int]] = ()
    """Of each source, how many units the lane has left behind it, and where in the next one it stands."""


@dataclass(frozen=True)
class Stream:
    """What all lanes read, and how rows become batches: `batch` rows, or as many as `tokens` hold."""

    sources: Sequence[Shards]
    weights: Sequence[float]
    rows: Rows
    batch: int
    tokens: int | None
    seed: int
    lanes: int
    max_tokens: int
    max_pictures: int
    allow_skipped: float
    left_out: Path
    """Where rows are listed that make no row to learn from; in the first pass alone."""

    def digest(self) -> str:
        """Return 16 hex digits over the files' names, units and sizes."""
        units = [(unit.file.rpartition("/")[2], unit.start, unit.end) for one in self.sources for unit in one.units]
        return hashlib.sha256(json.dumps([units, [one.size for one in self.sources]]).encode()).hexdigest()[:16]

    def batches(self, lane: int, place: Place) -> Iterator[tuple[list[TrainingRow], Place]]:
        """Yield the batches of a lane without end, each with the place behind it. Raises TrainingError."""
        if not place.sources:
            place = replace(place, sources=[[0, 0]] * len(self.sources))
        ends = [tuple(begun) for begun in place.sources]
        readers = [self._read(number, lane, *begun) for number, begun in enumerate(ends)]
        shares = np.array(self.weights or [1.0] * len(self.sources))
        while True:
            rng = np.random.default_rng((self.seed, lane, place.chunk))
            rows: list[TrainingRow] = []
            while not self._full(rows):
                source = int(rng.choice(len(readers), p=shares / shares.sum()))
                ends[source], made = next(readers[source])
                rows += made
            cut = self._cut(rows, rng)
            for taken in range(place.taken, len(cut)):
                yield cut[taken], replace(place, taken=taken + 1)
            place = Place(place.chunk + 1, 0, [list(end) for end in ends])

    def _full(self, rows: Sequence[TrainingRow]) -> bool:
        if self.tokens is None:
            return len(rows) >= CHUNK * self.batch
        return sum(map(self._length, rows)) >= CHUNK * self.tokens

    def _cut(self, rows: Sequence[TrainingRow], rng: np.random.Generator) -> list[list[TrainingRow]]:
        lengths = np.array([self._length(row) for row in rows])
        mixed = rng.permutation(len(rows))
        if self.tokens is None:
            costs = np.array([len(row.ids) + len(row.images) for row in rows])
            order = mixed[np.argsort(costs[mixed], kind="stable")]
            cut = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        else:
            cut = list(within(mixed[np.argsort(lengths[mixed], kind="stable")], lengths, self.tokens))
        return [[rows[number] for number in cut[k]] for k in rng.permutation(len(cut))]

    def _read(self, number: int, lane: int, begun: int, at: int) -> Iterator[tuple[tuple[int, int], list[TrainingRow]]]:
        """Yield the training rows of one source's examples without end, with the place behind each."""
        source = self.sources[number]
        seen, bad, last = 0, 0, begun
        for behind, passed, unit in self._units(number, lane, begun):
            for end, where, values in rows_of(unit, at):
                seen += 1
                try:
                    made = self.made(values, unit, source.root, where)
                except (ExampleError, PromptError) as error:
                    bad += isinstance(error, ExampleError)
                    if seen >= LEAST_SEEN and bad > self.allow_skipped * seen:
                        raise TrainingError(
                            f"{bad} of {seen} rows are no examples, the last {where}: {error}"
                        ) from error
                    if not passed:
                        self._list(where, str(error))
                    continue
                last = behind
                yield (behind, end), made
            at = 0
            if behind - last > len(source.units):
                raise TrainingError(f"{source.root}: no row is left to learn from; see {self.left_out}")

    def _units(self, number: int, lane: int, begun: int) -> Iterator[tuple[int, int, Unit]]:
        """Yield a lane's units of a source from where `begun` are done: how many are, in which pass, and the unit."""
        units, order, drawn = self.sources[number].units, np.empty(0, int), -1
        for behind in count(begun):
            passed, which = divmod(lane + behind * self.lanes, len(units))
            if passed != drawn:
                order, drawn = np.random.default_rng((self.seed, number, passed)).permutation(len(units)), passed
            yield behind, passed, units[order[which]]

    def made(self, values: Mapping[str, Any] | ExampleError, unit: Unit, root: str, where: str) -> list[TrainingRow]:
        """Make the training rows of one row. Raises ExampleError, or PromptError where it is too long."""
        if isinstance(values, ExampleError):
            raise values
        example, pictures = example_of(values, unit, root, where)
        if len(example.all_images) > self.max_pictures:
            raise PromptError(f"more than {self.max_pictures} pictures")
        made = self.rows(example)
        if any(len(row.ids) > self.max_tokens for row in made):
            raise PromptError(f"longer than {self.max_tokens} tokens")
        return [replace(row, images=tuple(pictures[name] for name in row.images)) for row in made]

    def check_beginning(self) -> None:
        """Raise TrainingError where a source does not begin with an example; it may be too long."""
        for source in self.sources:
            for _, where, values in islice(rows_of(source.units[0]), 1):
                try:
                    self.made(values, source.units[0], source.root, where)
                except ExampleError as error:
                    raise TrainingError(f"{where}: {error}") from error
                except PromptError:
                    continue

    def _length(self, row: TrainingRow) -> int:
        """Count what a row adds to a batch: its prompt, and a T5's answer."""
        return len(row.ids) + (0 if self.rows.decoder_only else len(row.labels))

    def _list(self, where: str, why: str) -> None:
        with self.left_out.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"id": where, "reason": why}) + "\n")


class StreamSet(IterableDataset[dict[str, Tensor]]):
    """The batches of one process, collated where they are read, in a worker or not."""

    def __init__(
        self,
        stream: Stream,
        lanes: Sequence[int],
        places: Mapping[int, Place],
        collate: Callable[[Sequence[TrainingRow]], dict[str, Tensor]],
    ) -> None:
        """Take the numbers of the process's lanes in the order of its batches, and where all lanes go on."""
        self.stream, self.lanes, self.collate = stream, lanes, collate
        self.places = {lane: places.get(lane, Place()) for lane in lanes}

    def workers(self, most: int) -> int:
        """Return how many workers share the lanes evenly, so that batches keep their order."""
        return max((count for count in range(1, most + 1) if len(self.lanes) % count == 0), default=0)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        own = self.lanes if worker is None else self.lanes[worker.id :: worker.num_workers]
        readers = {lane: self.stream.batches(lane, self.places[lane]) for lane in own}
        while True:
            for lane in own:
                for rows, place in readers[lane]:  # the next batch of which something can be read
                    batch = self.collate(rows)
                    if batch:
                        yield {**batch, LANE: json.dumps([lane, asdict(place)])}
                        break


def lanes_of(process: int, processes: int, accumulation: int, lanes: int, step: int = 0) -> list[int]:
    """List a process's lanes in the order of its batches, those of its share of every step from `step` on."""
    a_step = processes * accumulation
    steps = lanes // a_step
    firsts = [(step + number) % steps * a_step for number in range(steps)]
    return [first + process * accumulation + own for first in firsts for own in range(accumulation)]


def count_lanes(processes: int, accumulation: int) -> int:
    """Return how many lanes a run begins with: a multiple of the batches of a step."""
    return processes * accumulation * -(-LEAST_LANES // accumulation)


def read_places(checkpoint: Path) -> dict[int, Place]:
    """Read where the lanes go on. Raises TrainingError."""
    try:
        return {lane: Place(**place) for lane, place in json.loads((checkpoint / PLACES).read_text(encoding="utf-8"))}
    except (OSError, TypeError, ValueError) as error:
        raise TrainingError(f"{checkpoint / PLACES}: cannot be read ({error}); delete that checkpoint") from error
