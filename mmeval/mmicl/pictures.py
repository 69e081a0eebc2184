"""Decode the pictures of training data: which kinds, how large, and one error for all that can be wrong with one."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 64_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


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
        raise Unusable("picture broken", f"{path}: not a picture that can be read") from error
    except (OSError, SyntaxError, EOFError, ValueError, IndexError, OverflowError, struct.error, zlib.error) as error:
        if isinstance(error, Unusable) or (isinstance(error, OSError) and error.errno is not None):
            raise  # said already, or the disk rather than the picture
        raise Unusable("picture broken", f"{path}: truncated or broken ({error})") from error


def check_size(image: Image.Image, path: str) -> None:
    """Raise Unusable where the picture is too large to be decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise Unusable("picture too large", f"{path}: {image.width} x {image.height}, more than {MAX_PIXELS:,} pixels")
