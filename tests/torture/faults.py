"""Faults planted in the code that stores answers: the torture test must catch every one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonlines

from mmeval import files, jsonl
from mmeval.evaluation import asking
from mmeval.runs import folder as run_folder
from mmeval.runs import records, run
from mmeval.runs.records import Journal
from mmeval.runs.schema import ScoredRecords
from mmeval.runs.share import Share
from mmeval.types import Record


def _appending(mode: str = "a", **writer: Any) -> Any:
    @contextmanager
    def appending(path: Path) -> Iterator[jsonlines.Writer]:
        with path.open("a+b") as file:
            jsonl.drop_torn_line(file)
        with path.open(mode, encoding="utf-8", errors="backslashreplace", newline="") as text:
            yield jsonlines.Writer(text, compact=True, **writer)

    return appending


def no_flush() -> None:
    jsonl.appending = _appending()


def emptied_at_each_resume() -> None:
    jsonl.appending = _appending("w", flush=True)


def held_back() -> None:
    pending: list[Record] = []
    append = Journal.append

    def late(self: Journal, record: Record) -> None:
        pending.append(record)
        if len(pending) == 32:
            for pending_record in pending:
                append(self, pending_record)
            pending.clear()

    Journal.append = late  # type: ignore[method-assign]


def torn_line_kept() -> None:
    jsonl.drop_torn_line = lambda file: None


def line_in_two_writes() -> None:
    def append(self: Journal, record: Record) -> None:
        line = json.dumps(records.to_json(record), separators=(",", ":"))
        file: Any = self.lines._fp
        for part in (line[: len(line) // 2], line[len(line) // 2 :] + "\n"):
            file.write(part)
            file.flush()

    Journal.append = append  # type: ignore[method-assign]


def written_in_place() -> None:
    def write(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")

    files.write_text = write
    for module in (run, run_folder):
        setattr(module, "write_text", write)  # noqa: B010


def no_lock() -> None:
    @contextmanager
    def locked(path: Path, message: str = "", **how: bool) -> Iterator[None]:
        path.touch()
        yield

    for module in (records, run_folder):
        setattr(module, "locked", locked)  # noqa: B010


def identity_unchecked() -> None:
    run_folder.check_identity = lambda *_: None


def run_json_deleted_first() -> None:
    def remove(folder: Path) -> None:
        run_folder.check_removable(folder)
        for path in sorted(folder.iterdir(), key=lambda path: path.name != "run.json"):
            path.unlink()

    setattr(asking, "remove", remove)  # noqa: B010


def scores_of_any_records() -> None:
    run.Run.stale = False  # type: ignore[method-assign, assignment]
    run.Run._scored = property(lambda self: ScoredRecords(0, ""))  # type: ignore[assignment]


def every_process_asks_all() -> None:
    Share.has = lambda self, group: True  # type: ignore[method-assign]


def other_journals_unread() -> None:
    records.paths = lambda folder: [folder / records.NAME]


def attempts_uncounted() -> None:
    setattr(asking, "_attempts", lambda *_: {})  # noqa: B010


@dataclass(frozen=True)
class Fault:
    """How a fault is planted, and by what it must be caught."""

    plant: Callable[[], None]
    caught: str
    """A pattern of the assertion's message."""
    kind: str = "alone"
    """The kind of run that shows it."""
    weights: tuple[int, int, int] = (1, 1, 1)
    """How often the commands `run`, `run --fresh` and those that read a run are killed."""
    seed: int = 0
    """Chooses the instants; with this one, few kills are needed."""


_DEAD = "a dead folder, or a fault|the same command does not go on"
FAULTS = {
    "no flush": Fault(no_flush, "kept, and not on the disk"),
    "32 answers held back": Fault(held_back, "kept, and not on the disk"),
    "torn line kept": Fault(torn_line_kept, f"a line that is no record|{_DEAD}", weights=(1, 0, 0)),
    "a line in two writes": Fault(line_in_two_writes, "written in more than one piece"),
    "written in place": Fault(written_in_place, _DEAD, weights=(1, 8, 1)),
    "no lock": Fault(no_lock, "two processes wrote one run"),
    "identity unchecked": Fault(identity_unchecked, "a run of another identity was taken for this one"),
    "emptied at each resume": Fault(emptied_at_each_resume, "asked again|an answer was lost", seed=3),
    "run.json deleted first": Fault(run_json_deleted_first, _DEAD, weights=(1, 8, 0)),
    "no lock of two processes": Fault(no_lock, "two processes wrote one run", "two processes"),
    "every process asks all": Fault(
        every_process_asks_all, "asked by two processes|asked again", "two processes", seed=3
    ),
    "other journals unread": Fault(
        other_journals_unread, f"made from other records|asked again|{_DEAD}", "two processes"
    ),
    "attempts uncounted": Fault(
        attempts_uncounted, "an error counts|asked again", "two processes", weights=(1, 0, 0), seed=4
    ),
    "scores of any records": Fault(scores_of_any_records, "made from other records|other scores"),
}
