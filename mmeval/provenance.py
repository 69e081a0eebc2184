"""Where a sitting of a run took place: time, commit, packages, machine. Nothing here identifies the run."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("mmeval-harness", "torch", "transformers", "tokenizers", "pillow", "numpy", "scipy")


def provenance(batch_tokens: int | None, device: str) -> dict[str, Any]:
    """Now, here, with this code."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.machine()}",
        "device": device,
        "batch_tokens": batch_tokens,
    }


def _commit() -> str | None:
    """This code's commit, with `-dirty` where files were changed; None where it is installed from a wheel."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None  # no git on this machine, or a checkout that is not the user's own


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
