"""MME's results folder: what its authors' script reads, and what goes to the leaderboard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from mmeval.run import write_text
from mmeval.task import load_task
from mmeval.types import InputError, Record

BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Each becomes one blank, so that an answer keeps its first four characters, which are what MME's script reads."""


def write(records: Sequence[Record], folder: Path) -> list[Path]:
    """One file a subtask, the two lines of a picture adjacent; returns the files.

    Raises InputError, before anything is written, if an answer is missing: the script needs them all.
    """
    files = {folder / f"{name}.txt": "".join(_lines(name, records)) for name in load_task("mme").axes}
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        write_text(path, text)
    return list(files)


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
