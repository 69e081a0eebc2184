"""Files that are whole or not there: written in one step, read as JSON objects, held by one process at a time.

What the objects mean is for the callers to say; JSON Lines are read and written in `jsonl`.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from mmeval import regular
from mmeval.types import InputError

_TEMPORARY = re.compile(r"\..+\.([0-9]+)")


def write_json(path: Path, value: object) -> None:
    """Write the whole value or leave the old file, whenever the process is killed and whatever the disk does."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write the whole text or leave the old file; half a surrogate pair is written as its escape.

    What processes that were killed over the same file have left behind is cleared.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    for left in path.parent.iterdir():
        if left.name.startswith(f".{path.name}.") and is_temporary(left):
            left.unlink(missing_ok=True)
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave an empty file under the name
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # nor lose the name of what later files speak of
        finally:
            os.close(folder)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_temporary(path: Path) -> bool:
    """Tell whether `write_text` left the file behind when it was killed."""
    found = _TEMPORARY.fullmatch(path.name)
    if found is None or path.is_dir():
        return False
    try:
        os.kill(int(found[1]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # another user's process
        return False
    return int(found[1]) == os.getpid()


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """Read a JSON object from a file. Raises InputError naming the file, with the advice."""
    try:
        value = json.loads(regular.read_bytes(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: not there; {advice}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); {advice}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a JSON object; {advice}")
    return value


def validated(kind: Any, value: object, where: str, advice: str) -> Any:
    """Return the value as that kind (a dataclass, a typed dict). Raises InputError naming the first wrong key."""
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ", ".join([where, *map(str, first["loc"])])
        raise InputError(f"{place}: {first['msg']}, not {first['input']!r:.60}; {advice}") from error


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


@contextmanager
def locked(path: Path, message: str = "", *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Hold a lock on a file, made if need be; a `shared` one beside others that hold it so.

    Raises InputError with the message while another process holds it, unless it is to `wait`.
    """
    with path.open("ab") as file:
        try:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(message) from error
        yield


def read_ids(path: Path) -> tuple[str, ...]:
    """Return the ids of a text file, one a line. Raises InputError for a file that is none, or has none."""
    try:
        found = tuple(filter(None, regular.read_text(path).split("\n")))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a text file of ids, one a line") from error
    if not found:
        raise InputError(f"{path}: no id in it; write one a line")
    return found
