"""Build a set of MIC examples from a public data set's own files: sample rows, word them, check their pictures.

The work is split into shards. A shard is a file that appears complete under OUT/.work. After a build is killed, the
same command does the missing shards, and the joined files equal those of an uninterrupted build.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmeval.files import is_temporary, read_json, validated, write_json
from mmeval.mic.pictures import kinds
from mmeval.mic.plan import Selection, draw
from mmeval.mic.readers import READERS
from mmeval.mic.rows import Root
from mmeval.mic.shards import Making, Tally, run
from mmeval.mic.templates import cards
from mmeval.pictures import TRAITS, Unusable
from mmeval.types import InputError, nearest, plural

SCHEMA = 2
ALLOWED = 0.01
"""The default share of rows that may be skipped."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Counts:
    """The counts in the manifest of a finished set."""

    examples: dict[str, int] | None = None
    left_out: dict[str, int] | None = None
    pictures: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Built:
    """The result of a build: the number of examples per split, and of rows left out per reason."""

    folder: Path
    examples: Mapping[str, int]
    left_out: Mapping[str, int]
    pictures: Mapping[str, int]
    """The number of pictures with each trait that changes when they are shown."""

    def lines(self) -> list[str]:
        """Return the counts as lines to print."""
        lines = [f"{self.folder / split}.jsonl: {plural(count, 'example')}" for split, count in self.examples.items()]
        left_out = ", ".join(f"{kind}: {count}" for kind, count in self.left_out.items())
        lines += [f"pictures: {count} {TRAITS[trait]}" for trait, count in self.pictures.items()]
        lines.append(f"left out: {left_out}; see {self.folder / 'skipped.jsonl'}" if left_out else "left out: nothing")
        return lines


def build(
    source: str,
    root: Path,
    out: Path,
    *,
    limit: int | None = None,
    shots: tuple[int, int] | None = None,
    seed: int = 0,
    workers: int = 1,
    max_pictures: int = 12,
    allow_skipped: float = ALLOWED,
    progress: Progress = lambda done, total: None,
) -> Built:
    """Build `out` from the data set in `root`, or resume the build.

    `limit` is the maximum number of rows per split; `shots` is the minimum and maximum number of demonstrations
    (default: as published). Raises InputError if the arguments or the annotation are invalid, or if the share of
    skipped rows exceeds `allow_skipped`.
    """
    if source not in READERS:
        raise InputError(f"unknown source '{source}'{nearest(source, READERS)}; choose from {', '.join(READERS)}")
    card = cards()[source]
    low, high = shots if shots is not None else (0, card.shots)
    if high and not card.shots:
        raise InputError(f"'{source}' is built without demonstrations, as published; remove --shots")
    folder = Root(root)
    if out.resolve().is_relative_to(folder.folder):
        raise InputError(f"{out}: is inside the data set's own folder; choose another folder with --out")
    plan = draw(READERS[source](folder), card.sizes, limit, (low, high), seed)
    identity = {
        "source": source,
        "seed": seed,
        "limit": limit,
        "shots": [low, high],
        "max_pictures": max_pictures,
        "annotation": _digest(folder.digests),
        "wordings": _digest(card.wordings),
    }
    making = Making(source, card.wordings, folder.folder, out, seed, max_pictures)
    with _locked(out, identity) as manifest:
        if manifest.get("examples") is None or manifest.get("left_out") is None:
            total = _run_missing(making, plan, workers, allow_skipped, progress)
            _join(making, plan.numbers, plan, b"-", "skipped")
            manifest |= {
                "rows": {split: len(numbers) for split, numbers in plan.numbers.items()},
                "examples": {split: _join(making, [split], plan, b"+", split) for split in plan.numbers},
                "left_out": dict(sorted(total.reasons.items())),
                "pictures": dict(sorted(_traits(out / "pictures").items())),
                "demonstrations": total.demonstrations,
                "demonstrations_replaced": total.demonstrations_skipped,
            }
            write_json(out / "mic.json", manifest)
        progress(plan.total, plan.total)
        shutil.rmtree(out / ".work", ignore_errors=True)
    return Built(out, manifest["examples"], manifest["left_out"], manifest.get("pictures", {}))


@contextmanager
def _locked(out: Path, identity: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Lock the folder and yield its manifest. Raises InputError if the folder holds another set."""
    path = out / "mic.json"
    empty = not out.exists() or (out.is_dir() and all(map(is_temporary, out.iterdir())))
    if not (path.exists() or empty):
        raise InputError(f"{out}: is not empty and is not a MIC set; choose another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    handle = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{out}: another process is building there; wait, or choose another --out") from error
        if not path.exists():
            write_json(path, {"schema": SCHEMA, "identity": identity})
        manifest = read_json(path, "delete the folder and build again")
        if not isinstance(manifest.get("identity"), dict):
            raise InputError(f"{path}: not the manifest of a set; choose another folder with --out")
        if manifest.get("schema") != SCHEMA:
            raise InputError(f"{out}: built by another version of mmeval; choose another folder with --out")
        validated(_Counts, manifest, str(path), "delete the folder and build again", strict=True)
        for key, value in identity.items():
            if (stored := manifest["identity"].get(key)) != value:
                raise InputError(
                    f"{out}: holds a set with {key} = {stored!r}, not {value!r}; choose another folder with --out, "
                    "or delete this one"
                )
        for folder in (out / "pictures", out / ".work"):
            folder.mkdir(exist_ok=True)
        yield manifest
    finally:
        os.close(handle)


def _run_missing(making: Making, plan: Selection, workers: int, allowed: float, progress: Progress) -> Tally:
    """Do the missing shards. Raises InputError as soon as more rows are skipped than allowed."""
    total, missing = Tally(), []
    for name in (name for split in plan.numbers for name in plan.shards(split)):
        if _is_done(making.path(name)):
            total.add(making.path(name))
        else:
            missing.append(name)
    progress(total.rows, plan.total)
    with closing(run(making, plan, missing, workers)) as written:
        for path in written:
            total.add(path)
            progress(total.rows, plan.total)
            if total.skipped > allowed * plan.total:
                _join(making, plan.numbers, plan, b"-", "skipped")
                raise InputError(
                    f"{total.skipped} of {plural(plan.total, 'row')} cannot be used, the first because: {total.first}; "
                    f"{making.out / 'skipped.jsonl'} lists them. Fix the data and repeat the command, "
                    "or allow a larger share with --allow-skipped"
                )
    return total


def _is_done(path: Path) -> bool:
    """Return whether a shard has no skipped row. Other shards are redone, because their data may be fixed now."""
    tally = Tally()
    if path.exists():
        tally.add(path)
    return bool(tally.rows) and not tally.skipped and not tally.demonstrations_skipped


def _join(making: Making, splits: Iterable[str], plan: Selection, mark: bytes, name: str) -> int:
    """Join the shards' lines that begin with `mark` into one file; return their number."""
    count = 0
    temporary = making.out / ".work" / f"{name}.jsonl"
    with temporary.open("wb") as file:
        for path in (making.path(shard) for split in splits for shard in plan.shards(split)):
            content = path.read_bytes() if path.exists() else b""  # missing only if the build stops early
            lines = [line[1:] for line in content.splitlines(keepends=True) if line.startswith(mark)]
            file.writelines(lines)
            count += len(lines)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(making.out / f"{name}.jsonl")
    return count


def _traits(pictures: Path) -> Counter[str]:
    """Count the pictures with each trait. Raises InputError naming one that changed after it was checked."""
    try:
        return Counter(kind for path in pictures.iterdir() for kind in kinds(path))
    except Unusable as error:
        raise InputError(
            f"{pictures}: {error}; it has changed since it was checked: delete it there, and repeat the command"
        ) from error


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
