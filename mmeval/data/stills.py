"""Videos that are folders of pictures: one file per frame, in the order of their names, at a constant rate."""

import hashlib
from functools import cache
from pathlib import Path

from mmeval import regular
from mmeval.data import files
from mmeval.data.container import Choose, Moment
from mmeval.types import Image, InputError

SUFFIXES = (".jpg", ".jpeg", ".png")
HASHED = 16
"""Frames whose content is in the digest; of the others, their names and sizes are."""


def listed(folder: Path) -> list[str]:
    """Return the names of the frames, in order."""
    names = (path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(name for name in names if not files.is_litter(Path(name)))


def version(folder: Path) -> tuple[int, int]:
    """Return the latest modification time in nanoseconds, and the frames' size in bytes."""
    stats = [(folder / name).stat() for name in listed(folder)]
    return max((stat.st_mtime_ns for stat in stats), default=0), sum(stat.st_size for stat in stats)


def times(folder: Path, rate: float) -> list[float]:
    """Return the time of each frame, in seconds from the first, given the frames per second."""
    return [index / rate for index in range(len(listed(folder)))]


def moments(folder: Path, name: str, rate: float, choose: Choose) -> list[Moment]:
    """Return the selected frames. Raises InputError as `choose` does, and for a broken picture."""
    names, seconds = listed(folder), times(folder, rate)
    return [Moment(seconds[index], _frame(folder, names[index], name).decode()) for index in choose(seconds)]


def _frame(folder: Path, frame: str, name: str) -> Image:
    return Image(files.inside(folder, frame, name), f"{name}/{frame}")


@cache
def digest(folder: Path, name: str, version: tuple[int, int]) -> str:
    """Return the SHA-256 of the frames' names and sizes and of the content of evenly spread frames.

    The folder is read again if its `version` is another. Raises InputError if a frame cannot be read.
    """
    names = listed(folder)
    hasher = hashlib.sha256(repr([(frame, (folder / frame).stat().st_size) for frame in names]).encode())
    for number in range(min(HASHED, len(names))):
        frame = names[len(names) * number // min(HASHED, len(names))]
        try:
            hasher.update(regular.read_bytes(files.inside(folder, frame, name)))
        except OSError as error:
            raise InputError(f"{name}/{frame}: cannot be read ({error.strerror})") from error
    return hasher.hexdigest()
