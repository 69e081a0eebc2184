"""Check a data set's pictures and put them under OUT/pictures: linked where they are whole, written where they are cut.

The name of a picture depends on nothing but where it comes from, and it appears only once it is whole: a
picture that is there was checked, by whichever process.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import io
import os
import re
import shutil
from functools import lru_cache
from pathlib import Path

from PIL import Image

from mmeval.data import files, vcr
from mmeval.mic import video
from mmeval.mic.rows import Picture
from mmeval.mmicl.pictures import FORMATS, MAX_PIXELS, Unusable, check_size, decoding
from mmeval.types import InputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}
NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}


class Pictures:
    """Puts pictures of the folder `root` under `out`/pictures; what is half done lies in `out`/.work."""

    def __init__(self, root: Path, out: Path) -> None:
        self.root = root.resolve()
        self.out = out
        self._opened = lru_cache(maxsize=1)(self._open)

    def place(self, picture: Picture) -> str:
        """Return the picture's path relative to `out`; it is there, and can be decoded. Raises Unusable."""
        name = f"pictures/{safe_name(picture)}"
        if not (self.out / name).exists():
            if picture.frame is not None:
                self._put_frames(picture)
            elif picture.cell is not None:
                self._put(name, _from_table(self._inside(picture.path), picture.cell))
            elif picture.box is not None:
                self._put(name, _encoded(self._cropped(picture.path, *picture.box)))
            else:
                self._link(name, picture.path)
        return name

    def _inside(self, path: str) -> Path:
        try:
            source = files.inside(self.root, path, path).resolve()
        except InputError as error:
            raise Unusable("picture missing", str(error)) from error
        if not source.is_file():
            raise Unusable("picture missing", f"{path}: not there, or not a file")
        return source

    def _link(self, name: str, path: str) -> None:
        source = self._inside(path)
        with decoding(path), Image.open(source, formats=FORMATS) as image:
            check_size(image, path)
            image.draft("RGB", (image.width // 8 + 1, image.height // 8 + 1))  # all is read, an eighth is computed
            image.load()
        try:
            os.link(source, self.out / name)
        except FileExistsError:
            pass  # another process was faster
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            temporary = self._temporary(name)
            shutil.copyfile(source, temporary)
            temporary.replace(self.out / name)

    def _open(self, path: str) -> Image.Image:
        with decoding(path), Image.open(self._inside(path), formats=FORMATS) as image:
            check_size(image, path)
            return image.convert("RGB")

    def _cropped(self, path: str, boxes: str, number: int) -> Image.Image:
        image = self._opened(path)
        try:
            ((left, top, right, bottom),) = vcr.boxes(self._inside(boxes), [number])
        except InputError as error:
            raise Unusable("unusable row", str(error)) from error
        inside = (max(0, int(left)), max(0, int(top)), min(image.width, round(right)), min(image.height, round(bottom)))
        if inside[2] <= inside[0] or inside[3] <= inside[1]:
            raise Unusable("unusable row", f"{boxes}: box {number} holds no pixel of {image.width} x {image.height}")
        return image.crop(inside)

    def _put_frames(self, picture: Picture) -> None:
        frames = video.frames(self._inside(picture.path), picture.path, MAX_PIXELS)
        for number, frame in enumerate(frames, 1):
            self._put(f"pictures/{safe_name(Picture(picture.path, frame=number))}", _encoded(frame))

    def _put(self, name: str, content: bytes) -> None:
        with decoding(name), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            check_size(image, name)
            image.load()
        temporary = self._temporary(name)
        temporary.write_bytes(content)
        temporary.replace(self.out / name)

    def _temporary(self, name: str) -> Path:
        return self.out / ".work" / f"{os.getpid()}-{Path(name).name}"


def safe_name(picture: Picture) -> str:
    """Return a file name of plain letters that no other picture of the set has."""
    where = f"{picture.path}|{picture.box}|{picture.cell}"
    digest = hashlib.sha256(where.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(picture.path).stem).strip("_-")[:80] or "picture"
    if picture.frame is not None:
        return f"{stem}-{digest}-{picture.frame}.jpg"
    suffix = Path(picture.path).suffix.lower()
    whole = picture.box is None and picture.cell is None
    return f"{stem}-{digest}{suffix if whole and suffix in SUFFIXES else '.jpg'}"


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def _table(path: Path, group: int) -> list[object]:
    import pyarrow.parquet  # type: ignore[import-untyped]

    column = pyarrow.parquet.ParquetFile(path).read_row_group(group, columns=["input_image"])["input_image"]
    return list(column.to_pylist())


def _from_table(path: Path, cell: tuple[int, int]) -> bytes:
    """Read a picture in base64 out of a row of MIC_sampled."""
    import pyarrow.parquet

    row, place = cell
    metadata = pyarrow.parquet.read_metadata(path)
    group = 0
    while row >= metadata.row_group(group).num_rows:
        row -= metadata.row_group(group).num_rows
        group += 1
    pictures = _table(path, group)[row]
    if isinstance(pictures, str):
        pictures = [pictures]
    if not isinstance(pictures, list) or not place < len(pictures):
        raise Unusable("unusable row", f"{path.name}, row {cell[0]}: speaks of picture {place}, but has none")
    try:
        return base64.b64decode(str(pictures[place]), validate=True)
    except binascii.Error as error:
        raise Unusable("picture broken", f"{path.name}, row {cell[0]}: not base64 ({error})") from error
