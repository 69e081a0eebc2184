"""The run folder: what identifies a run, what was answered, what the answers are worth.

`run.json` says what the run is and `ids.json` which samples it asks; `records.jsonl` grows by a line an answer, and the
last line of an id counts. Where several processes work on a run, each has a `records-RANK.jsonl`. The rest can be made
again from these: `scores.json` names the records that it was made from, and counts for no others. A Run reads each of
its files once; open it anew to see what others wrote since.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval import jsonl, records
from mmeval.files import is_temporary, locked, read_json, validated, write_json, write_text
from mmeval.records import Journal, JournalContents
from mmeval.share import WHOLE, Share
from mmeval.spec import RunSpec, differing
from mmeval.types import Estimate, InputError, Record, RunMismatch, Score

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 2
EMBEDDED = "embedded picture world, not comparable with the leaderboard"
"""What every output says of the embedded data."""
_SPEC = {field.name for field in dataclasses.fields(RunSpec)}
_FORMER = {"wording": "prompt", "by": "scoring", "source": "data", "version": "task_version", "digest": "questions"}
"""Names in the identities of schema 1 -> today's, where they differ and stand under no other name."""
OURS = {
    *("run.json", "ids.json", "records.jsonl", "scores.json", "samples.jsonl", "judge.jsonl", "report.html", "results"),
    *("run.lock", "table.md", "table.csv", "dotplot.png", "dotplot.svg", "radar.png", "radar.svg", "index.html"),
    *("controls", "bias.json", "bias.md", "unsolved-blind.txt"),
    *("bias-gain.svg", "bias-blur.svg", "bias-length.svg"),
}
"""What a run's folder holds, beside the journals of several processes; up to 0.2 the page was `index.html`."""
BUSY = "another process is writing this run; wait for it"


@dataclasses.dataclass(frozen=True)
class Header:
    """What `run.json` holds at least."""

    schema: int
    identity: dict[str, Any]
    samples: int
    sessions: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Results:
    """What `scores.json` holds at least."""

    scorer: str
    metrics: dict[str, Estimate]
    counts: dict[str, int]
    remarks: list[str]
    marks: list[str]
    answered: int
    planned: int


@dataclasses.dataclass(frozen=True)
class SampleScores:
    """A line of `samples.jsonl`."""

    id: str
    category: str
    groups: dict[str, str]
    scores: dict[str, Score]


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
        validated(Header, header, str(path), advice)
        return header

    @property
    def identity(self) -> dict[str, Any]:
        """Return what identifies the run: another value of any of these is another run."""
        return dict(self.header["identity"])

    @cached_property
    def spec(self) -> RunSpec:
        """Return what was asked, of whom and how, every default filled in; folders are left out of names."""
        values = {name: value for name, value in self.identity.items() if name in _SPEC}
        if not isinstance(values.get("task"), str) or not isinstance(values.get("model"), str):
            raise InputError(f"{self.folder / 'run.json'}: its identity names no task and model; name another folder")
        return RunSpec(**values)

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """Return where the answers came from: versions and machine, noted at the start and at each resume."""
        return list(self.header["sessions"])

    @cached_property
    def planned(self) -> frozenset[str] | None:
        """Return the ids of the samples that the run asks; None for a run of mmeval 0.1, which kept no list."""
        if self.header["schema"] != SCHEMA:
            return None
        path, advice = self.folder / "ids.json", "restore the file, or start over with --fresh"
        ids = read_json(path, advice).get("ids")
        return frozenset(validated(list[str], ids, str(path), advice))

    @cached_property
    def journal_contents(self) -> JournalContents:
        """Return what was answered. Raises InputError naming the line that is no record."""
        return records.read(self.folder, self.planned)

    @property
    def records(self) -> list[Record]:
        """Return the last record of each planned id, in the order in which the ids were first answered."""
        return list(self.journal_contents.by_id.values())

    @property
    def samples_planned(self) -> int:
        """Return how many samples the run asks."""
        return int(self.header["samples"])

    @property
    def samples_answered(self) -> int:
        """Return how many of them have an answer that is not an error."""
        return sum(record.error is None for record in self.journal_contents.by_id.values())

    @property
    def samples_asked(self) -> int:
        """Return how many samples have an answer or an error."""
        return len(self.journal_contents.by_id)

    @property
    def up_to_date(self) -> bool:
        """Tell whether the run was scored as it is now."""
        path = self.folder / "scores.json"
        return path.exists() and read_json(path, "score the run again: mmeval score RUN").get("records") == self._scored

    @property
    def complete(self) -> bool:
        """Tell whether every sample has an answer that is not an error."""
        return self.samples_answered == self.samples_planned

    @property
    def marks(self) -> list[str]:
        """Return what sets the run apart from a whole one on the benchmark's data, as every output says it."""
        planned, errors = self.samples_planned, len(self.journal_contents.by_id) - self.samples_answered
        missing = planned - len(self.journal_contents.by_id)
        found = [EMBEDDED] if self.spec.data == "embedded" else []
        if missing > 0:
            found.append(
                f"unfinished: {missing:,} of {planned:,} questions not asked yet; run the same command to go on"
            )
        if errors:
            found.append(f"{errors:,} of {planned:,} answers are errors; run the same command to ask them again")
        if self.spec.control is not None:
            about = dict(self.header.get("control", {}))
            found.append(f"under the control '{self.spec.control}': {about.get('about')}; it {about.get('acts')}")
        if self.spec.only_ids is not None:
            found.append(f"only {planned:,} of {self.header.get('available'):,} questions: {self.spec.only_ids}")
        if self.spec.limit is not None:
            whole = self.header.get("available")
            found.append(f"limited to {planned:,}" + (f" of {whole:,} questions" if whole else " questions"))
        return found

    @property
    def remarks(self) -> list[str]:
        """Return what a reader must know of the records that do not count."""
        contents, found = self.journal_contents, []
        if contents.unknown:
            found.append(f"Records of questions that this run does not ask: {contents.unknown:,}. They do not count.")
        if contents.repeated:
            found.append(f"Questions answered more than once: {contents.repeated:,}. The last answer of each counts.")
        if contents.truncated:
            found.append("The last line of records.jsonl is truncated and does not count; run the same command again.")
        return found

    @property
    def answered(self) -> str:
        """Return `n of N questions answered`."""
        return f"{self.samples_answered:,} of {self.samples_planned:,} questions answered"

    @cached_property
    def results(self) -> dict[str, Any]:
        """Return `scores.json` as it stands. Raises InputError if the run was not scored as it is now."""
        path, advice = self.folder / "scores.json", "score the run first: mmeval score RUN"
        results = read_json(path, advice)
        validated(Results, results, str(path), advice)
        if results.get("records") != self._scored:
            raise InputError(f"{path}: the records have changed since it was written; {advice}")
        return results

    @property
    def stale(self) -> bool:
        """Tell whether the run has answers and was not scored, or its records have changed since, without a judge."""
        path = self.folder / "scores.json"
        if not path.exists():
            return bool(self.records)
        results = read_json(path, "score the run again: mmeval score RUN")
        return "judge" not in results and results.get("records") != self._scored

    @property
    def _scored(self) -> dict[str, Any]:
        return {"count": len(self.journal_contents.by_id), "sha256": self.journal_contents.digest}

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
    def scored(self) -> dict[str, dict[str, Score]]:
        """Return each sample's score under every scorer, the headline's first, by id. Raises InputError as `judged`."""
        return {value["id"]: _scores(value) for value in self._sample_lines}

    @property
    def judged(self) -> dict[str, Score]:
        """Return the headline scorer's score of each sample, by id. Raises InputError if the run was not scored yet."""
        return {id: next(iter(scores.values())) for id, scores in self.scored.items()}

    @property
    def _sample_lines(self) -> list[dict[str, Any]]:
        path, advice = self.folder / "samples.jsonl", "score the run first: mmeval score RUN"
        if not path.is_file():
            raise InputError(f"{path}: not there; {advice}")
        _ = self.results  # raises where the scores are of other records
        return _sample_lines(path, advice)

    def note(self, session: Mapping[str, Any], **data: Any) -> None:
        """Add where this session runs (commit, packages, machine), and what is known of the data that it read."""
        self.header["sessions"].append(dict(session))
        self.header |= data
        write_json(self.folder / "run.json", self.header)

    def note_used(self, **used: Any) -> None:
        """Add to this session what it used: requests to a server, for example."""
        self.header["sessions"][-1] |= used
        write_json(self.folder / "run.json", self.header)

    def save(self, results: Mapping[str, Any], samples: list[dict[str, Any]]) -> None:
        """Write the scores, and each sample's beside them."""
        lines = (json.dumps(sample, ensure_ascii=False, separators=(",", ":")) + "\n" for sample in samples)
        write_text(self.folder / "samples.jsonl", "".join(lines))
        results = {**results, "records": self._scored}
        write_json(self.folder / "scores.json", results)
        self.__dict__.pop("scored", None)
        self.results = results

    @contextmanager
    def journal(self, share: Share = WHOLE) -> Iterator[Journal]:
        """Open this process's journal for appending, locked.

        Raises InputError if another process has it open; one that works alone, if any process works on the run.
        """
        message, whole = f"{self.folder}: {BUSY}, or choose --out", self.folder / records.NAME
        own = self.folder / records.name_of(None if share.alone else share.rank)
        with ExitStack() as locks:
            with held(self.folder, share):
                if not share.alone:
                    _drop_torn_line(whole)
                    locks.enter_context(locked(whole, message, shared=True))
                locks.enter_context(locked(own, message))
                for other in records.paths(self.folder):
                    if other not in (own, whole):
                        _drop_torn_line(other)
            self.__dict__.pop("journal_contents", None)  # another process may have gone on with the run
            for left in filter(is_temporary, self.folder.iterdir()):
                left.unlink(missing_ok=True)
            with jsonl.appending(own) as lines:
                yield Journal(lines)
        self.__dict__.pop("journal_contents", None)


def sample_scores(path: Path) -> dict[str, dict[str, Score]]:
    """Return what a `samples.jsonl` holds: by id, the score under every scorer, the headline's first."""
    return {value["id"]: _scores(value) for value in _sample_lines(path, "score the run again: mmeval score RUN")}


def _sample_lines(path: Path, advice: str) -> list[dict[str, Any]]:
    lines = jsonl.read(path, advice=advice)
    return [value for value, where in lines if validated(SampleScores, value, where, advice)]


def _scores(line: Mapping[str, Any]) -> dict[str, Score]:
    return {name: Score(**score) for name, score in line["scores"].items()}


@contextmanager
def held(folder: Path, share: Share) -> Iterator[None]:
    """Hold a run, for a moment, in which none of several processes changes anything but its own journal."""
    with nullcontext() if share.alone else locked(folder / "run.lock", wait=True):
        yield


def _drop_torn_line(path: Path) -> None:
    """Cut off what a killed process left of a last line, unless its successor is at work on the journal."""
    with suppress(InputError), locked(path, BUSY), path.open("r+b") as file:
        jsonl.drop_torn_line(file)


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
            f"{folder} holds a run of mmeval 0.1, which can be scored but not continued; "
            "choose another folder with --out, or start over with --fresh"
        )
    check_identity(run, identity)
    return run


def create(folder: Path, identity: Mapping[str, Any], ids: Sequence[str], available: int) -> Run:
    """Begin a run of these samples, or open the one that is there if it is the same. Raises as `begun` does."""
    if run := begun(folder, identity):
        return run
    folder.mkdir(parents=True, exist_ok=True)
    header = {"schema": SCHEMA, "identity": dict(identity), "samples": len(ids), "available": available, "sessions": []}
    write_text(folder / "ids.json", json.dumps({"ids": list(ids)}) + "\n")
    write_json(folder / "run.json", header)  # last: it makes the folder a run
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
    """Raise InputError for a folder that holds anything but a run, or what is left of one."""
    if not folder.exists() or (folder / "run.json").is_file():
        return
    if not folder.is_dir() or any(not _is_ours(entry.name) and not is_temporary(entry) for entry in folder.iterdir()):
        raise InputError(f"{folder}: not a run (no run.json), so it is not deleted; name another with --out")


def remove(folder: Path) -> None:
    """Delete a run. Raises InputError for a folder that holds none, and while another process writes it.

    `run.json` goes after all that it speaks of: what a kill leaves behind is a run that can go on, or be deleted.
    """
    check_removable(folder)
    if not folder.exists():
        return
    with locked(folder / "records.jsonl", f"{folder}: {BUSY}"):
        last = ("run.json", "ids.json")
        for path in (path for path in folder.iterdir() if path.name not in last):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        for name in last:
            (folder / name).unlink(missing_ok=True)


def _is_ours(name: str) -> bool:
    return name in OURS or records.OF_RANK.fullmatch(name) is not None


def _refuse_foreign_files(folder: Path) -> None:
    """Raise InputError for a folder with anything in it but what was written before `run.json`."""
    if not folder.exists():
        return
    left = [p.name for p in folder.iterdir() if not is_temporary(p)] if folder.is_dir() else [folder.name]
    left = [name for name in left if name != "run.lock"]
    if "records.jsonl" in left and not (folder / "records.jsonl").stat().st_size:
        left.remove("records.jsonl")  # made to be locked
    if any(name.startswith("records") for name in left) and all(map(_is_ours, left)):
        raise InputError(f"{folder}: a run whose run.json is gone; restore the file, or start over with --fresh")
    if set(left) - {"ids.json", "controls"}:
        raise InputError(f"{folder}: there is something else there; choose another folder with --out")


def _from_schema_1(header: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the header of a run made by mmeval 0.1, with today's names: it can be scored but not continued."""
    try:
        task, data, model = (dict(header["identity"][name]) for name in ("task", "data", "model"))
        named = {"task": task.pop("name"), "model": model.pop("name"), "limit": data.pop("limit")}
        rest = {**task, **data, **model, **header["identity"]["generation"]}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a run's header ({error!r}); name another folder, or delete it") from error
    identity = {**named, **{_FORMER.get(name, name): value for name, value in rest.items()}}
    return {**header, "identity": {name: value for name, value in identity.items() if value is not None}}
