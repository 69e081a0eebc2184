"""Begin, resume or delete a run's folder. A folder that holds anything else is refused."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmeval.files import is_temporary, locked, write_text
from mmeval.runs import records
from mmeval.runs.files import write_header
from mmeval.runs.identity import differing
from mmeval.runs.records import BUSY
from mmeval.runs.run import Run, open_run
from mmeval.runs.schema import SCHEMA, Header
from mmeval.types import InputError, RunMismatch

OURS = {
    *("run.json", "ids.json", "records.jsonl", "scores.json", "samples.jsonl", "judge.jsonl", "report.html", "results"),
    *("run.lock", "table.md", "table.csv", "dotplot.png", "dotplot.svg", "radar.png", "radar.svg", "index.html"),
    *("controls", "exports", "bias.json", "bias.md", "unsolved-blind.txt"),
    *("bias-gain.svg", "bias-blur.svg", "bias-length.svg"),
}
"""The files of a run's folder, except journals of several processes. Up to 0.2 the page was `index.html`."""
_DIGESTS = {
    "questions": "other questions (their ids, texts or answers have changed)",
    "checkpoint": "other weights or other files of the model",
}
"""How a difference is named if the values are digests."""


def begun(folder: Path, identity: Mapping[str, Any]) -> Run | None:
    """Open the run in the folder; return None if there is none yet.

    Raises RunMismatch if it is another run, InputError if the folder holds something else.
    """
    if not (folder / "run.json").exists():
        _refuse_foreign_files(folder)
        return None
    run = open_run(folder)
    if run.header.schema != SCHEMA:
        raise RunMismatch(
            f"{folder} holds a run of mmeval 0.1, which can be scored but not continued; "
            "choose another folder with --out, or start over with --fresh"
        )
    check_identity(run, identity)
    return run


def create(folder: Path, identity: Mapping[str, Any], ids: Sequence[str], available: int) -> Run:
    """Begin a run of these samples, or open the existing one if it is the same. Raises as `begun` does."""
    if run := begun(folder, identity):
        if run.planned != frozenset(ids):
            raise InputError(f"{folder / 'ids.json'}: not the questions of this run; restore it, or use --fresh")
        return run
    folder.mkdir(parents=True, exist_ok=True)
    header = Header(schema=SCHEMA, identity=dict(identity), samples=len(ids), available=available, sessions=())
    write_text(folder / "ids.json", json.dumps({"ids": list(ids)}) + "\n")
    write_header(folder, header)  # last: it makes the folder a run
    return open_run(folder)


def check_identity(run: Run, identity: Mapping[str, Any]) -> None:
    """Raise RunMismatch naming the first difference between the run on disk and this one."""
    for name, stored, wanted in differing(run.identity, json.loads(json.dumps(identity))):
        values = ["none" if value is None else f"{value!r:.80}" for value in (stored, wanted)]
        differs = f"{name} = {', not '.join(values)}"
        if name in _DIGESTS:
            differs = _DIGESTS[name]
        raise RunMismatch(
            f"{run.folder} holds a run with {differs}; choose another folder with --out, or start over with --fresh"
        )


def check_removable(folder: Path) -> None:
    """Raise InputError for a folder that holds anything but a run or the remains of one."""
    if not folder.exists() or (folder / "run.json").is_file():
        return
    if not folder.is_dir() or any(not _is_ours(entry.name) and not is_temporary(entry) for entry in folder.iterdir()):
        raise InputError(f"{folder}: not a run (no run.json), so it is not deleted; name another with --out")


def remove(folder: Path) -> None:
    """Delete a run. Raises InputError for a folder that holds none, and while another process writes to it.

    `run.json` is deleted after the files it describes, so a killed deletion leaves a run that can be resumed or
    deleted.
    """
    check_removable(folder)
    if not folder.exists():
        return
    with locked(folder / "records.jsonl", f"{folder}: {BUSY}"):
        deleted_last = ("run.json", "ids.json")
        for path in (path for path in folder.iterdir() if path.name not in deleted_last):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        for name in deleted_last:
            (folder / name).unlink(missing_ok=True)


def _is_ours(name: str) -> bool:
    return name in OURS or name.startswith("submission-") or records.OF_RANK.fullmatch(name) is not None


def _refuse_foreign_files(folder: Path) -> None:
    """Raise InputError for a folder that holds anything but files written before `run.json`."""
    if not folder.exists():
        return
    names = [path.name for path in folder.iterdir() if not is_temporary(path)] if folder.is_dir() else [folder.name]
    names = [name for name in names if name != "run.lock"]
    if "records.jsonl" in names and not (folder / "records.jsonl").stat().st_size:
        names.remove("records.jsonl")  # created for its lock
    if any(name.startswith("records") for name in names) and all(map(_is_ours, names)):
        raise InputError(f"{folder}: a run without its run.json; restore the file, or start over with --fresh")
    if set(names) - {"ids.json", "controls"}:
        raise InputError(f"{folder}: holds other files; choose another folder with --out")
