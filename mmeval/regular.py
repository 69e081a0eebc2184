"""Open files that data or a user names, and nothing else that a path may lead to: no pipe, no device, no empty giant.

Reading a pipe waits forever, and a device never ends. What the bytes mean is for the callers to say.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

GIANT = 1 << 28
"""Bytes above which a file must be more than a hole."""
HOLLOW = 1000
"""How many times larger than its blocks on the disk a file is that holds next to nothing; no compression gives it."""


def opened(path: Path) -> BufferedReader:
    """Open a regular file for reading. Raises OSError, with a `strerror` fit for a sentence, for anything else."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") if not path.is_dir() else None
    if file is None:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    found = os.fstat(file.fileno())
    reason = ""
    if not stat.S_ISREG(found.st_mode):
        reason = "not a regular file"
    elif found.st_size > GIANT and found.st_blocks * 512 * HOLLOW < found.st_size:
        reason = f"{found.st_size:,} bytes long and empty"
    if reason:
        file.close()
        raise OSError(errno.EINVAL, reason, str(path))
    return file


def read_bytes(path: Path) -> bytes:
    """Read a whole regular file. Raises OSError."""
    with opened(path) as file:
        return file.read()


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Read a whole regular file as text, with line breaks as `\\n`. Raises OSError, UnicodeDecodeError."""
    text = read_bytes(path).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
