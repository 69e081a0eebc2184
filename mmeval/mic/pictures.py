"""Check a data set's pictures and put them under OUT/pictures: whole files are linked, crops and frames are written.

A picture's name depends only on its origin. The file appears only when it is complete, so an existing picture has
already been checked by some process.
"""

import errno
import hashlib
import io
import os
import re
from functools import lru_cache
from pathlib import Path

from PIL import Image

from mmeval.data import container, files, vcr
from mmeval.data.delimited import decoded
from mmeval.mic.rows import Picture
from mmeval.pictures import FORMATS, MAX_PIXELS, Unusable, as_seen, check_size, decoding, traits
from mmeval.types import InputError

FRAMES = 8
"""Frames of each video."""
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}
NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}


def place(picture: Picture, root: Path, out: Path) -> str:
    """Put a picture of `root` under `out` and return its path relative to `out`. Raises Unusable if it is broken."""
    name = f"pictures/{safe_name(picture)}"
    if (out / name).exists():
        return name
    source = _existing(root, picture.path)
    if picture.frame is not None:
        for number, frame in enumerate(frames(source, picture.path), 1):
            put(out, f"pictures/{safe_name(Picture(picture.path, frame=number))}", _encoded(frame))
    elif picture.cell is not None:
        content = _from_table(source, *picture.cell)
        _check(io.BytesIO(content), name)
        put(out, name, content)
    elif picture.box is not None:
        boxes, number = picture.box
        put(out, name, _encoded(_cropped(_decoded(source, picture.path), _existing(root, boxes), boxes, number)))
    else:
        _check(source, picture.path)
        _link(source, out, name)
    return name


def kinds(path: Path) -> tuple[str, ...]:
    """Return the traits of a picture that change when it is shown."""
    with decoding(path.name), Image.open(path, formats=FORMATS) as image:
        return traits(image)


def put(out: Path, name: str, content: bytes) -> None:
    """Write a file of `out` atomically, by way of a temporary file in `out`/.work."""
    temporary = out / ".work" / f"{os.getpid()}-{Path(name).name}"
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a power cut must not leave an empty file under the name
    temporary.replace(out / name)


def safe_name(picture: Picture) -> str:
    """Return an ASCII file name that no other picture of the set has."""
    origin = f"{picture.path}|{picture.box}|{picture.cell}"
    digest = hashlib.sha256(origin.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(picture.path).stem).strip("_-")[:80] or "picture"
    if picture.frame is not None:
        return f"{stem}-{digest}-{picture.frame}.jpg"
    suffix = Path(picture.path).suffix.lower()
    is_whole = picture.box is None and picture.cell is None
    return f"{stem}-{digest}{suffix if is_whole and suffix in SUFFIXES else '.jpg'}"


def _existing(root: Path, path: str) -> Path:
    try:
        source = files.inside(root, path, path).resolve()
    except InputError as error:
        raise Unusable("picture missing", str(error)) from error
    if not source.is_file():
        raise Unusable("picture missing", f"{path}: missing, or not a file")
    return source


def _check(source: Path | io.BytesIO, name: str) -> None:
    with decoding(name), Image.open(source, formats=FORMATS) as image:
        check_size(image, name)
        image.draft("RGB", (image.width // 8 + 1, image.height // 8 + 1))  # reads all, computes an eighth
        image.load()


def _link(source: Path, out: Path, name: str) -> None:
    try:
        os.link(source, out / name)
    except FileExistsError:
        pass  # another process was faster
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        put(out, name, source.read_bytes())


@lru_cache(maxsize=1)
def _decoded(source: Path, path: str) -> Image.Image:
    with decoding(path), Image.open(source, formats=FORMATS) as image:
        check_size(image, path)
        return as_seen(image)


def _cropped(image: Image.Image, source: Path, boxes: str, number: int) -> Image.Image:
    try:
        ((left, top, right, bottom),) = vcr.boxes(source, [number])
    except InputError as error:
        raise Unusable("unusable row", str(error)) from error
    visible = (max(0, int(left)), max(0, int(top)), min(image.width, round(right)), min(image.height, round(bottom)))
    if visible[2] <= visible[0] or visible[3] <= visible[1]:
        raise Unusable("unusable row", f"{boxes}: box {number} contains no pixel of {image.width} x {image.height}")
    return image.crop(visible)


def frames(path: Path, name: str, max_pixels: int = MAX_PIXELS) -> list[Image.Image]:
    """Return the frames at duration * i / 9 for i = 1 ... 8 (MMICL's sampling); the last frame replaces missing ones.

    Raises Unusable if the file is not a video or its frames exceed `max_pixels`, InputError without PyAV.
    """
    container.check()
    sampled: list[Image.Image] = []
    try:
        with container.opened(path, name) as (opened, stream):
            if stream.width * stream.height > max_pixels:
                raise Unusable("picture too large", f"{name}: {stream.width} x {stream.height} pixels")
            duration = opened.duration / 1_000_000 if opened.duration else 0.0
            times = [duration * i / (FRAMES + 1) for i in range(1, FRAMES + 1)]
            start, last = None, None
            for last in opened.decode(stream):
                time = last.time or 0.0
                start = time if start is None else start
                while len(sampled) < FRAMES and time - start >= times[len(sampled)]:
                    sampled.append(container.picture(last))
                if len(sampled) == FRAMES:
                    break
    except InputError as error:
        raise Unusable("picture broken", str(error)) from error
    if last is None or not duration:
        raise Unusable("picture broken", f"{name}: the video has no frame or no duration")
    return sampled + [container.picture(last)] * (FRAMES - len(sampled))


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def _table(path: Path, group: int) -> list[object]:
    import pyarrow.parquet

    column = pyarrow.parquet.ParquetFile(path).read_row_group(group, columns=["input_image"])["input_image"]
    return list(column.to_pylist())


def _from_table(path: Path, row: int, index: int) -> bytes:
    """Return the bytes of a base64 picture in a row of MIC_sampled."""
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_metadata(path)
    group, offset = 0, row
    while offset >= (size := metadata.row_group(group).num_rows):
        group, offset = group + 1, offset - size
    pictures = _table(path, group)[offset]
    if isinstance(pictures, str):
        pictures = [pictures]
    if not isinstance(pictures, list) or not index < len(pictures):
        raise Unusable("unusable row", f"{path.name}, row {row}: refers to picture {index}, but has no such picture")
    try:
        return decoded(str(pictures[index]), f"{path.name}, row {row}")
    except InputError as error:
        raise Unusable("picture broken", str(error)) from error
