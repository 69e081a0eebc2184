"""A run in the forms that others read: one module a form; marks stand in each, and nothing is uploaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmeval.files import write_text
from mmeval.reporting.interchange import every_eval_ever, hub, lm_eval, tables
from mmeval.run import Run
from mmeval.types import InputError, nearest

__all__ = ["FORMATS", "Format", "write"]


@dataclass(frozen=True)
class Format:
    """A form that others read."""

    name: Callable[[Run], str]
    """The file's name, or its path under the folder that the run is exported to."""
    texts: Callable[[Run, Path], dict[Path, str]]
    """Path -> what stands in it, given the path of the first; the first is that one. Raises InputError."""
    shared: bool = False
    """Whether it goes to a leaderboard or a public data base: a run with marks is refused."""
    next: str = ""
    """What is left to do with the file."""


FORMATS = {
    "csv": Format(lambda run: "table.csv", tables.csv),
    "latex": Format(lambda run: "table.tex", tables.latex),
    "lm-eval": Format(lm_eval.name, lm_eval.texts),
    "hub": Format(hub.name, hub.texts, shared=True, next=hub.NEXT),
    "every-eval-ever": Format(every_eval_ever.name, every_eval_ever.texts, shared=True, next=every_eval_ever.NEXT),
}


def write(run: Run, name: str, out: Path | None = None) -> list[Path]:
    """Write a scored run in that form and return the files; by default they go to the run's folder `exports`.

    Raises InputError for an unknown form, a run that was not scored, and, where the form goes to a leaderboard, a run
    with marks; nothing is written then.
    """
    if name not in FORMATS:
        raise InputError(f"unknown format '{name}'{nearest(name, FORMATS)}; there are: {', '.join(FORMATS)}")
    form = FORMATS[name]
    if form.shared and run.marks:
        needed = f"'{name}' goes to leaderboards, which take whole runs on the benchmark's data; --to lm-eval or csv do"
        raise InputError(f"{run.folder}: {run.marks[0]}; {needed}")
    if form.shared and run.spec.partial:
        raise InputError(f"{run.folder}: a run of part of the data (--partial); '{name}' goes to leaderboards")
    path = out or run.folder / "exports" / form.name(run)
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file with --out")
    texts = form.texts(run, path)
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text)
    return list(texts)
