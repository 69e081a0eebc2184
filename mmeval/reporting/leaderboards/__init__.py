"""The files that leaderboards ask for, one module per leaderboard: write, check and explain them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmeval.reporting.leaderboards import mmbench, mme, openvlm
from mmeval.reporting.leaderboards.findings import Finding
from mmeval.runs.run import Run
from mmeval.task_loading import load_task
from mmeval.types import InputError, nearest

__all__ = ["BOARDS", "Board", "Finding", "check", "own", "write"]


@dataclass(frozen=True)
class Board:
    """A leaderboard, or an archive of answers."""

    tasks: tuple[str, ...]
    write: Callable[[Run, Path], list[Path]]
    """Writes a run's files into a folder and returns them. Raises InputError before anything is written."""
    check: Callable[[Path], list[Finding]]
    """Returns the findings for such a file or folder from any source."""
    steps: str
    """How to submit or use the files today."""


BOARDS = {
    "mme": Board(("mme",), lambda run, folder: mme.write(run.records, folder), mme.check, mme.STEPS),
    "mmbench": Board(("mmbench", "ccbench"), mmbench.write, mmbench.check, mmbench.STEPS),
    "openvlm": Board(("mmbench", "ccbench"), openvlm.write, openvlm.check, openvlm.STEPS),
}


def own(run: Run) -> bool:
    """Tell whether the benchmark's own files are written next to a run: for MME, if it has all subtasks."""
    return _benchmark(run) == "mme" and load_task("mme").axes.keys() <= {record.category for record in run.records}


def write(run: Run, board: str, folder: Path) -> list[Path]:
    """Write a run's answers in that leaderboard's format; return the files.

    Raises InputError for an unknown leaderboard, and for a run of another task, on other data than the benchmark's own,
    limited, unfinished, or with errors.
    """
    wanted, benchmark = _find(board), _benchmark(run)
    if benchmark not in wanted.tasks:
        names = " or ".join(wanted.tasks)
        raise InputError(f"{run.folder}: a run of {benchmark}, but '{board}' needs {names}; name another run")
    if run.marks:
        needed = "a leaderboard needs an answer to every question of the benchmark"
        raise InputError(f"{run.folder}: {run.marks[0]}; {needed}")
    for record in run.records:
        if "skipped" in record.tags:
            raise InputError(f"{record.id}: not asked; a leaderboard needs every rotation, so run without --early-stop")
        if record.text is None:
            raise InputError(f"{record.id}: chosen by likelihood; a leaderboard needs texts, so run without --scoring")
    return wanted.write(run, folder)


def _benchmark(run: Run) -> str:
    """Return the name of the run's benchmark. A user's card with a benchmark's name does not count as it."""
    return f"the card {run.spec.task}" if "card" in run.identity else run.spec.task


def check(path: Path, board: str) -> list[Finding]:
    """Return the errors and warnings for a file in that leaderboard's format."""
    return _find(board).check(path)


def _find(board: str) -> Board:
    if board not in BOARDS:
        raise InputError(f"unknown leaderboard '{board}'{nearest(board, BOARDS)}; choose from {', '.join(BOARDS)}")
    return BOARDS[board]
