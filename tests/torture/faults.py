"""Faults that are planted into the code that keeps answers: the torture test must catch every one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonlines

from mmeval import files, jsonl, run
from mmeval.run import Journal
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
    held: list[Record] = []
    append = Journal.append

    def late(journal: Journal, record: Record) -> None:
        held.append(record)
        if len(held) == 32:
            for one in held:
                append(journal, one)
            held.clear()

    Journal.append = late  # type: ignore[method-assign]


def torn_line_kept() -> None:
    jsonl.drop_torn_line = lambda file: None


def line_in_two_writes() -> None:
    def append(journal: Journal, record: Record) -> None:
        line = json.dumps(run._to_json(record), separators=(",", ":"))
        file: Any = journal.lines._fp
        for part in (line[: len(line) // 2], line[len(line) // 2 :] + "\n"):
            file.write(part)
            file.flush()

    Journal.append = append  # type: ignore[method-assign]


def written_in_place() -> None:
    def write(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")

    files.write_text = run.write_text = write
    run.write_json = files.write_json


def no_lock() -> None:
    @contextmanager
    def locked(path: Path, message: str) -> Iterator[None]:
        path.touch()
        yield

    run.locked = locked


def identity_unchecked() -> None:
    run.check_identity = lambda *_: None


def run_json_deleted_first() -> None:
    def remove(folder: Path) -> None:
        run.check_removable(folder)
        for path in sorted(folder.iterdir(), key=lambda path: path.name != "run.json"):
            path.unlink()

    run.remove = remove


def scores_of_any_records() -> None:
    run.Run.stale = False  # type: ignore[method-assign, assignment]
    run.Run._scored = property(lambda self: {})  # type: ignore[assignment]


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        *(no_flush, held_back, torn_line_kept, line_in_two_writes, written_in_place, no_lock, identity_unchecked),
        *(emptied_at_each_resume, run_json_deleted_first, scores_of_any_records),
    )
}
