"""MME's results folder: what its authors' script reads, and what goes to the leaderboard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from mmeval.run import write_text
from mmeval.sources.mmbench_predictions import Finding
from mmeval.task import load_task
from mmeval.types import InputError, Record

BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Each becomes one blank, so that an answer keeps its first four characters, which are what MME's script reads."""


TOTAL = 2374
"""Questions of the release."""

STEPS = """What to do with it today (checked 2026-08):
- MME has no written procedure and its leaderboard last changed in 2024-11; its answers are public, so the score is
  the one printed by `mmeval score`.
- To have it confirmed, put the fourteen files into a folder `Your_Results` and run the release's eval_tool on it."""


def write(records: Sequence[Record], folder: Path) -> list[Path]:
    """One file a subtask, the two lines of a picture adjacent; returns the files.

    Raises InputError, before anything is written, if an answer is missing: the script needs them all.
    """
    files = {folder / f"{name}.txt": "".join(_lines(name, records)) for name in load_task("mme").axes}
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        write_text(path, text)
    return list(files)


def check(folder: Path) -> list[Finding]:
    """What is wrong with a results folder, ours or anybody's: the first thing that stops MME's script."""
    read = load_task("mme").read_predictions
    assert read is not None
    try:
        records = read(str(folder if folder.is_dir() else folder.parent))
    except InputError as error:
        return [Finding("wrong", str(error))]
    if len(records) == TOTAL:
        return []
    return [Finding("mind", f"{folder}: {len(records):,} answers; the benchmark has {TOTAL:,} questions")]


def _lines(subtask: str, records: Sequence[Record]) -> Iterator[str]:
    mine = sorted((r for r in records if r.category == subtask), key=_place)
    if not mine:
        raise InputError(f"{subtask}: no answers, and the leaderboard needs all subtasks; run without --limit")
    for picture, group in groupby(mine, key=lambda record: record.groups["image"]):
        answers = list(group)
        if len(answers) != 2:
            raise InputError(f"{picture}: {len(answers)} answers, not 2; finish the run first")
        yield from (_line(picture.removeprefix(f"{subtask}/"), record) for record in answers)


def _place(record: Record) -> tuple[str, int, str]:
    return record.groups["image"], len(record.id), record.id


def _line(picture: str, record: Record) -> str:
    if record.text is None:
        raise InputError(f"{record.id}: no answer ({record.error}); mend what is wrong and run again")
    columns = (picture, record.question, record.targets[0].capitalize(), record.text)
    line = "\t".join(BREAKS.sub(" ", column) for column in columns)
    return line.encode("utf-8", "replace").decode("utf-8") + "\n"
