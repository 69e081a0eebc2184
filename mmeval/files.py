"""Write files atomically, read JSON objects, and lock files.

Callers interpret the objects. `jsonl` reads and writes JSON Lines.
"""

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from mmeval import regular
from mmeval.types import InputError

LONGEST_NAME = 200
"""Maximum bytes of a name made from a user's words; file systems take 255, endings and temporary names included."""
STALE_AFTER = 24 * 3600.0
"""After this many seconds, another machine's temporary file is left over from a killed process."""
_TEMPORARY = re.compile(r"\..+?(?:\.([0-9a-f]{8}))?\.([0-9]+)")


def write_json(path: Path, value: object) -> None:
    """Write the whole value or leave the old file, even if the process is killed or the disk fails."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text as `write_bytes` does. A lone surrogate is written as its escape."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write the whole content or leave the old file.

    A file that has this content already is not written, so it may be on a read-only disk. Deletes temporary files of
    the same name that killed processes left behind. Raises OSError naming the file, not the temporary one.
    """
    if path.is_file() and path.read_bytes() == content:
        return
    temporary = path.with_name(temporary_name(path.name, os.getpid()))
    try:
        for leftover in path.parent.iterdir():
            if leftover.name.startswith(f".{path.name}.") and is_left_behind(leftover):
                leftover.unlink(missing_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # a power cut must not leave an empty file under the name
            temporary.replace(path)
            sync_folder(path.parent)  # nor lose the name, which later files may refer to
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        error.filename = str(path)
        raise


def delete(path: Path) -> None:
    """Delete a file if it exists. If not, nothing is wrong, even on a read-only disk."""
    if path.exists():
        path.unlink(missing_ok=True)


def write_texts(texts: Mapping[Path, str]) -> list[Path]:
    """Write each text as `write_text` does, into folders that are made if needed; return the paths."""
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    return list(texts)


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def temporary_name(name: str, process: int) -> str:
    """Return the name under which a process of this machine writes a file."""
    return f".{name}.{_machine()}.{process}"


def is_temporary(path: Path) -> bool:
    """Tell whether `write_text` made the file and has not yet given it its name, or was killed before that."""
    return _TEMPORARY.fullmatch(path.name) is not None and not path.is_dir()


def is_left_behind(path: Path) -> bool:
    """Tell whether the file was left behind by a killed `write_text`.

    A process of another machine may be writing its file now, unless the file is old.
    """
    match = _TEMPORARY.fullmatch(path.name)
    if match is None or path.is_dir():
        return False
    machine, process = match[1], int(match[2])
    try:
        if machine != _machine():
            return time.time() - path.stat().st_mtime > STALE_AFTER
        os.kill(process, 0)
    except FileNotFoundError:  # its process has renamed it
        return False
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # another user's process
        return False
    return process == os.getpid()


@cache
def _machine() -> str:
    """Return a short name of the process-id namespace of this machine or container."""
    ids = Path("/proc/self/ns/pid")  # containers may share the host's name
    namespace = f"{os.uname().nodename} {ids.stat().st_ino if ids.exists() else ''}"
    return short_digest(namespace)


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """Read a JSON object from a file. Raises InputError with the file and the advice."""
    try:
        value = json.loads(regular.read_bytes(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing; {advice}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); {advice}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a JSON object; {advice}")
    return value


def validated(kind: Any, value: object, where: str, advice: str, *, strict: bool = False) -> Any:
    """Convert the value to a kind (a dataclass, a typed dict). Raises InputError naming the first wrong key.

    `strict`: numbers written as text are wrong, for callers that use the value as it is.
    """
    from pydantic import ValidationError

    try:
        if strict:
            return _adapter(kind).validate_json(json.dumps(value), strict=True)
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        location = ", ".join([where, *map(str, first["loc"])])
        raise InputError(f"{location}: {first['msg']}, not {first['input']!r:.60}; {advice}") from error


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


@contextmanager
def locked(path: Path, message: str = "", *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Hold an exclusive or `shared` lock on a file, creating the file if needed.

    If another process holds the lock, waits with `wait`; otherwise raises InputError with the message.
    """
    with path.open("ab") as file:
        try:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(message) from error
        yield


def component(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a text as one component of a path. One of more than `longest` bytes is cut and ends in a digest."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in text).lstrip(".") or "_"
    if len(safe.encode()) <= longest:
        return safe
    end = f"-{short_digest(text)}"
    return safe.encode()[: longest - len(end)].decode(errors="ignore") + end


def short_digest(text: str) -> str:
    """Return eight hex digits that distinguish a text from others."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def read_ids(path: Path) -> tuple[str, ...]:
    """Return the ids in a text file, one per line. Raises InputError if the file is unreadable or has no ids."""
    try:
        lines = tuple(filter(None, regular.read_text(path).split("\n")))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"{path}: cannot be read ({reason}); give a text file of ids, one per line") from error
    if not lines:
        raise InputError(f"{path}: contains no ids; write one per line")
    return lines
