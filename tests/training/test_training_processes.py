"""Two processes on a CPU learn what one process learns: the same losses, the same weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from mmeval.mmicl import checkpoints
from tests.training.conftest import config_values

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, processes: int, **changes: object) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The losses and what was trained, by `processes` processes that share 8 rows a step."""
    values = config_values(folder, batch=8 // processes, output=str(folder / f"out{processes}"), **changes)
    file = folder / f"config{processes}.yaml"
    file.write_text(yaml.safe_dump(values))
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(processes),
    ]
    command = [*(launch if processes > 1 else [sys.executable]), "-m", "tests.training.two_processes", str(file)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    state = json.loads((folder / f"out{processes}" / "checkpoint-4" / "trainer_state.json").read_text())
    losses = [entry["loss"] for entry in state["log_history"] if "loss" in entry]
    from mmeval.mmicl.training.trained import read_tensors

    return losses, read_tensors(folder / f"out{processes}" / "trained")


@pytest.mark.parametrize("trainable", ["paper", "full"])
@pytest.mark.parametrize("fsdp", [{}, {"version": 2, "reshard_after_forward": True}], ids=["ddp", "fsdp2"])
def test_two_processes_learn_what_one_does(data: Path, trainable: str, fsdp: dict[str, object]) -> None:
    one, expected = run(data, 1, trainable=trainable)
    two, found = run(data, 2, trainable=trainable, **({"fsdp": fsdp} if fsdp else {}))
    assert two == pytest.approx(one, abs=2e-4)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, atol=2e-5, rtol=1e-3, msg=key)
    assert checkpoints.load_model(data / "out2" / "trained") is not None
