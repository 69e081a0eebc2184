"""A yes/no question as its data set has it, and the checks that hold for every source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mmeval.types import Image, InputError, nearest


@dataclass(frozen=True, eq=False)
class YesNoRow:
    """A question about a picture."""

    subtask: str
    picture: str
    """The picture's name, unique in its subtask."""
    image: Image
    question: str
    answer: str
    where: str
    """File and line, for whoever has to mend it."""


def pairs(rows: Iterable[YesNoRow], subtasks: Sequence[str]) -> Iterator[tuple[YesNoRow, YesNoRow]]:
    """The two questions of each picture, together, in the order in which the pictures are complete.

    Raises InputError for a subtask that is not among those, an answer that is neither yes nor no, a question
    asked twice, and a picture with one question or more than two.
    """
    waiting: dict[tuple[str, str], YesNoRow] = {}
    complete: set[tuple[str, str]] = set()
    for row in rows:
        _check(row, subtasks)
        picture = (row.subtask, row.picture)
        if picture in complete:
            raise InputError(f"{row.where}: more than two questions for the picture {'/'.join(picture)}; keep two")
        if picture not in waiting:
            waiting[picture] = row
            continue
        first = waiting.pop(picture)
        if first.question == row.question:
            raise InputError(f"{row.where}: the question of {first.where} again; ask two different ones")
        complete.add(picture)
        yield first, row
    for (subtask, name), row in waiting.items():
        raise InputError(f"{row.where}: one question for the picture {subtask}/{name}; add the second")
    if not complete:
        raise InputError("the data holds no question; check that it is the right folder or table")


def check_subtask(name: str, where: str, subtasks: Sequence[str]) -> None:
    """Raises InputError naming the nearest one if there is no such subtask."""
    if name not in subtasks:
        raise InputError(f"{where}: unknown subtask '{name}'{nearest(name, subtasks)}; there are {', '.join(subtasks)}")


def _check(row: YesNoRow, subtasks: Sequence[str]) -> None:
    check_subtask(row.subtask, row.where, subtasks)
    if row.answer.lower() not in ("yes", "no"):
        raise InputError(f"{row.where}: the ground truth is '{row.answer[:80]}'; it must be Yes or No")
    if not row.question.strip():
        raise InputError(f"{row.where}: the question is empty; write one")
