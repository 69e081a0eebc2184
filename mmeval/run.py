"""The run folder: what identifies a run, what was answered, what the answers are worth.

`run.json` says what the run is; `records.jsonl` grows by a line an answer, and the last line of an id counts; the rest
can be made again from these two. A Run reads each of its files once; open it anew to see what others wrote since.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval import jsonl
from mmeval.spec import RunSpec, differing
from mmeval.types import InputError, Record, RunMismatch, Score

if TYPE_CHECKING:
    import jsonlines
    import pandas as pd

SCHEMA = 2
EMBEDDED = "embedded picture world, not comparable with the leaderboard"
"""What every output says of the embedded data."""
_SPEC = {field.name for field in dataclasses.fields(RunSpec)}
_FORMER = {"wording": "prompt", "by": "scoring", "source": "data", "version": "task_version", "digest": "questions"}
"""Names in the identities of schema 1 -> today's, where they differ and stand under no other name."""


class Run:
    """A run on disk. Open one with `create` or `open_run`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def header(self) -> dict[str, Any]:
        """Return what `run.json` holds. Raises InputError for what is not a run's."""
        path, advice = self.folder / "run.json", "the folder holds no run; name another, or delete it"
        header = read_json(path, advice)
        if header.get("schema") == 1:
            header = _from_schema_1(header, path)
        kinds = {"identity": dict, "samples": int, "sessions": list, "schema": int}
        for name, kind in kinds.items():
            if not isinstance(header.get(name), kind):
                raise InputError(f"{path}: no '{name}' in it; {advice}")
        return header

    @property
    def identity(self) -> dict[str, Any]:
        """Return what identifies the run: another value of any of these is another run."""
        return dict(self.header["identity"])

    @cached_property
    def spec(self) -> RunSpec:
        """Return what was asked, of whom and how, every default filled in; folders are left out of names."""
        return RunSpec(**{name: value for name, value in self.identity.items() if name in _SPEC})

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """Return where the answers came from: versions and machine, noted at the start and at each resume."""
        return list(self.header["sessions"])

    @cached_property
    def _by_id(self) -> dict[str, Record]:
        return {record.id: record for record in _read_records(self.folder / "records.jsonl")}

    @property
    def records(self) -> list[Record]:
        """Return the last record of each id, in the order in which the ids were first answered."""
        return list(self._by_id.values())

    @property
    def samples_planned(self) -> int:
        """Return how many samples the run asks."""
        return int(self.header["samples"])

    @property
    def samples_answered(self) -> int:
        """Return how many of them have an answer that is not an error."""
        return sum(record.error is None for record in self._by_id.values())

    @property
    def complete(self) -> bool:
        """Tell whether every sample has an answer that is not an error."""
        return self.samples_answered == self.samples_planned

    @property
    def marks(self) -> list[str]:
        """Return what sets the run apart from a whole one on the benchmark's data, as every output says it."""
        planned, errors = self.samples_planned, len(self._by_id) - self.samples_answered
        missing = planned - len(self._by_id)
        found = [EMBEDDED] if self.spec.data == "embedded" else []
        if missing:
            found.append(
                f"unfinished: {missing:,} of {planned:,} questions not asked yet; run the same command to go on"
            )
        if errors:
            found.append(f"{errors:,} of {planned:,} answers are errors; run the same command to ask them again")
        if self.spec.limit is not None:
            whole = self.header.get("available")
            found.append(f"limited to {planned:,}" + (f" of {whole:,} questions" if whole else " questions"))
        return found

    @property
    def answered(self) -> str:
        """Return `n of N questions answered`."""
        return f"{self.samples_answered:,} of {self.samples_planned:,} questions answered"

    @cached_property
    def results(self) -> dict[str, Any]:
        """Return `scores.json` as it stands. Raises InputError if the run was not scored yet."""
        return read_json(self.folder / "scores.json", "score the run first: mmeval score RUN")

    @property
    def scores(self) -> pd.DataFrame:
        """Return a row a metric: value, low, high, n, full_marks, chance, reason (why there is no value), strict."""
        import pandas as pd

        results = self.results
        frame = pd.DataFrame.from_dict(results["metrics"], orient="index")
        if "strict" in results:
            frame["strict"] = pd.Series({name: row["value"] for name, row in results["strict"].items()})
        frame.index.name = "metric"
        return frame

    @property
    def samples(self) -> pd.DataFrame:
        """Return a row a sample, by id: category, groups, and under each scorer outcome, value and the answer read.

        The columns of the headline scorer have no prefix, those of another are called `strict_outcome` and so on.
        Raises InputError if the run was not scored yet.
        """
        import pandas as pd

        rows = []
        for value in self._sample_lines:
            first, *others = value["scores"].items()
            row = {"id": value["id"], "category": value["category"], **value["groups"], **first[1]}
            for name, score in others:
                row |= {f"{name}_{key}": one for key, one in score.items()}
            rows.append(row)
        return pd.DataFrame(rows).set_index("id")

    @cached_property
    def judged(self) -> dict[str, Score]:
        """Return the headline scorer's score of each sample, by id. Raises InputError if the run was not scored yet."""
        return {value["id"]: Score(**next(iter(value["scores"].values()))) for value in self._sample_lines}

    @property
    def _sample_lines(self) -> list[dict[str, Any]]:
        path, advice = self.folder / "samples.jsonl", "score the run first: mmeval score RUN"
        if not path.is_file():
            raise InputError(f"{path}: not there; {advice}")
        return [value for value, _ in jsonl.read(path, advice=advice)]

    def note(self, session: Mapping[str, Any], **data: Any) -> None:
        """Add where this session runs (commit, packages, machine), and what is known of the data that it read."""
        self.header["sessions"].append(dict(session))
        self.header |= data
        write_json(self.folder / "run.json", self.header)

    def save(self, results: Mapping[str, Any], samples: list[dict[str, Any]]) -> None:
        """Write the scores, and each sample's beside them."""
        lines = (json.dumps(sample, ensure_ascii=False, separators=(",", ":")) + "\n" for sample in samples)
        write_text(self.folder / "samples.jsonl", "".join(lines))
        write_json(self.folder / "scores.json", results)
        for name in ("results", "judged"):
            self.__dict__.pop(name, None)
        self.results = dict(results)

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Open the journal for appending, locked. Raises InputError if another process has it open."""
        path = self.folder / "records.jsonl"
        with locked(path, f"{self.folder}: another process is writing this run; wait for it, or choose --out"):
            self.__dict__.pop("_by_id", None)  # that process may have gone on with the run
            with jsonl.appending(path) as lines:
                yield Journal(lines, self._by_id)


@dataclasses.dataclass(frozen=True)
class Journal:
    """Appends records; each is on its way to the disk when `append` returns."""

    lines: jsonlines.Writer
    held: dict[str, Record]

    def append(self, record: Record) -> None:
        """Write one record as one line: a kill leaves whole lines and at most one torn one."""
        self.lines.write(_to_json(record))
        self.held[record.id] = record


def open_run(folder: str | Path) -> Run:
    """Open the run in that folder. Raises InputError if there is none."""
    run = Run(Path(folder))
    if not run.folder.is_dir():
        raise InputError(f"{folder}: no such run folder; `mmeval run` makes one")
    _ = run.spec
    return run


def begun(folder: Path, identity: Mapping[str, Any]) -> Run | None:
    """Open the run in that folder; None if there is none yet.

    Raises RunMismatch if it is another one, InputError if the folder holds something else.
    """
    if not (folder / "run.json").exists():
        _refuse_foreign_files(folder)
        return None
    run = open_run(folder)
    if run.header["schema"] != SCHEMA:
        raise RunMismatch(
            f"{folder} holds a run of mmeval 0.1, which can be scored and not gone on with; "
            "choose another folder with --out, or start over with --fresh"
        )
    check_identity(run, identity)
    return run


def create(folder: Path, identity: Mapping[str, Any], samples: int, available: int) -> Run:
    """Begin a run, or open the one that is there if it is the same. Raises as `begun` does."""
    if run := begun(folder, identity):
        return run
    folder.mkdir(parents=True, exist_ok=True)
    header = {"schema": SCHEMA, "identity": dict(identity), "samples": samples, "available": available, "sessions": []}
    write_json(folder / "run.json", header)
    return open_run(folder)


def check_identity(run: Run, identity: Mapping[str, Any]) -> None:
    """Raise RunMismatch naming the first thing in which the run on disk differs from this one."""
    for name, stored, wanted in differing(run.identity, json.loads(json.dumps(identity))):
        differs = f"{name} = {stored!r:.80}, not {wanted!r:.80}"
        if name in _DIGESTS:
            differs = _DIGESTS[name]
        raise RunMismatch(
            f"{run.folder} holds a run with {differs}; choose another folder with --out, or start over with --fresh"
        )


_DIGESTS = {
    "questions": "other questions (their ids, texts or answers have changed)",
    "checkpoint": "other weights of the model",
}
"""What differs where the values are digests."""


def check_removable(folder: Path) -> None:
    """Raise InputError for a folder that holds anything but a run."""
    if folder.exists() and not (folder / "run.json").is_file():
        raise InputError(f"{folder}: not a run (no run.json), so it is not deleted; name another with --out")


def remove(folder: Path) -> None:
    """Delete a run. Raises InputError for a folder that holds none, and while another process writes it."""
    import shutil

    check_removable(folder)
    if folder.exists():
        with Run(folder).journal():
            shutil.rmtree(folder)


@contextmanager
def locked(path: Path, message: str) -> Iterator[None]:
    """Hold a lock on a file, made if need be. Raises InputError with the message while another process holds it."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(message) from error
        yield


def write_json(path: Path, value: object) -> None:
    """Write the whole file or leave the old one, whenever the process is killed."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write the whole text or leave the old file; half a surrogate pair is written as its escape."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    temporary.replace(path)


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """Read a JSON object from a file. Raises InputError naming the file, with the advice."""
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
    advice = "restore the file, or start over with --fresh"
    for value, where in jsonl.read(path, advice=advice, whole_lines=True):
        try:
            yield _from_json(value)
        except (TypeError, KeyError) as error:
            raise InputError(f"{where}: not a record ({error}); {advice}") from error


def _refuse_foreign_files(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: there is something else there; choose another folder with --out")


def _to_json(record: Record) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    always = {"id": record.id, "text": record.text, "targets": record.targets}
    return always | {name: value for name, value in values.items() if value not in (None, "", (), {}, 0, 0.0)}


def _from_json(value: dict[str, Any]) -> Record:
    if "tokens" in value:  # schema 1
        value["input_tokens"] = value.pop("tokens")
    frozen: dict[str, Any] = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    return Record(**frozen)


def _from_schema_1(header: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the header of a run made by mmeval 0.1, with today's names: it can be scored, not gone on with."""
    try:
        task, data, model = (dict(header["identity"][name]) for name in ("task", "data", "model"))
        named = {"task": task.pop("name"), "model": model.pop("name"), "limit": data.pop("limit")}
        rest = {**task, **data, **model, **header["identity"]["generation"]}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a run's header ({error!r}); name another folder, or delete it") from error
    identity = {**named, **{_FORMER.get(name, name): value for name, value in rest.items()}}
    return {**header, "identity": {name: value for name, value in identity.items() if value is not None}}
