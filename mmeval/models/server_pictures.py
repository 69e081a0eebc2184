"""Pictures as they are sent to a server: lossless PNG in a data URI, known by the hash of their pixels."""

from __future__ import annotations

import base64
import hashlib
import io
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

from mmeval.types import Image

KEPT = 32
"""Pictures that are kept encoded: a benchmark asks several questions about one in a row."""
COMPRESSION = 1
"""zlib's fastest: its usual level takes twice the time, for an eighth fewer bytes of a photograph."""


@dataclass(frozen=True)
class Sent:
    """An encoded picture."""

    uri: str
    mark: str
    """`<image 640x480 png HASH>`: the first 16 hex digits of the SHA-256 of its RGB bytes."""


class Pictures:
    """Encodes each picture once, and keeps the last ones. May be used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Future[Sent]] = OrderedDict()
        self._lock = Lock()

    def sent(self, image: Image) -> Sent:
        """Return a picture as it is sent. Raises InputError where it cannot be read."""
        with self._lock:
            found = self._kept.get(image.digest)
            if found is None:
                made = self._kept[image.digest] = Future()
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(image.digest)
        if found is not None:
            return found.result()  # perhaps another thread is at it
        try:
            made.set_result(encode(image))
        except BaseException as error:
            made.set_exception(error)
        return made.result()


def encode(image: Image) -> Sent:
    """Encode a picture as a model sees it: upright, RGB, 8 bits a channel. Raises InputError."""
    pixels = image.decode()
    file = io.BytesIO()
    pixels.save(file, "PNG", compress_level=COMPRESSION)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return Sent(uri, f"<image {pixels.width}x{pixels.height} png {digest}>")
