"""Training rows read from shards, in batches of similar length, without an index of all data.

The stream is divided into lanes. Batch b of step s is the next batch of one lane, chosen by b and s alone. Each batch
carries the place where its lane resumes, and a checkpoint keeps these places. A run therefore resumes at the same
place, on any number of processes that divides the batches of a step. A lane reads every `lanes`-th unit of each source
in an order that is new in every pass, mixes the rows of some batches, and sorts them by length.
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
from pydantic import TypeAdapter
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from mmeval.mmicl.context import PromptError
from mmeval.mmicl.examples import ExampleError
from mmeval.mmicl.training.batches import within
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.data import LEAST_SEEN
from mmeval.mmicl.training.rows import Rows, TrainingRow
from mmeval.mmicl.training.shards import Shards, Unit, example_of, rows_of
from mmeval.mmicl.weights import one_line

CHUNK = 16
"""Number of batches whose rows a lane mixes and sorts together, and holds in memory."""
LEAST_LANES = 8
"""Minimum number of lanes per process, so as many workers have one."""
PLACES = "stream.json"
"""File in a checkpoint with the place of every lane."""
LANE = "lane"
"""Key in a batch for its lane's number and place, as JSON."""


@dataclass(frozen=True)
class Place:
    """Where a lane resumes: after `taken` batches of a chunk. `sources` is where that chunk begins in each source."""

    chunk: int = 0
    taken: int = 0
    sources: Sequence[Sequence[int]] = ()
    """For each source, the number of units that the lane has finished, and the place in the next one."""


@dataclass(frozen=True)
class Stream:
    """What all lanes read, and how rows become batches: `batch` rows, or as many as fit into `tokens`."""

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
    """File that lists rows that cannot be learned; written in the first pass only."""

    def digest(self) -> str:
        """Return 16 hex digits over the files' names, units and sizes."""
        units = [
            (unit.file.rpartition("/")[2], unit.start, unit.end) for shards in self.sources for unit in shards.units
        ]
        return hashlib.sha256(json.dumps([units, [shards.size for shards in self.sources]]).encode()).hexdigest()[:16]

    def batches(self, lane: int, place: Place) -> Iterator[tuple[list[TrainingRow], Place]]:
        """Yield the batches of a lane without end, each with the place after it. Raises TrainingError."""
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
                ends[source], new_rows = next(readers[source])
                rows += new_rows
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

    def _read(
        self, number: int, lane: int, begun: int, offset: int
    ) -> Iterator[tuple[tuple[int, int], list[TrainingRow]]]:
        """Yield the training rows of one source's examples without end, with the place after each."""
        source = self.sources[number]
        row_count, bad, empty = 0, 0, set[Unit]()  # `empty`: units without a row to learn since the last such row
        for done, passed, unit in self._units(number, lane, begun):
            if not offset:
                empty.add(unit)
            for end, where, values in rows_of(unit, offset):
                row_count += 1
                try:
                    training_rows = self.made(values, unit, source.root, where)
                except (ExampleError, PromptError) as error:
                    bad += isinstance(error, ExampleError)
                    if row_count >= LEAST_SEEN and bad > self.allow_skipped * row_count:
                        raise TrainingError(
                            f"{bad} of {row_count} rows are not examples, the last {where}: {error}"
                        ) from error
                    if not passed:
                        self._list(where, str(error))
                    continue
                empty.clear()
                yield (done, end), training_rows
            offset = 0
            if len(empty) == len(source.units):
                raise TrainingError(f"{source.root}: no row is left to train on; see {self.left_out}")

    def _units(self, number: int, lane: int, begun: int) -> Iterator[tuple[int, int, Unit]]:
        """Yield a lane's units of a source after the first `begun`: how many are done, the pass, and the unit."""
        units, order, drawn = self.sources[number].units, np.empty(0, int), -1
        for done in count(begun):
            passed, index = divmod(lane + done * self.lanes, len(units))
            if passed != drawn:
                order, drawn = np.random.default_rng((self.seed, number, passed)).permutation(len(units)), passed
            yield done, passed, units[order[index]]

    def made(self, values: Mapping[str, Any] | ExampleError, unit: Unit, root: str, where: str) -> list[TrainingRow]:
        """Make the training rows of one row. Raises ExampleError, or PromptError if it is too long."""
        if isinstance(values, ExampleError):
            raise values
        example, pictures = example_of(values, unit, root, where)
        if len(example.all_images) > self.max_pictures:
            raise PromptError(f"more than {self.max_pictures} pictures")
        training_rows = self.rows(example)
        if any(len(row.ids) > self.max_tokens for row in training_rows):
            raise PromptError(f"longer than {self.max_tokens} tokens")
        return [replace(row, images=tuple(pictures[name] for name in row.images)) for row in training_rows]

    def check_beginning(self) -> None:
        """Raise TrainingError if the first row of a source is not an example; an example may be too long."""
        for source in self.sources:
            for _, where, values in islice(rows_of(source.units[0]), 1):
                try:
                    self.made(values, source.units[0], source.root, where)
                except ExampleError as error:
                    raise TrainingError(f"{where}: {error}") from error
                except PromptError:
                    continue

    def _length(self, row: TrainingRow) -> int:
        """Count the tokens that a row adds to a batch: its prompt, and a T5's answer."""
        return len(row.ids) + (0 if self.rows.decoder_only else len(row.labels))

    def _list(self, where: str, why: str) -> None:
        with self.left_out.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"id": where, "reason": why}) + "\n")


class StreamSet(IterableDataset[dict[str, Tensor]]):
    """The batches of one process, collated where they are read: in a worker or in the process itself."""

    def __init__(
        self,
        stream: Stream,
        lanes: Sequence[int],
        places: Mapping[int, Place],
        collate: Callable[[Sequence[TrainingRow]], dict[str, Tensor]],
    ) -> None:
        """Take the process's lanes in the order of its batches, and the places where lanes resume."""
        self.stream, self.lanes, self.collate = stream, lanes, collate
        self.places = {lane: places.get(lane, Place()) for lane in lanes}

    def workers(self, most: int) -> int:
        """Return the number of workers, `most` or fewer, that share the lanes evenly, so batches keep their order."""
        return max((count for count in range(1, most + 1) if len(self.lanes) % count == 0), default=0)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        lanes = self.lanes if worker is None else self.lanes[worker.id :: worker.num_workers]
        readers = {lane: self.stream.batches(lane, self.places[lane]) for lane in lanes}
        while True:
            for lane in lanes:
                unreadable = 0
                for rows, place in readers[lane]:  # until a batch has a readable row
                    batch = self.collate(rows)
                    if batch:
                        yield {**batch, LANE: json.dumps([lane, asdict(place)])}
                        break
                    unreadable += len(rows)
                    if unreadable >= LEAST_SEEN:
                        raise TrainingError(
                            f"{rows[0].images[0]}: cannot be read, nor can a picture of each of the last {unreadable} "
                            "rows; fix the data"
                        )


def lanes_of(process: int, processes: int, accumulation: int, lanes: int, step: int = 0) -> list[int]:
    """List a process's lanes in the order of its batches, from `step` on."""
    a_step = processes * accumulation
    steps = lanes // a_step
    firsts = [(step + number) % steps * a_step for number in range(steps)]
    return [first + process * accumulation + batch for first in firsts for batch in range(accumulation)]


def count_lanes(processes: int, accumulation: int) -> int:
    """Return the number of lanes of a new run: a multiple of the batches of a step."""
    return processes * accumulation * -(-LEAST_LANES // accumulation)


def read_places(checkpoint: Path) -> dict[int, Place]:
    """Read the places where the lanes resume. Raises TrainingError."""
    try:
        places = dict(_SAVED.validate_json((checkpoint / PLACES).read_bytes()))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{checkpoint / PLACES}: cannot be read ({one_line(error)}); delete that checkpoint"
        ) from error
    if not places or places.keys() != set(range(len(places))):
        raise TrainingError(f"{checkpoint / PLACES}: lacks the places of some lanes; delete that checkpoint")
    return places


_SAVED: TypeAdapter[list[tuple[int, Place]]] = TypeAdapter(list[tuple[int, Place]])
