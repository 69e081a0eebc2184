"""Pictures in the form sent to a server: lossless PNG in a data URI, identified by the hash of their pixels."""

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
"""Encoded pictures kept in memory: a benchmark often asks several questions in a row about one picture."""
COMPRESSION = 1
"""zlib's fastest level: the default takes twice the time and makes a photograph only an eighth smaller."""


@dataclass(frozen=True)
class Sent:
    """An encoded picture."""

    uri: str
    mark: str
    """`<image 640x480 png HASH>`: the first 16 hex digits of the SHA-256 of its RGB bytes."""


class Pictures:
    """Encodes each picture once and keeps the last ones. Thread-safe."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[str, Future[Sent]] = OrderedDict()
        self._lock = Lock()

    def sent(self, image: Image) -> Sent:
        """Return the encoded picture. Raises InputError if it cannot be read."""
        digest = image.digest  # reads the file, so outside the lock
        with self._lock:
            earlier = self._encoded.get(digest)
            if earlier is None:
                encoded = self._encoded[digest] = Future()
                while len(self._encoded) > KEPT:
                    self._encoded.popitem(last=False)
            else:
                self._encoded.move_to_end(digest)
        if earlier is not None:
            return earlier.result()  # waits if another thread is still encoding it
        try:
            encoded.set_result(encode(image))
        except BaseException as error:
            encoded.set_exception(error)
        return encoded.result()


def encode(image: Image) -> Sent:
    """Encode a picture as a model sees it: upright, RGB, 8 bits per channel. Raises InputError."""
    pixels = image.decode()
    file = io.BytesIO()
    pixels.save(file, "PNG", compress_level=COMPRESSION)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return Sent(uri, f"<image {pixels.width}x{pixels.height} png {digest}>")
