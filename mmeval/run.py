"""The run folder: what identifies a run, what was answered, where it came from.

`run.json` says what the run is; `records.jsonl` grows by a line an answer and is all that a kill leaves
behind; everything else in the folder can be made again from these two. Scoring is not done here.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mmeval.types import InputError, Record, RunMismatch

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


@dataclass(frozen=True)
class Run:
    """A run on disk. Open one with `create` or `open_run`."""

    folder: Path

    @property
    def identity(self) -> dict[str, Any]:
        """What identifies the run: another value of any of these is another run."""
        return dict(self._header()["identity"])

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """Where it came from: commit, packages and machine, noted at the start and at each resume."""
        return list(self._header()["sessions"])

    @property
    def records(self) -> list[Record]:
        """All answers so far, in the order in which they came. A torn last line is left out."""
        return list(_read_records(self.folder / "records.jsonl"))

    @property
    def complete(self) -> bool:
        """Whether every sample has its record."""
        return bool(self._header()["samples"] == len({record.id for record in self.records}))

    @property
    def results(self) -> dict[str, Any]:
        """`scores.json` as it stands. Raises InputError if the run was not scored yet."""
        return read_json(self.folder / "scores.json", "score the run first: mmeval score RUN")

    @property
    def scores(self) -> pd.DataFrame:
        """A row a metric: value, low, high, n, full_marks, chance, reason (why there is no value), strict."""
        import pandas as pd

        results = self.results
        frame = pd.DataFrame.from_dict(results["metrics"], orient="index")
        if "strict" in results:
            frame["strict"] = pd.Series({name: row["value"] for name, row in results["strict"].items()})
        frame.index.name = "metric"
        return frame

    def note(self, session: Mapping[str, Any]) -> None:
        """Adds where this sitting ran: commit, packages, machine."""
        header = self._header()
        header["sessions"].append(dict(session))
        write_json(self.folder / "run.json", header)

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal, open for appending and locked. Raises InputError if another process has it open."""
        path = self.folder / "records.jsonl"
        with path.open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    f"{self.folder}: another process is writing this run; wait for it, or choose --out"
                ) from error
            _drop_torn_line(file)
            yield Journal(file)

    def _header(self) -> dict[str, Any]:
        advice = "the folder holds no run; name another, or delete it"
        header = read_json(self.folder / "run.json", advice)
        if missing := [name for name in ("identity", "samples", "sessions") if name not in header]:
            raise InputError(f"{self.folder / 'run.json'}: no '{missing[0]}' in it; {advice}")
        return header


@dataclass(frozen=True)
class Journal:
    """Appends records; each is on its way to the disk when `append` returns."""

    file: IO[bytes]

    def append(self, record: Record) -> None:
        """One record, one line, one write: a kill leaves whole lines and at most one torn one."""
        line = json.dumps(_to_json(record), ensure_ascii=False, separators=(",", ":"))
        self.file.write(line.encode("utf-8", "backslashreplace") + b"\n")
        self.file.flush()


def open_run(folder: str | Path) -> Run:
    """The run in that folder. Raises InputError if there is none."""
    run = Run(Path(folder))
    if not run.folder.is_dir():
        raise InputError(f"{folder}: no such run folder; `mmeval run` makes one")
    run._header()
    return run


def begun(folder: Path, identity: Mapping[str, Any]) -> Run | None:
    """The run in that folder, None if there is none yet. Raises RunMismatch if it is another, InputError if foreign."""
    if not (folder / "run.json").exists():
        _refuse_foreign_files(folder)
        return None
    run = open_run(folder)
    check_identity(run, identity)
    return run


def create(folder: Path, identity: Mapping[str, Any], samples: int) -> Run:
    """A new run, or the one that is there if it is the same. Raises as `begun` does."""
    if run := begun(folder, identity):
        return run
    folder.mkdir(parents=True, exist_ok=True)
    header = {"schema": SCHEMA, "identity": dict(identity), "samples": samples, "sessions": []}
    write_json(folder / "run.json", header)
    return open_run(folder)


def check_identity(run: Run, identity: Mapping[str, Any]) -> None:
    """Raises RunMismatch naming the first thing in which the run on disk differs from this one."""
    stored, wanted = _flat(run.identity), _flat(json.loads(json.dumps(identity)))
    for key in sorted(stored.keys() | wanted.keys()):
        if stored.get(key) != wanted.get(key):
            raise RunMismatch(
                f"{run.folder} holds a run with {key} = {stored.get(key)!r}, not {wanted.get(key)!r}; "
                "choose another folder with --out, or start over with --fresh"
            )


def check_removable(folder: Path) -> None:
    """Raises InputError for a folder that holds anything but a run."""
    if folder.exists() and not (folder / "run.json").is_file():
        raise InputError(f"{folder}: not a run (no run.json), so it is not deleted; name another with --out")


def remove(folder: Path) -> None:
    """Deletes a run. Raises InputError for a folder that holds none, and while another process writes it."""
    import shutil

    check_removable(folder)
    if folder.exists():
        with Run(folder).journal():
            shutil.rmtree(folder)


def write_json(path: Path, value: object) -> None:
    """Writes the whole file or leaves the old one, whenever the process is killed."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Likewise, for a text."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """A JSON object from a file. Raises InputError naming the file, with the advice."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: not there; {advice}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); {advice}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a JSON object; {advice}")
    return value


def _read_records(path: Path) -> Iterator[Record]:
    if not path.exists():
        return
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield _from_json(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(
                f"{path}, line {number}: not a record ({error}); restore the file, or start over with --fresh"
            ) from error


def _drop_torn_line(file: IO[bytes]) -> None:
    """Cuts what a kill left of a last line, so that the next record starts on a line of its own."""
    end = file.seek(0, os.SEEK_END)
    keep = end
    while keep > 0:
        start = max(0, keep - 65536)
        file.seek(start)
        newline = file.read(keep - start).rfind(b"\n")
        if newline >= 0:
            keep = start + newline + 1
            break
        keep = start
    if keep != end:
        file.truncate(keep)
    file.seek(0, os.SEEK_END)


def _refuse_foreign_files(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: there is something else there; choose another folder with --out")


def _to_json(record: Record) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    always = {"text": record.text, "targets": record.targets}
    return {name: value for name, value in values.items() if value not in (None, "", (), {})} | always


def _from_json(value: Mapping[str, Any]) -> Record:
    return Record(**{name: _frozen(item) for name, item in value.items()})


def _frozen(item: Any) -> Any:
    return tuple(item) if isinstance(item, list) else item


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat |= _flat(item, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = item
    return flat
