"""DeepSpeed: what is refused before it begins, and, where it is installed, that it learns what DDP learns."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mmeval.mmicl import checkpoints
from mmeval.mmicl.training import zero
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.weights import FACTS, TRAINED, CheckpointError
from tests.training.test_training_processes import run


def config_with(folder: Path, content: object) -> Config:
    """Return a configuration that names a DeepSpeed file with this content."""
    file = folder / "zero.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return Config(model="m", data=("d",), output="o", deepspeed=str(file))


def stage(number: object, **others: Any) -> dict[str, Any]:
    return {"zero_optimization": {"stage": number, **others}}


@pytest.mark.parametrize("content", [{}, {"zero_optimisation": {"stage": 2}}, stage(4), stage(True), stage("2"), []])
def test_a_file_without_a_stage_is_refused(tmp_path: Path, content: object) -> None:
    """DeepSpeed ignores keys that it does not know, and would train without sharding."""
    with pytest.raises((TrainingError, CheckpointError), match=r"zero.json: must (set|hold)"):
        zero.settings(str(config_with(tmp_path, content).deepspeed))


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"zero.json: not JSON"):
        zero.settings(str(config_with(tmp_path, '{"zero_optimization": ').deepspeed))


def test_open_keys_follow_the_run_and_stage_3_gathers_what_is_saved(tmp_path: Path) -> None:
    content = stage(3, stage3_gather_16bit_weights_on_model_save=False) | {"gradient_clipping": 0.5}
    settings = zero.settings(str(config_with(tmp_path, content).deepspeed))
    assert settings["gradient_clipping"] == 0.5
    assert settings["train_micro_batch_size_per_gpu"] == settings["gradient_accumulation_steps"] == "auto"
    assert settings["bf16"] == {"enabled": "auto"}
    assert settings["zero_optimization"] == {"stage": 3, "stage3_gather_16bit_weights_on_model_save": True}
    assert "stage3_gather_16bit_weights_on_model_save" not in str(zero.settings(config_file(tmp_path, 2)))


def config_file(folder: Path, number: int) -> str:
    return str(config_with(folder, stage(number)).deepspeed)


def test_another_way_to_start_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_with(tmp_path, stage(2))
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(TrainingError, match="needs a launcher, also for a single process: torchrun"):
        zero.check_launch(config, sharded=False)
    with pytest.raises(TrainingError, match="FSDP is on, too"):
        zero.check_launch(config, sharded=True)
    monkeypatch.setenv("LOCAL_RANK", "0")
    zero.check_launch(config, sharded=False)
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(TrainingError, match="the configuration has no key `deepspeed`"):
        zero.check_launch(Config(model="m", data=("d",), output="o"), sharded=False)


def written(folder: Path, config: Config, processes: int) -> Path:
    """Write a checkpoint with the files of DeepSpeed, whose tensors nobody reads."""
    start = folder / "checkpoint-2"
    (start / "global_step2").mkdir(parents=True)
    (start / FACTS).write_text(json.dumps(zero.facts(config, processes)))
    (start / "latest").write_text("global_step2")
    shards = [f"zero_pp_rank_{rank}_mp_rank_00_optim_states.pt" for rank in range(processes)]
    for name in ("global_step2/mp_rank_00_model_states.pt", *(f"global_step2/{shard}" for shard in shards)):
        zipfile.ZipFile(start / name, "w").close()
    for name in ("scheduler.pt", *(f"rng_state_{rank}.pth" for rank in range(processes))):
        zipfile.ZipFile(start / name, "w").close()
    return start


def test_shards_resume_only_as_they_were_written(tmp_path: Path) -> None:
    config = config_with(tmp_path, stage(2))
    start = written(tmp_path, config, processes=2)
    zero.check_shards(start, config, processes=2)
    with pytest.raises(TrainingError, match=r"stage 2 by 2 processes.*\(now: stage 2, 1 processes\)"):
        zero.check_shards(start, config, processes=1)
    with pytest.raises(TrainingError, match=r"stage 2 by 2 processes.*\(now: stage 1, 2 processes\)"):
        zero.check_shards(start, config_with(tmp_path, stage(1)), processes=2)
    whole = config_with(tmp_path, stage(0))
    (start / FACTS).write_text(json.dumps(zero.facts(whole, processes=2)))
    zero.check_shards(start, whole, processes=1)


@pytest.mark.parametrize(
    "name", ["latest", "scheduler.pt", "global_step2/zero_pp_rank_1_mp_rank_00_optim_states.pt", "rng_state_1.pth"]
)
def test_damaged_shards_are_refused(tmp_path: Path, name: str) -> None:
    config = config_with(tmp_path, stage(2))
    start = written(tmp_path, config, processes=2)
    if name.startswith("rng"):
        (start / name).write_bytes(b"PK torn")
    else:
        (start / name).unlink()
    with pytest.raises(TrainingError, match="missing or damaged; delete that checkpoint"):
        zero.check_shards(start, config, processes=2)


def test_what_deepspeed_raises_is_one_sentence() -> None:
    sentence = r"^zero.json: DeepSpeed cannot begin with it \(Extra inputs are not.*\); fix it$"
    with pytest.raises(TrainingError, match=sentence), zero.explained("zero.json"):
        raise ValueError("Extra inputs\nare not permitted")
    with pytest.raises(torch.OutOfMemoryError), zero.explained("zero.json"):
        raise torch.OutOfMemoryError("tried to allocate")


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.skipif(importlib.util.find_spec("deepspeed") is None, reason="deepspeed is not installed")
@pytest.mark.parametrize("number", [0, 2, 3])
def test_two_processes_with_deepspeed_learn_what_one_does(data: Path, number: int) -> None:
    """With little clipping, a run that is resumed, and a whole model saved at the end."""
    expected_losses = run(data, 1, {}, clip=0.3)
    variables = {"DS_ACCELERATOR": "cpu"}
    changes: dict[str, Any] = {"clip": 0.3, "evaluate_every": 2, "deepspeed": config_file(data, number)}
    run(data, 2, variables, steps=2, **changes)
    losses = run(data, 2, variables, save_full=True, **changes)
    assert losses == pytest.approx(expected_losses, abs=2e-4)
    expected, weights = (load_file(data / f"out{n}" / "checkpoint-4" / TRAINED) for n in (1, 2))
    assert weights.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(weights[key], value, atol=2e-5, rtol=1e-3, msg=key)
    for file in (data / "out2" / "checkpoint-4" / "global_step4").glob("*model_states.pt"):
        frozen = torch.load(file, weights_only=False)["module"].keys() - weights.keys()
        assert not any(name.startswith("vision_model") for name in frozen), "what is frozen is not saved"
    assert checkpoints.load_model(data / "out2" / "full") is not None
