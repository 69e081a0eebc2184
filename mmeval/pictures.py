"""How pictures are decoded: which kinds, how large, one error for all that can be wrong, and what a model sees of one.

Evaluation, training and MIC all show a picture as `as_seen` makes it.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 64_000_000
"""Largest picture that is decoded: a 20,000 x 20,000 bomb is refused before its pixels are read."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM")
"""Kinds of pictures that are decoded. Pillow knows others that it hands to programs, as PostScript to Ghostscript."""
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, struct.error, zlib.error)
"""What Pillow raises, besides its own errors, where a picture's bytes are wrong."""
ORIENTATION = 0x0112
"""The tag of EXIF that says how a camera was held; 1 is upright."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""Its other values -> how the picture is turned upright."""

TRAITS = {
    "transparent": "with transparency, which is dropped",
    "turned": "turned upright, as their EXIF orientation says",
    "16-bit": "of 16 bits, scaled to 8",
}
"""What of a picture `as_seen` changes or drops -> how that is said."""


class Unusable(ValueError):
    """A row or a picture that cannot be used; rows are counted under `kind` and listed with the message."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@contextmanager
def decoding(path: str) -> Iterator[None]:
    """Turn whatever Pillow says of a picture that it cannot decode into Unusable; errors of the disk stay."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise Unusable("picture too large", f"{path}: more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise Unusable("picture broken", f"{path}: not a picture that can be read, {', '.join(FORMATS)}") from error
    except BROKEN as error:
        if isinstance(error, Unusable) or (isinstance(error, OSError) and error.errno is not None):
            raise  # said already, or the disk rather than the picture
        raise Unusable("picture broken", f"{path}: the picture is truncated or broken ({error})") from error


def check_size(image: Image.Image, path: str) -> None:
    """Raise Unusable where the picture is too large to be decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise Unusable("picture too large", f"{path}: {image.width} x {image.height}, more than {MAX_PIXELS:,} pixels")


def as_seen(picture: Image.Image) -> Image.Image:
    """Return a picture as a model is shown it: upright, in RGB, 8 bits a channel.

    Turned as its EXIF orientation says, as `transformers.image_utils.load_image` does, and `datasets` since 2.19; 16
    bits are scaled, where Pillow would clip them to white; transparency is dropped, as BLIP's image processor does.
    """
    picture.load()  # a PNG's orientation may stand behind its pixels
    if picture.mode == "RGB" and not picture.info:
        return picture
    turn = TURNS.get(_orientation(picture))
    seen = picture if turn is None else picture.transpose(turn)
    if seen.mode.startswith("I"):
        seen = seen.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    seen = seen.convert("RGB")
    seen.info = {}  # or it would be turned again
    return seen


def traits(picture: Image.Image) -> tuple[str, ...]:
    """Return which of TRAITS an opened picture has, by its header alone: its pixels are not read."""
    found = {
        "transparent": picture.has_transparency_data,
        "turned": "exif" in picture.info and _orientation(picture) in TURNS,
        "16-bit": picture.mode.startswith("I"),
    }
    return tuple(name for name, holds in found.items() if holds)


def _orientation(picture: Image.Image) -> int:
    try:
        found = picture.getexif().get(ORIENTATION)
    except (SyntaxError, ValueError, struct.error):
        return 1  # what is no EXIF turns nothing
    return found if isinstance(found, int) else 1
