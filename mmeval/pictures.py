"""Decode pictures: allowed formats and sizes, one error type, and the conversion to what a model sees.

Evaluation, training and MIC all use `as_seen`.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 64_000_000
"""Maximum size of a picture. A 20,000 x 20,000 bomb is refused before its pixels are read."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM")
"""Allowed formats. Pillow would pass some others to external programs, such as PostScript to Ghostscript."""
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, struct.error, zlib.error)
"""Exceptions that Pillow raises, besides its own, if a picture's bytes are broken."""
ORIENTATION = 0x0112
"""The EXIF orientation tag; 1 is upright."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""Its other values -> the transposition that makes the picture upright."""
SIDEWAYS = (5, 6, 7, 8)
"""Those that exchange width and height."""

TRAITS = {
    "transparent": "with transparency, which is dropped",
    "turned": "turned upright, as their EXIF orientation says",
    "16-bit": "of 16 bits, scaled to 8",
    "animated": "with several frames, of which the first is shown",
}
"""Traits that `as_seen` changes or drops -> their wording."""


class Unusable(ValueError):
    """A row or picture that cannot be used. Rows are counted by `kind` and listed with the message."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@contextmanager
def decoding(path: str) -> Iterator[None]:
    """Turn Pillow's decoding errors into Unusable. Disk errors pass through."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise Unusable("picture too large", f"{path}: more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise Unusable("picture broken", f"{path}: not a picture in a known format ({', '.join(FORMATS)})") from error
    except BROKEN as error:
        if isinstance(error, Unusable) or (isinstance(error, OSError) and error.errno is not None):
            raise  # already converted, or a disk error
        raise Unusable("picture broken", f"{path}: the picture is truncated or broken ({error})") from error


def check_size(image: Image.Image, path: str) -> None:
    """Raise Unusable if the picture is too large."""
    if image.width * image.height > MAX_PIXELS:
        raise Unusable("picture too large", f"{path}: {image.width} x {image.height}, more than {MAX_PIXELS:,} pixels")


def as_seen(picture: Image.Image) -> Image.Image:
    """Return a picture as a model sees it: upright, RGB, 8 bits per channel.

    EXIF orientation is applied, as `transformers.image_utils.load_image` and `datasets` since 2.19 do. 16 bits are
    scaled to 8; Pillow would clip them to white. Transparency is dropped, as BLIP's image processor does, and so are
    all frames but the first.
    """
    picture.load()  # a PNG's orientation may follow its pixels
    if picture.mode == "RGB" and not picture.info:
        return picture
    turn = TURNS.get(_orientation(picture))
    converted = picture if turn is None else picture.transpose(turn)
    if converted.mode.startswith("I"):
        converted = converted.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    converted = converted.convert("RGB")
    converted.info = {}  # or it would be turned again
    return converted


def seen_size(picture: Image.Image, turned: bool = True) -> tuple[int, int]:
    """Return the width and height of an opened picture as `as_seen` returns it.

    `turned` says whether the file may have an orientation. A PNG without one in front would be decoded to look for it.
    """
    width, height = picture.size
    return (height, width) if turned and _orientation(picture) in SIDEWAYS else (width, height)


def traits(picture: Image.Image) -> tuple[str, ...]:
    """Return which of TRAITS an opened picture has, from its header, without reading its pixels."""
    present = {
        "transparent": picture.has_transparency_data,
        "turned": "exif" in picture.info and _orientation(picture) in TURNS,
        "16-bit": picture.mode.startswith("I"),
        "animated": picture.format != "MPO" and getattr(picture, "is_animated", False),  # an MPO is a camera's JPEG
    }
    return tuple(name for name, holds in present.items() if holds)


def _orientation(picture: Image.Image) -> int:
    try:
        orientation = picture.getexif().get(ORIENTATION)
    except (SyntaxError, ValueError, struct.error):
        return 1  # invalid EXIF is ignored
    return orientation if isinstance(orientation, int) else 1
