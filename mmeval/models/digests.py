"""The SHA-256 of a checkpoint's file, cached by size and modification time, because hashing a large file is slow."""

import hashlib
import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmeval import regular
from mmeval.files import write_json

LARGE = 1 << 20
"""Minimum size in bytes of a file whose digest is cached."""
SETTLED = 5
"""A digest is cached only this many seconds after the file's last change: a clock's tick may hide a later change."""


def file_digest(path: Path) -> bytes:
    """Return the SHA-256 of a file, from the cache if its size and time have not changed.

    The cache is `mmeval/digests.json` in the user's cache folder. If it cannot be written, files are hashed each time.
    """
    stat = path.stat()
    key, state = str(path.resolve()), [stat.st_size, stat.st_mtime_ns]
    cached = _cached_digests() if stat.st_size >= LARGE else {}
    match cached.get(key):
        case [size, changed, str(sha256)] if [size, changed] == state and re.fullmatch("[0-9a-f]{64}", sha256):
            return bytes.fromhex(sha256)
    with regular.opened(path) as file:
        digest = hashlib.file_digest(file, "sha256")
    if stat.st_size >= LARGE and time.time() - stat.st_mtime > SETTLED:
        with suppress(OSError):  # disk full or not writable
            _cache_file().parent.mkdir(parents=True, exist_ok=True)
            write_json(_cache_file(), {**_cached_digests(), key: [*state, digest.hexdigest()]})
    return digest.digest()


def _cached_digests() -> dict[str, Any]:
    try:
        digests = json.loads(_cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # missing or damaged: written anew
        return {}
    return digests if isinstance(digests, dict) else {}


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mmeval" / "digests.json"
