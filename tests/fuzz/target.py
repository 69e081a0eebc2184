"""A target of the fuzzer, and how the command line is called on damaged input."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from mmeval.cli import main
from mmeval.types import InputError

Act = Callable[[Path, random.Random], object]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that may move a terminal's cursor; a line break and a tabulator do no harm."""
ENDINGS = (0, 1, 2)
"""Done; done with errors among the answers; bad input."""


@dataclass(frozen=True)
class Target:
    """Makes a folder of valid files, and reads it after one of them was damaged.

    A reading ends well, or raises an error that has a sentence for the user.
    """

    make: Callable[[Path], object]
    read: Act
    good: bool = True
    """Whether reading succeeds as long as nothing is damaged."""


def sentences() -> tuple[type[Exception], ...]:
    """Return the errors whose message is a sentence that the command line prints."""
    from mmeval.mmicl.training.config import TrainingError
    from mmeval.mmicl.weights import CheckpointError

    return (InputError, TrainingError, CheckpointError)


def command(*words: object, given: bytes = b"", endings: tuple[int, ...] = ENDINGS) -> str:
    """Call the command line with `given` as its standard input; return what it prints.

    Raises AssertionError where it ends with a fault, or prints what would move a terminal's cursor.
    """
    arguments = [str(word) for word in words]
    result = CliRunner().invoke(main, arguments, input=given)
    if result.exit_code not in endings or not isinstance(result.exception, (SystemExit, type(None))):
        raise AssertionError(f"{arguments}: status {result.exit_code}, {result.exception!r}\n{result.output[-3000:]}")
    if match := CONTROL.search(result.output):
        raise AssertionError(f"{arguments}: prints {match[0]!r}\n{result.output[-2000:]!r}")
    return result.output
