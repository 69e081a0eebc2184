"""`evaluate:` in a training configuration: a run folder for each checkpoint and benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result

from mmeval.cli import main
from mmeval.mmicl import checkpoints
from mmeval.runs.run import open_run
from tests.training.conftest import config_values


def trained(data: Path, *flags: str, **changes: Any) -> Result:
    """Train by the command line, the configuration in another folder than the data."""
    (data / "configs").mkdir(exist_ok=True)
    file = data / "configs" / "own.yaml"
    file.write_text(yaml.safe_dump(config_values(data, **changes)), encoding="utf-8")
    return CliRunner().invoke(main, ["train", "stage2", "--config", str(file), *flags])


@pytest.mark.slow
def test_each_checkpoint_is_evaluated_and_training_is_the_same(data: Path) -> None:
    unevaluated = trained(data, output=str(data / "plain"), evaluate_every=2)
    result = trained(data, evaluate=["mic:../train.jsonl"], evaluate_every=2)
    assert (unevaluated.exit_code, result.exit_code) == (0, 0), result.output
    name = f"mic-{data.name}-train"
    runs = {step: open_run(data / "out" / "evaluations" / f"checkpoint-{step}" / name) for step in (2, 4)}
    assert all(run.complete and not run.marks for run in runs.values())
    assert runs[2].identity["checkpoint"] != runs[4].identity["checkpoint"]
    assert f"checkpoint-4, {name}: made " in " ".join(result.output.split())
    assert (runs[4].folder / "report.html").exists()
    expected, actual = (checkpoints.load_model(data / out / "trained").state_dict() for out in ("plain", "out"))
    assert all(torch.equal(value, actual[key]) for key, value in expected.items())
    states = [torch.load(data / out / "checkpoint-4" / "rng_state.pth", weights_only=False) for out in ("plain", "out")]
    assert torch.equal(states[0]["cpu"], states[1]["cpu"])  # an evaluation seeds torch, and dropout is drawn as before


@pytest.mark.slow
def test_what_was_stopped_while_it_was_evaluated_is_evaluated(data: Path) -> None:
    file = str(data / "train.jsonl")
    assert trained(data, steps=2, evaluate_every=2).exit_code == 0
    result = trained(
        data, steps=2, evaluate_every=2, evaluate={f"mic:{file}": None, "mme": "embedded"}, evaluate_limit=2
    )
    assert result.exit_code == 0, result.output
    folder = data / "out" / "evaluations" / "checkpoint-2"
    mme = open_run(folder / "mme")
    assert mme.samples_answered == mme.samples_planned > 0
    assert mme.marks  # embedded, limited
    repeated = trained(data, steps=2, evaluate_every=2, evaluate=[f"mic:{file}"], evaluate_limit=3)
    assert repeated.exit_code == 0, repeated.output
    assert "is not evaluated on" in repeated.output  # other questions than the run there has
    assert open_run(folder / f"mic-{data.name}-train").samples_planned == 2
    fresh = trained(data, "--fresh", steps=2, evaluate_every=2, evaluate=[f"mic:{file}"], evaluate_limit=3)
    assert fresh.exit_code == 0, fresh.output
    assert {path.name for path in folder.iterdir()} == {f"mic-{data.name}-train"}


@pytest.mark.parametrize(
    ("evaluate", "sentence"),
    [
        (["mmee"], "evaluate: unknown task 'mmee' (did you mean 'mme'?)"),
        ({"mme": "nowhere"}, "nowhere"),
        (["vqav2"], "evaluate: the task 'vqav2' has no embedded suite"),
        (["mic:gone.jsonl"], "gone.jsonl: cannot be read"),
    ],
)
def test_what_cannot_be_evaluated_is_reported_before_training(data: Path, evaluate: Any, sentence: str) -> None:
    result = trained(data, evaluate=evaluate)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert not (data / "out").exists()


@pytest.mark.slow
def test_what_was_trained_names_benchmarks_as_seen_from_its_folder(data: Path) -> None:
    assert trained(data, steps=1, evaluate=["mic:../train.jsonl"]).exit_code == 0
    config = json.loads((data / "out" / "trained" / "training.json").read_text())["config"]
    assert config["evaluate"] == {"mic:../train.jsonl": None}
