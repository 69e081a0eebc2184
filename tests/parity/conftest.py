"""Parity tests compare with what others' code and models really did.

The recordings are looked for under `$MMEVAL_FIXTURES`; without that, beside the repository and then in
`tests/recordings`. The repository holds those of its own. A test of others' data skips where these are absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROOTS = (
    [Path(os.environ["MMEVAL_FIXTURES"])]
    if "MMEVAL_FIXTURES" in os.environ
    else [TESTS.parents[1] / "shared" / "fixtures", TESTS / "recordings"]
)


def recorded(name: str) -> Path | None:
    """Find a recording: return its path under the first root that has it, or None."""
    return next((root / name for root in ROOTS if (root / name).exists()), None)


class Recordings:
    """The recordings by name: `fixtures / "mme_lavin"`; the test skips where that one is absent."""

    def __truediv__(self, name: str) -> Path:
        path = recorded(name)
        if path is None:
            pytest.skip(f"'{name}' is others' data and not in {', '.join(map(str, ROOTS))}; set MMEVAL_FIXTURES")
        return path


@pytest.fixture(scope="session")
def fixtures() -> Recordings:
    return Recordings()
