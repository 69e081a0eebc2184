"""Build shards, in this process or in several: rows in, a file of lines out.

A line of a shard's file is `+` and an example, or `-` and a row that was left out, with the reason.
"""

import json
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from mmeval.files import sync_folder
from mmeval.mic.pictures import place, put
from mmeval.mic.plan import Drawn, Selection
from mmeval.mic.rows import SourceRow
from mmeval.mic.templates import worded
from mmeval.mmicl.examples import Example, to_json, with_shots
from mmeval.pictures import Unusable
from mmeval.types import InputError, plural

TOO_LONG = "too many pictures"


@dataclass(frozen=True)
class Making:
    """The settings that all shards share."""

    source: str
    wordings: Sequence[str]
    root: Path
    out: Path
    seed: int
    max_pictures: int

    def path(self, shard: str) -> Path:
        """Return the shard's file."""
        return self.out / ".work" / f"{shard}.lines"


@dataclass
class Tally:
    """Counts of built and skipped rows, read from the shards' files."""

    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Rows left out, by kind."""
    demonstrations: int = 0
    demonstrations_skipped: int = 0
    first: str = ""
    """Why the first row was skipped."""

    @property
    def skipped(self) -> int:
        """The number of unusable rows; rows with too many pictures do not count."""
        return self.reasons.total() - self.reasons[TOO_LONG]

    def add(self, path: Path) -> None:
        """Add the counts of a shard's file."""
        with path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                value = json.loads(line[1:])
                self.rows += "demonstration_of" not in value
                if line[0] == "+":
                    self.demonstrations += len(value.get("shots", ()))
                elif "demonstration_of" in value:
                    self.demonstrations_skipped += 1
                else:
                    self.reasons[value["kind"]] += 1
                    if value["kind"] != TOO_LONG:
                        self.first = self.first or f"{value['id']}: {value['reason']}"


def run(making: Making, plan: Selection, names: Sequence[str], workers: int) -> Generator[Path, None, None]:
    """Do the named shards, and yield each file once it is written. Raises InputError if a process dies."""
    if min(workers, len(names)) <= 1:
        yield from (do(making, name, plan.shard(name)) for name in names)
        return
    method = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(names)), mp_context=method, initializer=_start_worker)
    pending: set[Future[Path]] = set()
    try:
        for name in names:
            pending.add(pool.submit(do, making, name, plan.shard(name)))
            if len(pending) >= 2 * workers:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    except BrokenProcessPool as error:
        raise InputError("a worker process died (too little memory?); repeat with fewer --workers") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and exit when the parent exits, for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def do(making: Making, name: str, shard: Sequence[Drawn]) -> Path:
    """Write a shard's file atomically, after its pictures are on the disk."""
    path = making.path(name)
    lines = "".join(f"{line}\n" for drawn in shard for line in _lines(making, drawn))
    sync_folder(making.out / "pictures")
    put(making.out, str(path.relative_to(making.out)), lines.encode())
    return path


def _lines(making: Making, drawn: Drawn) -> Iterator[str]:
    """Yield a row's lines: the demonstrations that were skipped, then the example or the reason why there is none."""
    try:
        planned = [drawn.row, *drawn.candidates[: drawn.shots]]
        _check_length(making, sum(len(row.pictures) for row in planned))
        query = _worded(making, drawn.row)
        shots: list[Example] = []
        for candidate in drawn.candidates:
            if len(shots) == drawn.shots:
                break
            try:
                shots.append(_worded(making, candidate))
            except Unusable as error:
                yield _skipped_line(making, candidate, error, demonstration_of=query.id)
        example = with_shots(query, shots)
        _check_length(making, len(example.all_images))
        yield f"+{to_json(example)}"
    except Unusable as error:
        yield _skipped_line(making, drawn.row, error)


def _worded(making: Making, row: SourceRow) -> Example:
    if row.problem:
        raise Unusable("unusable row", row.problem)
    images = [place(picture, making.root, making.out) for picture in row.pictures]
    return worded(making.source, row, images, making.wordings, making.seed)


def _check_length(making: Making, pictures: int) -> None:
    if pictures > making.max_pictures:
        raise Unusable(
            TOO_LONG, f"{plural(pictures, 'picture')} with its demonstrations; the maximum is {making.max_pictures}"
        )


def _skipped_line(making: Making, row: SourceRow, error: Unusable, **extra: str) -> str:
    entry = {"id": f"{making.source}/{row.id}", "split": row.split, "kind": error.kind, "reason": str(error), **extra}
    return f"-{json.dumps(entry)}"
