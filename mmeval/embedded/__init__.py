"""The picture world, its suites in the benchmarks' own formats, and the weights trained on it."""

import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmeval.types import InputError


@dataclass(frozen=True)
class Suite:
    """Questions about the picture world in a benchmark's own format."""

    name: str
    """The name of the function in `mmeval.embedded.suites` that writes the suite, and of its folder."""
    file: str = ""
    """The file in the folder that the reader takes; empty for the folder itself."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Default settings of a run on this suite."""


SUITES: dict[str, Suite] = {
    "mme": Suite("mme"),
    "mmbench": Suite("mmbench", "mmbench.tsv"),
    "muirbench": Suite("muirbench"),
    "nlvr2": Suite("nlvr2"),
    "winoground": Suite("winoground"),
    "winoground-joint": Suite("winoground"),
    "winoground-choice": Suite("winoground"),
    "iq50": Suite("iq50"),
    "vl-icl": Suite("vl_icl"),
    "nextqa": Suite("nextqa", settings={"frames": 3}),
    "pope": Suite("pope"),
}
"""Task name -> its embedded suite. `suite` draws it."""


def suite(task: str) -> Path:
    """Return the folder or file that the task's reader takes, after drawing it on first use.

    Suites are kept in the user's cache, under a digest of the code that draws them. Raises InputError if the cache
    cannot be written.
    """
    entry = SUITES[task]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "mmeval" / "embedded" / _digest()[:16] / entry.name
    if not folder.is_dir():
        try:
            _write(entry.name, folder)
        except OSError as error:
            raise InputError(
                f"the embedded suite cannot be written to {folder} ({error.strerror}); "
                "set XDG_CACHE_HOME to a folder that can be written to"
            ) from error
    return folder / entry.file


@functools.cache
def _digest() -> str:
    """Return the SHA-256 of the drawing code, so different code never uses the same cached files."""
    root = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return total.hexdigest()


def _write(name: str, folder: Path) -> None:
    """Write the suite next to its folder and rename it, so concurrent processes do no harm."""
    from mmeval.embedded import suites

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent, ignore_cleanup_errors=True) as temporary:
        written = Path(temporary) / name
        written.mkdir()
        suites.WRITERS[name](written)
        try:
            written.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise  # no other process wrote it first: the cache itself cannot be written
            shutil.rmtree(written)
