"""The SHA-256 of a checkpoint's file, remembered by size and time: hashing a large one takes as long as reading it."""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmeval.files import write_json

LARGE = 1 << 20
"""Bytes from which on a file's digest is remembered."""
SETTLED = 5
"""Seconds since its last change after which a file counts as settled: a clock's tick may hide a later change."""


def file_digest(path: Path) -> bytes:
    """Return the SHA-256 of a file; of one that was hashed before and has the same size and time, as it was then.

    The digests lie in `mmeval/digests.json` in the user's cache folder; without one the file is hashed each time.
    """
    stat = path.stat()
    key, state = str(path.resolve()), [stat.st_size, stat.st_mtime_ns]
    known = _known() if stat.st_size >= LARGE else {}
    match known.get(key):
        case [size, changed, str(found)] if [size, changed] == state:
            return bytes.fromhex(found)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    if stat.st_size >= LARGE and time.time() - stat.st_mtime > SETTLED:
        with suppress(OSError):  # no room, or no right to write
            _cache().parent.mkdir(parents=True, exist_ok=True)
            write_json(_cache(), {**_known(), key: [*state, digest.hexdigest()]})
    return digest.digest()


def _known() -> dict[str, Any]:
    try:
        found = json.loads(_cache().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # none yet, or damaged: it is written anew
        return {}
    return found if isinstance(found, dict) else {}


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mmeval" / "digests.json"
