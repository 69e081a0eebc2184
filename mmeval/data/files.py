"""Find the files that data names, inside the folder that the user named."""

import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path, PurePosixPath

from PIL import Image as PILImage

from mmeval import regular
from mmeval.pictures import FORMATS, Unusable, decoding
from mmeval.types import Image, InputError, part_of

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})(\.\w+)$")
LITTER = {".DS_Store", "Thumbs.db", "__MACOSX"}
"""Files that macOS and Windows leave behind; names starting with `._` count too."""

_NEEDED: ContextVar[bool] = ContextVar("needed", default=True)


@contextmanager
def without_media() -> Iterator[None]:
    """Read questions whose pictures and videos may be missing: scoring existing answers takes none."""
    token = _NEEDED.set(False)
    try:
        yield
    finally:
        _NEEDED.reset(token)


def media_needed() -> bool:
    """Return whether a missing picture or video is an error."""
    return _NEEDED.get()


def picture(folder: Path, name: str, where: str, *others: str) -> Image:
    """Return the picture of that name in the folder, or of the first other name that is there.

    Raises InputError if none is there or `inside` refuses one.
    """
    names = (name, *others)
    existing = next((option for option in names if inside(folder, option, where).is_file()), None)
    path = folder / (existing or name)
    if existing is not None:
        return Image(path, existing)
    if media_needed():
        what = f"{' and no '.join(names)} in {folder}" if others else f"{path}{alike(path)}"
        raise InputError(f"{where}: there is no picture {what}; put it there")
    return MissingImage(path, name)


class MissingImage(Image):
    """A picture whose file is missing. Its name identifies it, not its content."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the name, as 64 hex digits."""
        return hashlib.sha256(repr(self.name).encode()).hexdigest()


def alike(path: Path) -> str:
    """Return a hint at a file beside a missing one whose name looks the same, apart from case and ending.

    A backslash is a part of a name here, not a separator of folders as on Windows.
    """
    if "\\" in path.name:
        return " (its name has a backslash; write / between folders)"

    def normalized(name: str) -> str:
        return unicodedata.normalize("NFC", PurePosixPath(name).stem).casefold()

    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    names = (file.name for file in siblings if normalized(file.name) == normalized(path.name) and file.is_file())
    similar = min(names, default=None)
    if similar is None:
        return ""
    if unicodedata.normalize("NFC", similar) == unicodedata.normalize("NFC", path.name):
        return f" (there is {similar!a}, whose name is spelled with other code points)"
    return f" (there is '{similar}')"


def inside(folder: Path, name: str, where: str) -> Path:
    """Return the path of a file that data names, whether it exists or not.

    A link in the folder may lead to a picture anywhere, since the user named the folder, but to no other file. Raises
    InputError for any other path out of the folder, an address, and a name that no file can have.
    """
    if "://" in name:
        raise InputError(
            f"{where}: '{name[:80]}' is a URL; mmeval downloads no pictures. Download it and give the path"
        )
    path, pure = folder / name, PurePosixPath(name)
    below = not pure.is_absolute() and ".." not in pure.parts
    try:
        exists = regular.exists(path)
        if exists and below and not any(part.is_symlink() for part in (path, *path.parents[: len(pure.parts) - 1])):
            return path  # there is no link to resolve
        allowed = path.resolve().is_relative_to(folder.resolve())  # raises for an impossible name
        if not allowed and below:
            allowed = is_picture(path) if exists else True
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{where}: {name[:80]!a} cannot be the name of a file; fix it") from error
    if not allowed:
        raise InputError(f"{where}: '{name[:80]}' leads out of {folder}; put the file itself there")
    return path


def is_picture(path: Path) -> bool:
    """Return whether the path is a regular file with the header of a known picture format."""
    if not path.is_file():
        return False
    try:
        with decoding(str(path)):
            PILImage.open(path, formats=FORMATS).close()
    except (Unusable, OSError):
        return False
    return True


def glob(folder: Path, pattern: str) -> list[Path]:
    """Return the paths in the folder that match the pattern, sorted, without litter (see `is_litter`).

    Raises InputError if the pattern is too long for a name, or if it has a * and a shard is missing (see
    `_check_shards`).
    """
    try:
        regular.exists(folder / pattern)  # for its errors; Path.glob ignores them from Python 3.13 on
        paths = sorted(folder.glob(pattern))
    except OSError as error:
        reason = f"cannot be the name of files in it ({error.strerror})"
        raise InputError(f"{folder}: {pattern[:80]!a} {reason}; fix it") from error
    above = len(folder.parts)
    paths = [path for path in paths if not _litter(path.parts[above:])]
    if "*" in pattern:
        _check_shards(paths)
    return paths


def _check_shards(paths: Sequence[Path]) -> None:
    """Raise InputError if some of a table's files are missing, as in a download that was interrupted.

    Their names end as on the hub, in `-00000-of-00003.parquet`.
    """
    existing = {*paths}
    matches = ((path, _SHARD.search(path.name)) for path in paths)
    tables = {path.with_name(path.name[: match.start()]): match for path, match in matches if match}
    for start, match in tables.items():
        names = [f"{start.name}-{number:05}-of-{match[2]}{match[3]}" for number in range(int(match[2]))]
        missing = [name for name in names if start.with_name(name) not in existing]
        if missing:
            raise InputError(
                f"{start.parent}: {part_of(len(missing), len(names), 'file', 'is', 'are')} missing, such as "
                f"{missing[0]}; download what is missing, or name a single file to ask only its questions"
            )


def is_litter(path: Path) -> bool:
    """Return whether a path is, or is inside, something that macOS or Windows leaves in folders."""
    return _litter(path.parts)


def _litter(parts: Iterable[str]) -> bool:
    return any(part in LITTER or part.startswith("._") for part in parts)


def blocks(path: Path, size: int) -> Iterator[str]:
    """Yield a UTF-8 text file in blocks of `size` characters. Raises InputError naming it."""
    try:
        with io.TextIOWrapper(regular.opened(path), encoding="utf-8-sig") as file:
            while block := file.read(size):
                yield block
    except (UnicodeDecodeError, OSError):
        yield text(path)  # raises the InputError


def text(path: Path) -> str:
    """Return the content of a UTF-8 text file. Raises InputError naming it."""
    try:
        return regular.read_text(path, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
