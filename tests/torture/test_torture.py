"""Killed at any instant, a run loses nothing, asks nothing twice that was answered, and ends as one never killed.

One question in ten fails the first time that it is asked: errors are asked again until all are answered. The test must
be able to fail: each of the faults in `faults` is planted, and must be caught.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.child import WRITES
from tests.torture.faults import FAULTS
from tests.torture.torment import KINDS, Torment, read, scores, torment

KILLS = int(os.environ.get("MMEVAL_KILLS", "20"))
SHARES = {"alone": 0.6, "two processes": 0.2, "with a control": 0.2}
"""Share of the kills, by kind of run."""
MUTANT_KILLS = 300
"""Kills within which a planted fault must be caught."""
ROOMS = (0, 1, 8, 64, 200, 400, 600, 800, 1200, 1600, 2400, *range(3000, 36_000, 3000))
"""Bytes that a file may have while the disk is full."""
pytestmark = [pytest.mark.slow, pytest.mark.processes]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_at_any_instant_goes_on(tmp_path: Path, kind: str) -> None:
    kills = int(KILLS * SHARES[kind])
    assert torment(tmp_path, kills, kind).kills >= kills


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(tmp_path: Path, fault: str) -> None:
    if fault == "a line in two writes" and not WRITES.exists():
        pytest.skip("this system does not count write calls")
    with pytest.raises(AssertionError, match=FAULTS[fault].caught):
        torment(tmp_path, MUTANT_KILLS, FAULTS[fault].kind, fault)


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    runs = Torment(tmp_path)
    for room in ROOMS if KILLS >= 1000 else ROOMS[::5]:
        folder = tmp_path / f"full{room}"
        status = runs.call(folder, room=room)
        output = runs.output(folder)
        assert status in (0, 1, 2), output
        assert status != 2 or room < 400 or output.count("\n") == 1, output  # what is said has no more room
        answered = {id: record for id, record in read(folder).items() if "error" not in record}
        for _ in range(2):
            assert runs.call(folder) in (0, 1), runs.output(folder)
        assert answered.items() <= read(folder).items()
        assert read(folder) == runs.expected
        assert scores(folder) == scores(runs.reference)


@pytest.fixture(autouse=True)
def _no_children_left() -> Iterator[None]:
    yield
    for child in multiprocessing.active_children():
        child.kill()
