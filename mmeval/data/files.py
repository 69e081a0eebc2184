"""Find the files that data names, inside the folder that the user named."""

import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image as PILImage

from mmeval import regular
from mmeval.types import BROKEN, FORMATS, Image, InputError

LITTER = {".DS_Store", "Thumbs.db", "__MACOSX"}
"""What macOS and Windows leave in folders; so are files whose names begin with `._`."""


def picture(folder: Path, name: str, where: str) -> Image:
    """Return the picture of that name in the folder. Raises InputError where it is missing or `inside` refuses it."""
    path = inside(folder, name, where)
    if not path.is_file():
        raise InputError(f"{where}: there is no picture {path}; put it there")
    return Image(path, name)


def first(folder: Path, names: Sequence[str], where: str) -> str:
    """Return the first of the names under which a file is in the folder, or the first of all. Raises InputError."""
    return next((name for name in names if inside(folder, name, where).is_file()), names[0])


def inside(folder: Path, name: str, where: str) -> Path:
    """Return the path of a file that data names, whether it is there or not.

    A link in the folder may lead anywhere to a picture, since the user named the folder, and nowhere else. Raises
    InputError for any other way out of the folder, for an address, and for what cannot be the name of a file.
    """
    if "://" in name:
        raise InputError(f"{where}: '{name[:80]}' is an address; pictures are not fetched: get the file and name it")
    path, pure = folder / name, PurePosixPath(name)
    try:
        there = path.exists()  # raises for a name that no file can have: too long, a null character, a loop
        allowed = path.resolve().is_relative_to(folder.resolve())
        if not allowed and not pure.is_absolute() and ".." not in pure.parts:
            allowed = is_picture(path) if there else True
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{where}: {name[:80]!a} cannot be the name of a file; fix it") from error
    if not allowed:
        raise InputError(f"{where}: '{name[:80]}' leads out of {folder}; put the file itself there")
    return path


def is_picture(path: Path) -> bool:
    """Return whether a regular file begins as a picture of a known kind does."""
    if not path.is_file():
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PILImage.DecompressionBombWarning)
            PILImage.open(path, formats=FORMATS).close()
    except BROKEN:
        return False
    return True


def glob(folder: Path, pattern: str) -> list[Path]:
    """Return what matches the pattern in the folder, sorted, without what macOS and Windows leave there.

    Raises InputError for a pattern that is longer than a name can be.
    """
    try:
        found = sorted(folder.glob(pattern))
    except OSError as error:
        reason = f"cannot be the name of files in it ({error.strerror})"
        raise InputError(f"{folder}: {pattern[:80]!a} {reason}; fix it") from error
    return [path for path in found if not is_litter(path.relative_to(folder))]


def is_litter(path: Path) -> bool:
    """Return whether a path is, or lies in, what macOS and Windows leave in folders."""
    return any(part in LITTER or part.startswith("._") for part in path.parts)


def blocks(path: Path, size: int) -> Iterator[str]:
    """Read a text file in UTF-8 by so many characters. Raises InputError naming it."""
    try:
        with io.TextIOWrapper(regular.opened(path), encoding="utf-8-sig") as file:
            while block := file.read(size):
                yield block
    except (UnicodeDecodeError, OSError):
        yield text(path)  # which says why


def text(path: Path) -> str:
    """Read a whole text file in UTF-8. Raises InputError naming it."""
    try:
        return regular.read_text(path, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
