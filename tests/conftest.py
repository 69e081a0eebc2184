"""Shared by all tests: their order, the folder of embedded suites, and the marker of the parity tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from functools import cache as remembered
from pathlib import Path

import pytest

from mmeval import provenance
from tests import forks

PARITY = Path(__file__).parent / "parity"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep imports and tests out of garbage collection: they stay, and each round would look at all of them again."""
    gc.disable()
    found = yield
    gc.freeze()
    gc.enable()
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if PARITY in item.path.parents:
            item.add_marker(pytest.mark.parity)
    # begin with those that wait for processes of their own, then the long ones, so that no core is idle at the end
    first = [{item.path for item in items if item.get_closest_marker(name)} for name in ("processes", "slow")]
    items.sort(key=lambda item: [item.path not in paths for paths in first])


@pytest.fixture(scope="session", autouse=True)
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Keep embedded suites in a folder of this test run, which its worker processes share."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        # matplotlib would list the machine's fonts anew in an empty cache
        patch.setenv("MPLCONFIGDIR", os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib")))
        patch.setenv("XDG_CACHE_HOME", str((base if worker_id == "master" else base.parent) / "cache"))
        # the checkout does not change under the tests; without this, each of their runs starts git
        patch.setattr(provenance, "_commit", remembered(provenance._commit))
        # what a killed process wrote is kept; waiting for the disk protects from power cuts, which no test makes
        patch.setattr(os, "fsync", lambda handle: None)
        if any(item.get_closest_marker("processes") for item in request.session.items):
            forks.start()
        yield
