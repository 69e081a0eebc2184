"""The files that leaderboards ask for, one module a leaderboard."""

from __future__ import annotations

from pathlib import Path

from mmeval.reporting.submission import mme
from mmeval.run import Run
from mmeval.types import InputError, nearest

BOARDS = {"mme": mme.write}


def write(run: Run, board: str, folder: Path) -> list[Path]:
    """Writes a run's answers as that leaderboard wants them; returns the files. Raises InputError."""
    if board not in BOARDS:
        raise InputError(f"unknown leaderboard '{board}'{nearest(board, BOARDS)}; there are: {', '.join(BOARDS)}")
    data = run.identity["data"]
    if data["source"] == "embedded" or data["limit"] is not None:
        why = "is on the embedded picture world" if data["source"] == "embedded" else "was limited"
        raise InputError(f"{run.folder}: the run {why}, so it is nothing for a leaderboard; run on the whole real data")
    return BOARDS[board](run.records, folder)
