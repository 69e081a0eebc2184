"""The picture world's own questions of other kinds than MME's, a suite a task: they are plugged in here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmeval.types import InputError, Sample

SUITES: dict[str, Callable[[], Iterator[Sample]]] = {}
"""Task -> its embedded questions."""


def samples(task: str, data: str) -> Iterator[Sample]:
    """The embedded questions of a task. Raises InputError, naming the data to give instead, where it has none."""
    if task not in SUITES:
        raise InputError(f"{task} has no embedded questions: give --data, {data}")
    return SUITES[task]()
