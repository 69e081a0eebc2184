"""A run killed at random moments loses nothing, asks nothing twice that was answered, and ends as one never killed.

One question in ten fails the first time that it is asked: errors are asked again until all are answered.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mmeval.run import Run, open_run
from tests.killed_child import tenth
from tests.mme_folder import make_release

KILLS = int(os.environ.get("MMEVAL_KILLS", "20"))
ROOT = Path(__file__).resolve().parents[1]


def start(data: Path, folder: Path, asked: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.killed_child", str(data), str(folder), str(asked)]
    return subprocess.Popen(command, cwd=ROOT)


def answered(folder: Path) -> dict[str, str | None]:
    return {record.id: record.text for record in Run(folder).records if record.error is None}


def finish(data: Path, folder: Path, asked: Path) -> Run:
    """Run until every question is answered: the second time, nothing fails any more."""
    for _ in range(2):
        assert start(data, folder, asked).wait() == 0
    return open_run(folder)


@pytest.mark.processes
@pytest.mark.slow
def test_killed_runs_resume(tmp_path: Path) -> None:
    data = make_release(tmp_path / "data", pictures=6)
    expected = finish(data, tmp_path / "whole", tmp_path / "all")
    assert expected.complete
    failing = {id for id in answered(tmp_path / "whole") if tenth(id)}
    assert 0.05 < len(failing) / expected.samples_planned < 0.15

    rng, kills = random.Random(0), 0
    while kills < KILLS:
        folder, asked = tmp_path / f"killed{kills}", tmp_path / f"asked{kills}"
        while not (folder / "run.json").exists() or not open_run(folder).complete:
            before = answered(folder)
            asked.write_text("")
            child = start(data, folder, asked)
            kills += not wait_or_kill(child, folder, rng)
            again = set(asked.read_text().split()) & set(before)
            assert not again, f"asked again: {sorted(again)[:3]}"
            assert before.items() <= answered(folder).items(), "a recorded answer was lost"
        assert scores(finish(data, folder, asked)) == scores(expected)
        assert answered(folder) == answered(tmp_path / "whole")


def scores(run: Run) -> dict[str, Any]:
    """Everything that was scored; how often the run was begun is no score."""
    return {name: value for name, value in run.results.items() if name != "remarks"}


def wait_or_kill(child: subprocess.Popen[bytes], folder: Path, rng: random.Random) -> bool:
    """Kill the child once it has written a random number of bytes more, or let it finish."""
    journal = folder / "records.jsonl"
    size = journal.stat().st_size if journal.exists() else 0
    enough = size + rng.randrange(20_000)
    while child.poll() is None:
        if journal.exists() and journal.stat().st_size >= enough and rng.random() < 0.5:
            child.kill()
            child.wait()
            return False
        time.sleep(rng.random() * 0.003)
    assert child.returncode == 0
    return True
