"""MME's results folder, which its authors' script reads and the leaderboard takes."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from mmeval.files import write_texts
from mmeval.reporting.leaderboards.findings import Finding, empty, problem
from mmeval.scoring.facts import needed
from mmeval.task_loading import load_task
from mmeval.tasks.mme import lines
from mmeval.types import InputError, Record, plural

BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Each becomes one space, so an answer keeps its first four characters, which MME's script reads."""

STEPS = """What to do with it today (checked 2026-08):
- MME has no written procedure and its leaderboard last changed in 2024-11. Its answers are public, so the score is
  the one that `mmeval score` prints.
- To confirm it, put the fourteen files into a folder `Your_Results` and run the release's eval_tool on it."""


def write(records: Sequence[Record], folder: Path) -> list[Path]:
    """Write one file per subtask, with the two lines of a picture adjacent; return the files.

    Raises InputError before anything is written if an answer is missing, since the script needs all of them.
    """
    return write_texts({folder / f"{name}.txt": "".join(_lines(name, records)) for name in load_task("mme").axes})


def check(folder: Path) -> list[Finding]:
    """Return the findings for a results folder from any source; `folder` may also be a file in it.

    This is the first error that stops MME's script, or else every two lines that it would wrongly score as a pair, and
    a warning if answers are empty.
    """
    folder = folder.parent if folder.is_file() else folder
    total = int(load_task("mme").card["questions"])
    try:
        records = lines(str(folder))
    except InputError as error:
        return [problem(str(error))]
    findings = [finding for pair in zip(records[::2], records[1::2], strict=True) for finding in _pair(folder, *pair)]
    silent = [record.id.split("/") for record in records if not (record.text or "").strip()]
    locations = [f"{folder / subtask}.txt, line {number}" for subtask, number in silent]
    findings += empty("answer", locations, len(records))
    if len(records) != total:
        findings.append(problem(f"{folder}: {plural(len(records), 'answer')}; the benchmark has {total:,} questions"))
    return findings


def _pair(folder: Path, first: Record, second: Record) -> Iterator[Finding]:
    """Yield the errors in two lines, which the script always takes for the two questions of one picture."""
    subtask, number = first.id.split("/")
    where = f"{folder / subtask}.txt, lines {number} and {int(number) + 1}"
    if first.groups["image"] != second.groups["image"]:
        names = " and ".join(record.groups["image"].removeprefix(f"{subtask}/") for record in (first, second))
        yield problem(f"{where}: from different pictures, {names}; put the two lines of a picture together")
    elif first.question == second.question:
        yield problem(f"{where}: the same question twice; ask both questions of the picture")


def _lines(subtask: str, records: Sequence[Record]) -> Iterator[str]:
    of_subtask = sorted(
        (r for r in records if r.category == subtask), key=lambda r: (r.groups["image"], len(r.id), r.id)
    )
    if not of_subtask:
        raise InputError(f"{subtask}: no answers, but the leaderboard needs all subtasks; run without --limit")
    for picture, group in groupby(of_subtask, key=lambda record: record.groups["image"]):
        answers = list(group)
        if len(answers) != 2:
            raise InputError(f"{picture}: {plural(len(answers), 'answer')}, not 2; finish the run first")
        yield from (_line(picture.removeprefix(f"{subtask}/"), record) for record in answers)


def _line(picture: str, record: Record) -> str:
    if record.text is None:
        raise InputError(f"{record.id}: no answer ({record.error}); fix the cause and repeat the command")
    with needed([record]):
        columns = (picture, record.question, record.targets[0].capitalize(), record.text)
    line = "\t".join(BREAKS.sub(" ", column) for column in columns)
    return line.encode("utf-8", "replace").decode("utf-8") + "\n"
