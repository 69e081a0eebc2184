"""Read the video questions that Xu et al. made from captions of MSVD and MSR-VTT: `{train,val,test}_qa.json`."""

from dataclasses import dataclass
from pathlib import Path

from mmeval.data.tables import TableRow
from mmeval.types import InputError


@dataclass(frozen=True, eq=False)
class VideoQuestion:
    """A question about a video, and its answers."""

    id: str
    video: str
    """Identifies the video; questions about the same video share it."""
    files: tuple[str, ...]
    """Possible names of its file."""
    asked: str
    answers: tuple[str, ...]


def question(line: TableRow, number: int, prefix: str, suffix: str) -> VideoQuestion:
    """Read row `number`; the video's file is called PREFIX, its number, SUFFIX. Raises InputError."""
    video = f"{prefix}{_number(line)}"
    asked, answer = line.text("question").strip(), line.text("answer")
    id = line.cell("id", required=False) or str(number)
    return VideoQuestion(id, video, (f"{video}{suffix}",), asked, (answer,))


def _number(line: TableRow) -> str:
    """Return the video's number; LAVIS's copy has the name of its file instead."""
    if "video" in line.values and "video_id" not in line.values:
        return Path(line.text("video")).stem.removeprefix("video").removeprefix("vid")
    number = line.text("video_id")
    if not number.isdecimal():
        raise InputError(f"{line.where}: the video_id is '{number[:40]}'; it must be a number; download the file again")
    return number
