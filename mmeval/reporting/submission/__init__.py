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
    return BOARDS[board](run.records, folder)
