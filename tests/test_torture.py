"""A run killed at random moments loses nothing, asks nothing twice, and ends with the scores of one never killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from mmeval.run import Run, open_run
from tests.mme_folder import make_release

KILLS = int(os.environ.get("MMEVAL_KILLS", "20"))
CHILD = Path(__file__).parent / "killed_child.py"


def start(data: Path, folder: Path, asked: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(CHILD), str(data), str(folder), str(asked)])


def recorded(folder: Path) -> list[str]:
    return [record.id for record in Run(folder).records]


def test_killed_runs_resume(tmp_path: Path) -> None:
    data = make_release(tmp_path / "data", pictures=6)
    whole = tmp_path / "whole"
    assert start(data, whole, tmp_path / "all").wait() == 0
    expected = open_run(whole).results

    rng, kills = random.Random(0), 0
    while kills < KILLS:
        folder, asked = tmp_path / f"killed{kills}", tmp_path / f"asked{kills}"
        finished = False
        while not finished:
            before = recorded(folder)
            asked.write_text("")
            child = start(data, folder, asked)
            finished = wait_or_kill(child, folder, len(before), rng)
            kills += not finished
            again = set(asked.read_text().split()) & set(before)
            assert not again, f"asked again: {sorted(again)[:3]}"
            assert recorded(folder)[: len(before)] == before, "a recorded answer was lost"
        assert open_run(folder).results == expected
        assert len(recorded(folder)) == len(set(recorded(folder)))


def wait_or_kill(child: subprocess.Popen[bytes], folder: Path, before: int, rng: random.Random) -> bool:
    """Kills the child once it has written a random number of bytes more, or lets it finish."""
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
