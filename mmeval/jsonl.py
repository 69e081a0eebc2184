"""Read and write JSON Lines, one object per line. Messages name the line. A truncated last line is not an error.

Callers interpret the objects. `files` reads whole JSON documents.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mmeval import regular
from mmeval.types import InputError, replace_surrogates

if TYPE_CHECKING:
    import jsonlines

BLOCK = 65536
FIX = "fix the line"


def read(
    path: Path,
    *,
    advice: str = FIX,
    whole_lines: bool = False,
    on_line: Callable[[bytes], object] = lambda line: None,
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each object and its place (`FILE, line N`). Blank lines are skipped.

    With `whole_lines`, skip a last line without a line break, left by a kill. `on_line` is called with the bytes of
    every line. Raises InputError, ending with the advice, for a file that cannot be read and for a line that is not a
    JSON object in UTF-8.
    """
    try:
        file = regular.opened(path)
    except OSError as error:
        raise _unreadable(str(path), error, advice) from error
    with file:
        yield from read_from(file, str(path), advice=advice, whole_lines=whole_lines, on_line=on_line)


def read_from(
    file: IO[bytes],
    name: str,
    *,
    advice: str = FIX,
    whole_lines: bool = False,
    on_line: Callable[[bytes], object] = lambda line: None,
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each object of an open file with this name, and raise, as `read` does."""
    import jsonlines

    number = 0

    def lines() -> Iterator[bytes]:
        nonlocal number
        for line in regular.lines(file):
            number += 1
            on_line(line)
            if line.endswith(b"\n") or not whole_lines:
                yield line

    try:
        with jsonlines.Reader(lines()) as reader:
            while True:
                try:
                    value = reader.read(type=dict, skip_empty=True)
                except EOFError:
                    return
                yield value, f"{name}, line {number}"
    except (jsonlines.InvalidLineError, RecursionError) as error:
        raise InputError(f"{name}, line {number}: not a JSON object{_why(error)}; {advice}") from error
    except OSError as error:
        raise _unreadable(name, error, advice) from error


def _unreadable(name: str, error: OSError, advice: str) -> InputError:
    return InputError(f"{name}: cannot be read ({error.strerror}); {'name another file' if advice == FIX else advice}")


def _why(error: Exception) -> str:
    """Return what is wrong with a line and where in it, in parentheses; nothing for a JSON value of another type."""
    match error.__cause__ or error:
        case json.JSONDecodeError(msg=message, pos=position):
            return f" ({message}, character {position + 1})"
        case UnicodeDecodeError(start=position):
            return f" (not UTF-8, byte {position + 1})"
        case RecursionError():
            return " (nested too deeply)"
    return f" ({error.__cause__})" if error.__cause__ else ""


def without_surrogates(value: Any) -> Any:
    """Replace every lone surrogate in the value with U+FFFD."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, (list, tuple)):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value


def shown(value: Mapping[str, Any]) -> str:
    """Return an object as a line for a terminal. Any unprintable character, which may move a cursor, is escaped.

    Other letters are escaped only if the line has unprintable characters.
    """
    line = json.dumps(value, ensure_ascii=False)
    return line if line.isprintable() else json.dumps(value)


@contextmanager
def appending(path: Path) -> Iterator[jsonlines.Writer]:
    """Open a file to append objects to. Once `write` returns, killing this process cannot lose the line.

    The file is synced to disk only at the end, because syncing each line would take longer than many answers. A power
    cut loses the lines that the system had not yet written.

    A truncated last line is cut off first. A lone surrogate, which UTF-8 cannot encode, is written as its JSON escape.
    """
    import jsonlines

    with path.open("a+b") as file:
        drop_torn_line(file)
    with path.open("a", encoding="utf-8", errors="backslashreplace", newline="") as text:
        try:
            yield jsonlines.Writer(text, compact=True, flush=True)
        finally:
            os.fsync(text.fileno())


def drop_torn_line(file: IO[bytes]) -> None:
    """Truncate a file, open for reading and writing, after its last line break."""
    end = keep = file.seek(0, os.SEEK_END)
    while keep > 0:
        start = max(0, keep - BLOCK)
        file.seek(start)
        newline = file.read(keep - start).rfind(b"\n")
        if newline >= 0:
            keep = start + newline + 1
            break
        keep = start
    if keep != end:
        file.truncate(keep)
    file.seek(0, os.SEEK_END)
