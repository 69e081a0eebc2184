"""Export a run to formats that other programs read, one module per format. Nothing is uploaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmeval.files import write_texts
from mmeval.reporting.interchange import every_eval_ever, hub, inspect_ai, lm_eval, tables
from mmeval.runs.run import Run
from mmeval.types import InputError, nearest

__all__ = ["FORMATS", "Format", "write"]


@dataclass(frozen=True)
class Format:
    """An export format."""

    name: Callable[[Run], str]
    """Returns the file's name, or its path in the export folder."""
    texts: Callable[[Run, Path], dict[Path, str]]
    """Takes the path of the first file and returns path -> content, that file first. Raises InputError."""
    shared: bool = False
    """Whether the file goes to a leaderboard or public database, so a run with marks is refused."""
    next: str = ""
    """What the user has to do with the file."""


FORMATS = {
    "csv": Format(lambda run: "table.csv", tables.csv),
    "latex": Format(lambda run: "table.tex", tables.latex),
    "lm-eval": Format(lm_eval.name, lm_eval.texts),
    "inspect": Format(inspect_ai.name, inspect_ai.texts, next=inspect_ai.NEXT),
    "hub": Format(hub.name, hub.texts, shared=True, next=hub.NEXT),
    "every-eval-ever": Format(every_eval_ever.name, every_eval_ever.texts, shared=True, next=every_eval_ever.NEXT),
}


def write(run: Run, name: str, out: Path | None = None) -> list[Path]:
    """Write a scored run in that format and return the files; by default they go to `exports` in the run's folder.

    Raises InputError, before anything is written, for an unknown format, an unscored run, and, if the format goes to a
    leaderboard, a run with marks.
    """
    if name not in FORMATS:
        raise InputError(f"unknown format '{name}'{nearest(name, FORMATS)}; choose from {', '.join(FORMATS)}")
    form = FORMATS[name]
    if form.shared and run.marks:
        needed = f"'{name}' goes to leaderboards, which need complete runs on the benchmark's data; use lm-eval or csv"
        raise InputError(f"{run.folder}: {run.marks[0]}; {needed}")
    if form.shared and run.spec.partial:
        raise InputError(f"{run.folder}: a run on part of the data (--partial), but '{name}' goes to leaderboards")
    path = out or run.folder / "exports" / form.name(run)
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file with --out")
    return write_texts(form.texts(run, path))
