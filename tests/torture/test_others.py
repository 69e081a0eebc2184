"""Killed at any instant, a training and a MIC build go on, and end with the bytes of ones that were never killed."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forks import FORKS
from tests.mic import mic_folders
from tests.torture.child import Order, run
from tests.training.conftest import config_values, write_base, write_examples

KILLS = int(os.environ.get("MMEVAL_KILLS", "20"))
pytestmark = [pytest.mark.slow, pytest.mark.processes]
Command = Callable[[Path], tuple[str, ...]]
"""What writes into the folder."""


def call(order: Order) -> int:
    child = FORKS.Process(target=run, args=(order,))
    child.start()
    child.join(240)
    assert child.exitcode is not None, "it hangs"
    return child.exitcode


def killed(place: Path, command: Command, kills: int, patterns: tuple[str, ...]) -> None:
    """Kill a command until it is whole, again and again, and compare what it wrote with what one never killed did."""
    log, rng, done, rounds = place / "a.log", random.Random(0), 0, 0
    log.write_text("")
    assert call(Order(command(place / "whole"), place / "whole", log)) == 0, log.with_suffix(".out").read_text()[-900:]
    expected, instants = written(place / "whole", patterns), int(log.read_text().split()[-1])
    assert expected
    while done < kills:
        rounds += 1
        folder = place / f"killed{rounds}"
        for _ in range(6):
            status = call(Order(command(folder), folder, log, rng.randrange(1, instants + 1)))
            assert status in (0, -signal.SIGKILL), log.with_suffix(".out").read_text()[-900:]
            done += status != 0
        assert call(Order(command(folder), folder, log)) == 0, log.with_suffix(".out").read_text()[-900:]
        assert written(folder, patterns) == expected


def written(folder: Path, patterns: tuple[str, ...]) -> dict[str, bytes]:
    paths = (path for pattern in patterns for path in folder.glob(pattern))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_training_that_is_killed_at_any_instant_goes_on(tmp_path: Path) -> None:
    write_examples(tmp_path)
    write_base(tmp_path)

    def command(folder: Path) -> tuple[str, ...]:
        file = folder.with_suffix(".yaml")
        held_out = {"held_out": str(tmp_path / "train.jsonl"), "held_out_limit": 3, "max_new_tokens": 2}
        values = config_values(tmp_path, output=str(folder), steps=6, evaluate_every=2, **held_out)
        file.write_text(json.dumps(values))  # JSON is YAML
        return ("train", "stage2", "--config", str(file))

    killed(tmp_path, command, KILLS // 10, ("trained/trained.safetensors", "checkpoint-6/trained.safetensors"))


def test_a_build_that_is_killed_at_any_instant_goes_on(tmp_path: Path) -> None:
    mic_folders.vqav2(tmp_path / "root")

    def command(folder: Path) -> tuple[str, ...]:
        return ("mic", "build", "--source", "vqav2", "--root", str(tmp_path / "root"), "--out", str(folder))

    killed(tmp_path, command, KILLS // 5, ("*.jsonl", "pictures/*", "mic.json"))
