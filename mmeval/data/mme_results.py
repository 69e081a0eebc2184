"""MME's results folder: a file a subtask, a line an answer: picture, question, ground truth, answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.types import InputError, Record


def records(folder: Path, subtasks: Sequence[str]) -> list[Record]:
    """Everything that the folder says, in its order; `pair` ties lines 1 and 2, 3 and 4, ..., as MME's script does.

    Lines are read as that script reads them. Raises InputError, naming file and line, where it stops: a file
    that is missing, empty or has an odd number of lines; a line that has not four columns; a ground truth
    that is not exactly yes or no, in any case.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder with {subtasks[0]}.txt and the others")
    return [record for subtask in subtasks for record in _file(folder / f"{subtask}.txt", subtask)]


def _file(path: Path, subtask: str) -> Iterator[Record]:
    lines = _lines(path)
    if not lines:
        raise InputError(f"{path}: empty; it must have two lines for each picture")
    for number, line in enumerate(lines, start=1):
        yield _record(line, subtask, number, f"{path}, line {number}")
    if len(lines) % 2:
        raise InputError(f"{path}, line {len(lines)}: an odd number of lines; each picture must have two")


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError as error:
        raise InputError(f"{path}: not there; a results folder has a file for each of the subtasks") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    return lines[:-1] if lines[-1] == "" else lines


def _record(line: str, subtask: str, number: int, where: str) -> Record:
    columns = line.split("\t")
    if len(columns) != 4:
        raise InputError(
            f"{where}: {len(columns)} columns and not 4 (picture, question, ground truth, answer); "
            "write answers without tabs and line breaks, and no blank lines"
        )
    picture, question, truth, answer = columns
    if truth.lower() not in ("yes", "no"):
        raise InputError(f"{where}: the ground truth is '{truth[:80]}'; it must be Yes or No, with nothing around it")
    groups = {"image": f"{subtask}/{picture}", "pair": f"{subtask}/{(number + 1) // 2}"}
    return Record(f"{subtask}/{number}", (truth.lower(),), subtask, groups, question=question, text=answer)
