"""Parity tests hold us against what others' code and models really did.

The recordings are looked for under `$MMEVAL_FIXTURES`, then beside the repository; without them the tests skip.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def fixture_root() -> Path:
    """Where the recordings lie, whether or not they are there."""
    return Path(os.environ.get("MMEVAL_FIXTURES", REPOSITORY.parent / "shared" / "fixtures"))


@pytest.fixture(scope="session")
def fixtures() -> Path:
    root = fixture_root()
    if not root.is_dir():
        pytest.skip(f"no recordings at {root}; set MMEVAL_FIXTURES")
    return root
