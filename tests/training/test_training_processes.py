"""Two processes on a CPU, copied (DDP) or sharded (FSDP2), train as one process does, and resume after a stop."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from accelerate.commands.launch import _validate_launch_command, launch_command_parser  # type: ignore[import-untyped]
from accelerate.utils.launch import prepare_multi_gpu_env  # type: ignore[import-untyped]
from safetensors.torch import load_file

from mmeval.mmicl import checkpoints
from mmeval.mmicl.weights import TRAINED
from tests.forks import FORKS
from tests.mmicl import mmicl_small as small
from tests.training.conftest import config_values, write_base
from tests.training.two_processes import launch, learn

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.processes]


def launched(file: str) -> dict[str, str]:
    """Return the variables that `accelerate launch` sets for a launch file of ours."""
    args = launch_command_parser().parse_args(["--config_file", str(ROOT / "configs" / file), "-m", "mmeval"])
    args, *_ = _validate_launch_command(args)
    variables = prepare_multi_gpu_env(args)
    return {key: value for key, value in variables.items() if key.startswith(("ACCELERATE_", "FSDP_"))}


def forked(file: Path, processes: int, variables: dict[str, str], by_torch: bool = False) -> None:
    """Train in forks of a process that has imported everything once: torch's own launcher imports it for each.

    `by_torch` lets torchrun's agent start the forks, as it starts a user's processes. One in some hundred runs over
    gloo on CPUs dies by a signal inside torch. It is begun again, once, and goes on from its last checkpoint, as a
    user's would; where it was is on the standard error.
    """
    statuses = _forked(file, processes, variables, by_torch)
    if any(status < 0 for status in statuses):
        print(f"{file}: ended by signals {statuses}; begun again", file=sys.stderr)
        statuses = _forked(file, processes, variables, by_torch)
    assert not any(statuses), statuses


def _forked(file: Path, processes: int, variables: dict[str, str], by_torch: bool) -> list[int]:
    if by_torch:
        started = [FORKS.Process(target=launch, args=(str(file), processes, variables))]
    else:
        environments = _environments(processes)
        started = [FORKS.Process(target=learn, args=(str(file), variables | each)) for each in environments]
    for process in started:
        process.start()
    for process in started:
        process.join(240)
    assert all(process.exitcode is not None for process in started), "it hangs"
    return [int(process.exitcode or 0) for process in started]


def _environments(processes: int) -> list[dict[str, str]]:
    """Return the variables by which each process finds the others."""
    if processes == 1:
        return [{}]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(processes)}
    shared["LOCAL_WORLD_SIZE"] = str(processes)
    return [{**shared, "RANK": rank, "LOCAL_RANK": rank} for rank in map(str, range(processes))]


def run(
    folder: Path, processes: int, variables: dict[str, str], by_torch: bool = False, **changes: object
) -> list[float]:
    """Return the losses of `processes` processes that share 8 rows a step, into `folder/outN`."""
    held_out = {"held_out": str(folder / "train.jsonl"), "held_out_limit": 5, "max_new_tokens": 4}
    output = str(folder / f"out{processes}")
    values = config_values(folder, batch=8 // processes, output=output, **held_out, **changes)
    file = folder / f"config{processes}.yaml"
    file.write_text(yaml.safe_dump(values))
    forked(file, processes, variables, by_torch)
    state = json.loads(
        (folder / f"out{processes}" / f"checkpoint-{values['steps']}" / "trainer_state.json").read_text()
    )
    return [entry["loss"] for entry in state["log_history"] if "loss" in entry]


@pytest.mark.parametrize(
    ("file", "family", "trainable"),
    [
        ("ddp.yaml", "t5", "paper"),
        ("ddp.yaml", "t5", "full"),
        ("fsdp2.yaml", "t5", "paper"),
        ("fsdp2.yaml", "t5", "full"),
        ("fsdp2.yaml", "llama", "paper"),
        ("fsdp2.yaml", "opt", "full"),
    ],
)
def test_two_processes_learn_what_one_does(data: Path, file: str, family: small.Family, trainable: str) -> None:
    write_base(data, family)
    variables = {**launched(file), "ACCELERATE_MIXED_PRECISION": "no"}
    expected_losses = run(data, 1, {}, trainable=trainable)
    run(data, 2, variables, trainable=trainable, steps=2, evaluate_every=2)
    losses = run(data, 2, variables, trainable=trainable, evaluate_every=2)
    assert losses == pytest.approx(expected_losses, abs=2e-4)
    checkpoint = {path.name for path in (data / "out2" / "checkpoint-4").iterdir()}
    assert ("optimizer.bin" in checkpoint) == (file == "fsdp2.yaml"), "were the parameters sharded?"
    assert not any("fsdp" in name for name in checkpoint), "what is frozen is not saved"
    expected, weights = (load_file(data / f"out{n}" / "checkpoint-4" / TRAINED) for n in (1, 2))
    assert weights.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(weights[key], value, atol=2e-5, rtol=1e-3, msg=key)
    assert checkpoints.load_model(data / "out2" / "trained") is not None


def test_frozen_shards_are_narrow_and_are_asked_all_the_same(data: Path) -> None:
    losses = run(data, 2, launched("fsdp2.yaml"), by_torch=True, dtype="bfloat16")
    assert losses == pytest.approx(run(data, 1, {}), abs=0.02)


def test_a_stream_goes_on_at_its_place_on_another_number_of_processes(data: Path) -> None:
    """Two processes, of which one goes on alone, learn what two do."""
    variables = {**launched("ddp.yaml"), "ACCELERATE_MIXED_PRECISION": "no"}
    values = {"stream": True, "batch": 2, "evaluate_every": 2}

    def learned(output: str, *parts: tuple[int, int]) -> dict[str, torch.Tensor]:
        for processes, steps in parts:
            file = data / f"{output}-{processes}.yaml"
            config = config_values(data, output=str(data / output), **values, steps=steps)
            file.write_text(yaml.safe_dump(config))
            forked(file, processes, variables if processes > 1 else {})
        return load_file(data / output / "trained" / TRAINED)

    changed = learned("changed", (2, 2), (1, 4))
    expected = learned("whole", (2, 4))
    for key, value in expected.items():
        torch.testing.assert_close(changed[key], value, atol=2e-5, rtol=1e-3, msg=key)
    places = [json.loads((data / name / "checkpoint-4" / "stream.json").read_text()) for name in ("changed", "whole")]
    assert places[0] == places[1] and len(places[0]) == 16


@pytest.mark.parametrize(
    ("file", "beginning", "changes"),
    [
        ("fsdp2.yaml", "blip-2", {"trainable": "paper"}),
        ("fsdp2.yaml", "instructblip", {"trainable": "paper+qformer", "gradient_checkpointing": "selective"}),
        ("fsdp2.yaml", "instructblip", {"trainable": "paper+qformer", "instruction": True}),
        ("ddp.yaml", "instructblip", {"trainable": "paper+qformer", "gradient_checkpointing": True}),
    ],
)
def test_rows_without_pictures_fall_to_one_process(
    data: Path, file: str, beginning: str, changes: dict[str, Any]
) -> None:
    """Every second question, those of the second process, has no picture."""
    small.write(data / "base", "t5", beginning)
    examples = [json.loads(line) for line in (data / "train.jsonl").read_text().splitlines()]
    for example in examples[1::2]:
        example |= {"images": [], "turns": [{**example["turns"][0], "ask": ["is there ?"]}]}
    (data / "train.jsonl").write_text("\n".join(map(json.dumps, examples)))
    expected = run(data, 1, {}, **changes)
    losses = run(data, 2, {**launched(file), "ACCELERATE_MIXED_PRECISION": "no"}, **changes)
    assert losses == pytest.approx(expected, abs=2e-4)
