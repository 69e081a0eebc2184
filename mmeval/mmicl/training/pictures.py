"""The pictures of rows, read from files, addresses or bytes that came with the row; unreadable ones are listed."""

from __future__ import annotations

import fcntl
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from httpx2 import HTTPError
from PIL import Image
from torch import Tensor

from mmeval import regular
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.pictures import FORMATS, check_size, decoding

SKIPPED = "skipped-{}.jsonl"
"""Pictures that a process could not read; the file name holds the process's number."""


class HeldPicture(str):
    """A picture that came with its row; the text names its place there, `content` is the file's bytes."""

    content: bytes

    def __new__(cls, where: str, content: bytes = b"") -> HeldPicture:
        """Make one; pickling keeps the content."""
        picture = super().__new__(cls, where)
        picture.content = content
        return picture


def read_picture(picture: str, processor: MmiclProcessor) -> Tensor:
    """Read pixels [3, H, W] of a path, an address that fsspec opens (`hf://...`) or a HeldPicture.

    Raises OSError if the file cannot be read, Unusable if it is not a valid picture."""
    name = picture.rpartition("/")[2]
    with decoding(name), _opened(picture) as file, Image.open(file, formats=FORMATS) as image:
        check_size(image, name)
        return processor.pixels([image])[0]


def _opened(picture: str) -> BinaryIO:
    if isinstance(picture, HeldPicture):
        return io.BytesIO(picture.content)
    if "://" not in picture:
        return regular.opened(Path(picture))
    try:
        system, path = url_to_fs(picture)
        return io.BytesIO(system.cat_file(path))
    except HTTPError as error:
        raise OSError(f"{picture}: cannot be fetched ({error})") from error


def list_skipped(file: Path, pictures: Sequence[tuple[str, str]]) -> None:
    """List skipped pictures, each with the reason; first remove a last line that a kill cut off.

    Several workers share the file, so it is locked.
    """
    added = "".join(json.dumps({"picture": path, "reason": reason}) + "\n" for path, reason in pictures)
    with file.open("a+b") as lines:
        fcntl.flock(lines, fcntl.LOCK_EX)
        lines.seek(0)
        content = lines.read()
        if content and not content.endswith(b"\n"):
            lines.truncate(content.rfind(b"\n") + 1)
        lines.write(added.encode())


def skipped_pictures(output: Path) -> set[str]:
    """Return the pictures that any process has skipped so far."""
    texts = (file.read_text(encoding="utf-8") for file in output.glob(SKIPPED.format("*")))
    complete = (line for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n"))
    return {json.loads(line)["picture"] for line in complete}
