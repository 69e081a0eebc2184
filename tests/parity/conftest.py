"""Parity tests hold us against what others' code and models really did.

The recordings are looked for under `$MMEVAL_FIXTURES`; without that, beside the repository and then in
`tests/recordings`. A test whose recording is nowhere skips.
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
    """Where a recording lies: the first root that has it."""
    return next((root / name for root in ROOTS if (root / name).exists()), None)


class Recordings:
    """The recordings by name: `fixtures / "mme_lavin"`; the test skips where that one is nowhere."""

    def __truediv__(self, name: str) -> Path:
        path = recorded(name)
        if path is None:
            pytest.skip(f"no recording '{name}' in {', '.join(map(str, ROOTS))}; set MMEVAL_FIXTURES")
        return path


@pytest.fixture(scope="session")
def fixtures() -> Recordings:
    return Recordings()
