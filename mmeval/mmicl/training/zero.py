"""DeepSpeed's ZeRO: its configuration file, and what a run needs to begin, save and resume with it."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers.integrations.deepspeed import deepspeed_load_checkpoint, unset_hf_deepspeed_config

from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.weights import FACTS, one_line, read_json

FOLLOWING = ("train_micro_batch_size_per_gpu", "gradient_accumulation_steps", "gradient_clipping")
"""Keys that take the run's values where the file does not set them."""
ZERO = "zero"
"""The key of a checkpoint's facts with the stage and the number of processes that wrote it."""


def settings(file: str) -> dict[str, Any]:
    """Read a DeepSpeed configuration, and complete it. Raises CheckpointError or TrainingError.

    Keys of the batch, the clipping and the dtype follow the run; without them DeepSpeed would not clip. Stage 3 gathers
    the weights to save them, whatever the file says: every checkpoint holds the trained weights.
    """
    content = read_json(Path(file))
    zero = content.get("zero_optimization")
    stage = zero.get("stage") if isinstance(zero, dict) else None
    if type(stage) is not int or stage not in range(4):
        raise TrainingError(f'{file}: must set "zero_optimization": {{"stage": N}}, where N is 0, 1, 2 or 3')
    assert isinstance(zero, dict)
    if stage == 3:
        content["zero_optimization"] = {**zero, "stage3_gather_16bit_weights_on_model_save": True}
    return {**dict.fromkeys(FOLLOWING, "auto"), "bf16": {"enabled": "auto"}, **content}


def check_launch(config: Config, sharded: bool) -> None:
    """Raise TrainingError if the processes were not started as DeepSpeed needs; `sharded`: by FSDP."""
    if config.deepspeed is None:
        if os.environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true":
            raise TrainingError(
                "accelerate launch: was set to use DeepSpeed, but the configuration has no key `deepspeed`; name "
                "DeepSpeed's configuration there, and start the processes with torchrun"
            )
        return
    if sharded:
        raise TrainingError("deepspeed: FSDP is on, too, and only one of them can shard the model; remove one")
    settings(config.deepspeed)
    if "LOCAL_RANK" not in os.environ:
        raise TrainingError(
            "deepspeed: needs a launcher, also for a single process: torchrun --nproc-per-node 1 -m mmeval train ..."
        )


def facts(config: Config, processes: int) -> dict[str, Any]:
    """Return what a checkpoint says about its shards."""
    if config.deepspeed is None:
        return {}
    return {ZERO: {"stage": settings(config.deepspeed)["zero_optimization"]["stage"], "processes": processes}}


def check_shards(start: Path, config: Config, processes: int) -> None:
    """Raise TrainingError unless a checkpoint is complete, and of the same stage and number of processes.

    Without ZeRO (stage 0) every process has the whole state, so their number may change.
    """
    before, now = read_json(start / FACTS).get(ZERO), facts(config, processes)[ZERO]
    if not isinstance(before, dict) or before.keys() != now.keys():
        raise TrainingError(f"{start / FACTS}: lacks '{ZERO}'; add --fresh to start over")
    if before["stage"] != now["stage"] or (now["stage"] and before != now):
        raise TrainingError(
            f"{start}: was written with ZeRO stage {before['stage']} by {before['processes']} processes, and its "
            f"shards cannot be divided otherwise (now: stage {now['stage']}, {processes} processes); resume the run as "
            "it was, or add --fresh to start over"
        )
    states = [*start.glob("global_step*/*_states.pt")]
    shards = [file for file in states if file.name.endswith("_optim_states.pt")]
    whole = states and (start / "latest").is_file() and (not now["stage"] or len(shards) == before["processes"])
    files = (*states, start / "scheduler.pt", *start.glob("rng_state*.pth"))
    damaged = [file for file in files if not zipfile.is_zipfile(file)]
    if damaged or not whole:
        raise TrainingError(
            f"{damaged[0] if damaged else start / 'global_step*'}: missing or damaged; delete that checkpoint, and the "
            "same command resumes from the one before"
        )


@contextmanager
def explained(file: str) -> Iterator[None]:
    """Turn what DeepSpeed raises about its configuration `file` and this machine into a TrainingError."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (AssertionError, AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise TrainingError(f"{file}: DeepSpeed cannot begin with it ({one_line(error)}); fix it") from error


def forget_stage() -> None:
    """Let transformers make whole models: after stage 3 has been configured, it would shard each new one."""
    unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]


def save_shards(engine: Any, folder: str) -> None:
    """Save the state of an engine without the frozen weights, which are those of the base model."""
    engine.save_checkpoint(folder, exclude_frozen_parameters=True)


def load_shards(engine: Any, folder: str | None) -> None:
    """Load what `save_shards` saved."""
    deepspeed_load_checkpoint(engine, folder, load_module_strict=False)  # type: ignore[no-untyped-call]
