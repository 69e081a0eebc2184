"""The journals of a run: one line appended per answer, read back with every type checked.

A single process writes `records.jsonl`; several processes each write a `records-RANK.jsonl`. All of them are read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval import jsonl, regular
from mmeval.files import is_left_behind, locked, validated
from mmeval.runs.share import Share
from mmeval.types import InputError, Record

if TYPE_CHECKING:
    import jsonlines

NAME = "records.jsonl"
OF_RANK = re.compile(r"records-\d+\.jsonl")
LARGEST = 2**63 - 1
BUSY = "another process is writing this run; wait for it"


def name_of(rank: int | None) -> str:
    """Return the name of a journal: of a single process (None), or of one of several."""
    return NAME if rank is None else f"records-{rank}.jsonl"


def paths(folder: Path) -> list[Path]:
    """Return the journals in a run's folder."""
    candidates = [
        folder / NAME,
        *sorted(path for path in folder.glob("records-*.jsonl") if OF_RANK.fullmatch(path.name)),
    ]
    return [path for path in candidates if path.exists()]


@contextmanager
def held(folder: Path, share: Share) -> Iterator[None]:
    """Lock a run briefly. Meanwhile, other processes change nothing but their own journals."""
    with nullcontext() if share.alone else locked(folder / "run.lock", wait=True):
        yield


def digest(folder: Path) -> str:
    """Return the SHA-256 over a run's journals, as in `JournalContents`, without parsing them."""
    total = hashlib.sha256()
    for path in paths(folder):
        total.update(regular.read_bytes(path))
    return total.hexdigest()


@dataclass(frozen=True)
class JournalContents:
    """The last record of each planned id, and counts of the records that do not count."""

    by_id: dict[str, Record]
    unknown: int
    """Records of ids that are not in the run."""
    repeated: int
    """Ids that were answered more than once."""
    truncated: bool
    """Whether the last line has no line break and is therefore not an answer."""
    digest: str
    """SHA-256 of the files."""
    journal: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Each id -> the name of the file with its record."""


@dataclass(frozen=True)
class Journal:
    """Appends records. When `append` returns, the operating system has the record."""

    lines: jsonlines.Writer

    def append(self, record: Record) -> None:
        """Write one record as one line: a kill leaves whole lines and at most one truncated one."""
        self.lines.write(to_json(record))


@contextmanager
def opened(folder: Path, share: Share) -> Iterator[Journal]:
    """Open and lock this process's journal for appending, and delete what killed processes left in the folder.

    Raises InputError if another process has it open or, for a single process, if any process is working on the run.
    """
    message, single_journal = f"{folder}: {BUSY}, or choose --out", folder / NAME
    own_journal = folder / name_of(None if share.alone else share.rank)
    with ExitStack() as locks:
        with held(folder, share):
            if not share.alone:
                _drop_torn_line(single_journal)
                locks.enter_context(locked(single_journal, message, shared=True))
            locks.enter_context(locked(own_journal, message))
            for path in paths(folder):
                if path not in (own_journal, single_journal):
                    _drop_torn_line(path)
            for leftover in filter(is_left_behind, folder.iterdir()):  # not a file that another machine is writing
                leftover.unlink(missing_ok=True)
        with jsonl.appending(own_journal) as lines:
            yield Journal(lines)


def _drop_torn_line(path: Path) -> None:
    """Cut off a last line truncated by a kill, unless another process has the journal open."""
    with suppress(InputError), locked(path, BUSY), path.open("r+b") as file:
        jsonl.drop_torn_line(file)


def read(folder: Path, planned: Collection[str] | None) -> JournalContents:
    """Read the records of the `planned` ids from a run's journals; of all ids if None.

    For each id, the record of the last attempt counts; among several of the same attempt, the last one read. Raises
    InputError naming a line that is not a record.
    """
    by_id, unknown, repeated = dict[str, Record](), 0, set[str]()
    journal, truncated = dict[str, str](), False
    checksum, last_line = hashlib.sha256(), [b"\n"]

    def on_line(line: bytes) -> None:
        checksum.update(line)
        last_line[0] = line

    for path in paths(folder):
        last_line[0] = b"\n"
        for record in _records(path, on_line):
            previous = by_id.get(record.id)
            if planned is not None and record.id not in planned:
                unknown += 1
                continue
            if previous and previous.error is None and previous.digest == record.digest:
                repeated.add(record.id)
            if previous is None or record.attempt >= previous.attempt:
                by_id[record.id], journal[record.id] = record, path.name
        truncated = truncated or not last_line[0].endswith(b"\n")
    return JournalContents(by_id, unknown, len(repeated), truncated, checksum.hexdigest(), journal)


def to_json(record: Record) -> dict[str, Any]:
    """Return a record as an object without empty values."""
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    always = {"id": record.id, "text": record.text, "targets": record.targets}
    present = always | {name: value for name, value in values.items() if value not in (None, "", (), {}, 0, 0.0)}
    return dict(jsonl.without_surrogates(present))


def _records(path: Path, on_line: Callable[[bytes], None]) -> Iterator[Record]:
    advice = "restore the file, or start over with --fresh"
    for value, where in jsonl.read(path, advice=advice, whole_lines=True, on_line=on_line):
        if "tokens" in value:  # schema 1
            value["input_tokens"] = value.pop("tokens")
        record: Record = validated(Record, jsonl.without_surrogates(value), where, advice)
        if max(record.input_tokens, record.output_tokens, record.attempt) > LARGEST:
            raise InputError(f"{where}: a number beyond 64 bits; {advice}")
        yield record
