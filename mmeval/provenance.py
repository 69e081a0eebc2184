"""A session's provenance: time, version, commit, packages and machine, and which of these affect answers."""

import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

from mmeval import __version__
from mmeval.spec import RunSpec
from mmeval.types import Session

PACKAGES = ("mmeval-harness", "torch", "transformers", "tokenizers", "pillow", "numpy", "scipy")


def provenance(spec: RunSpec) -> Session:
    """Return this session."""
    prices = (spec.price_in, spec.price_out)
    return Session(
        started=datetime.now(UTC).replace(microsecond=0),
        version=__version__,
        commit=_commit(),
        packages={name: version(name) for name in PACKAGES},
        python=sys.version.split()[0],
        machine=f"{platform.system()} {platform.machine()}",
        device=spec.device,
        batch_tokens=spec.batch_tokens,
        recipe=spec.recipe or None,
        prices=None if prices == (None, None) else prices,
    )


def libraries(packages: Sequence[str]) -> dict[str, str]:
    """Return the major versions of the installed packages among those that answers depend on."""
    return {name: installed.split(".")[0] for name in packages if (installed := version(name))}


def versions(sessions: Sequence[Session]) -> list[str]:
    """Return the distinct versions of mmeval, torch and transformers that sessions used, in order."""
    descriptions: dict[str, None] = {}
    for session in sessions:
        packages = session.packages
        harness_version = session.version or packages.get("mmeval-harness") or "unknown"
        used = ", ".join(f"{name} {packages[name]}" for name in ("torch", "transformers") if packages.get(name))
        descriptions[f"mmeval {harness_version}" + (f" with {used}" if used else "")] = None
    return list(descriptions)


def usage(sessions: Sequence[Session], tokens_in: int, tokens_out: int) -> list[str]:
    """Return remarks on the usage of servers: tokens, the cost at the last prices given, the servers' names.

    Tokens are those of the kept answers. The sessions also count what was sent again after a failure.
    """
    names = dict.fromkeys(name for session in sessions for name in session.servers or ())
    engines = [name for name in names if not any(longer.startswith(f"{name} ") for longer in names)]  # with a version
    prices = next((session.prices for session in reversed(sessions) if session.prices), None)
    remarks = []
    if engines or prices:
        line = f"Tokens: {tokens_in:,} in, {tokens_out:,} out"
        if prices:
            cost = sum(
                tokens * (price or 0.0) / 1e6 for tokens, price in zip((tokens_in, tokens_out), prices, strict=True)
            )
            line += f"; {cost:,.4f} at prices of {prices[0] or 0:g} and {prices[1] or 0:g} per million"
        remarks.append(f"{line}.")
    if len(engines) > 1:
        remarks.append(f"The answers come from {len(engines)} kinds of servers: {', '.join(engines)}.")
    return remarks


def _commit() -> str | None:
    """Return this code's commit, with `-dirty` if files were changed; None if installed from a wheel."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None  # git is not installed, or the checkout belongs to another user


@cache  # each look parses the package's metadata anew
def version(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
