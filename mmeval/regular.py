"""Open files that data or a user names, but no pipes, devices or huge sparse files.

Reading a pipe waits forever, and a device never ends. Callers interpret the bytes.
"""

from __future__ import annotations

import copy
import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import zipfile

    import pyarrow.parquet

GIANT = 1 << 28
"""Size in bytes above which sparse files are refused."""
LONGEST = 1 << 28
"""Maximum bytes of a line, or of a value in a table: a picture of 200 megabytes in base64."""
COMPRESSION = 100
"""Tables above GIANT with a higher compression ratio are refused. Texts reach about 10, pictures 1."""
HOLLOW = 1000
"""A file this many times larger than its disk blocks is sparse; compression does not reach that."""


def opened(path: Path) -> BufferedReader:
    """Open a regular file for reading. For anything else, raises OSError with a `strerror` to quote in a sentence."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name has a NUL character", ascii(str(path)))
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
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


def expanded_size(table: pyarrow.parquet.FileMetaData) -> int:
    """Return the size of a parquet table's columns without compression, in bytes.

    The sizes of single columns would be more precise, but pyarrow ends the process if their statistics are damaged.
    """
    return sum(table.row_group(number).total_byte_size for number in range(table.num_row_groups))


def expands(stored: int, size: int) -> bool:
    """Return whether a table is so much larger than its bytes on disk that one page of it could fill the memory."""
    return size > GIANT and size > COMPRESSION * stored


def exists(path: Path) -> bool:
    """Return whether there is a file or folder of this name. Raises OSError for a name that none can have.

    `Path.exists` returns False for such names, from Python 3.14 on for all of them.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except ValueError as error:  # NUL, or half of a surrogate pair
        raise OSError(errno.EINVAL, "no file can have this name") from error
    return True


def is_folder(name: str | Path) -> bool:
    """Return whether a folder has this name. Unlike `Path.is_dir`, it does not raise if the name is too long."""
    return os.path.isdir(name)  # noqa: PTH112


def lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of an open file. Raises OSError with a `strerror` to quote if one is longer than LONGEST."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise OSError(errno.EFBIG, f"line {number} is longer than {LONGEST:,} bytes")
        yield line


def read_bytes(path: Path) -> bytes:
    """Read a whole regular file. Raises OSError."""
    with opened(path) as file:
        return file.read()


def unpacked(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> bytes:
    """Read a file in a zip, at most the size that the zip states, which the caller has checked.

    `ZipFile.read` unpacks a file that is larger than stated before it cuts it. Raises BadZipFile for methods whose
    output zipfile does not limit, and zipfile's other errors.
    """
    with _unpacking(archive, item) as stream:
        return stream.read(item.file_size)


def check_sizes(archive: zipfile.ZipFile) -> None:
    """Raise BadZipFile if a file in a zip is larger than the zip states, for a library that reads such files whole.

    Raises as `unpacked` does.
    """
    import zipfile

    for item in archive.infolist():
        longer, size = copy.copy(item), 0
        longer.file_size += 1
        with _unpacking(archive, longer) as stream:
            while block := stream.read(1 << 20):
                size += len(block)
        if size > item.file_size:
            raise zipfile.BadZipFile(f"{item.filename!r:.80} is larger than it states")


def _unpacking(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> IO[bytes]:
    import zipfile

    if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{item.filename!r:.80} is compressed with method {item.compress_type}; deflate it")
    return archive.open(item)


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Read a whole regular file as text, with line breaks as `\\n`. Raises OSError, UnicodeDecodeError."""
    text = read_bytes(path).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
