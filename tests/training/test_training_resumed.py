"""Runs that go on after their folder moved or their length changed, and the checkpoints that they keep."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mmeval.mmicl.training import trainer
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.training.run import train
from tests.training.conftest import config_values

FEW = {"steps": 2, "evaluate_every": 1}


@pytest.fixture
def first_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every run's first checkpoint its best one."""
    monkeypatch.setattr(trainer, "is_better", lambda metrics, best, *_: best is None)


def _held_out(data: Path, **changes: object) -> Config:
    return Config(**config_values(data, held_out=str(data / "train.jsonl"), **FEW, **changes))


def _steps(messages: list[str]) -> list[str]:
    return [line.split(":")[0] for line in messages if ": loss" in line]


@pytest.mark.slow
@pytest.mark.usefixtures("first_is_best")
def test_the_best_checkpoint_moves_with_its_folder(data: Path) -> None:
    config = _held_out(data)
    train(config)
    (data / "out").rename(data / "moved")  # as a relative output does when the command is given in another folder
    moved, messages = replace(config, output=str(data / "moved")), list[str]()
    train(moved, say=messages.append)  # nothing is left to train
    train(replace(moved, steps=3), say=messages.append)  # the Trainer would take the last step for the best
    best = data / "moved" / "checkpoint-1"
    assert [line for line in messages if line.startswith("best: ")] == [f"best: {best}, exact_match 0.000"] * 2
    shutil.rmtree(best)
    with pytest.raises(TrainingError, match="checkpoint-1: the best checkpoint is missing; restore it, or add --fresh"):
        train(replace(moved, steps=4))


@pytest.mark.slow
@pytest.mark.usefixtures("first_is_best")
def test_the_last_checkpoint_is_kept_beside_the_best(data: Path) -> None:
    config, messages = _held_out(data, keep=1), list[str]()
    train(config)
    train(config, say=messages.append)
    assert not _steps(messages)
    assert {path.name for path in (data / "out").glob("checkpoint-*")} == {"checkpoint-1", "checkpoint-2"}


@pytest.mark.slow
def test_a_run_goes_on_to_its_epochs_when_its_steps_are_removed(data: Path) -> None:
    config = Config(**config_values(data, epochs=2, **FEW))
    train(config)
    messages: list[str] = []
    train(replace(config, steps=None, log_every=2), say=messages.append)
    assert _steps(messages) == ["step 4 of 4"]  # of two batches an epoch; log_every may change, too
