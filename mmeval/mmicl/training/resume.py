"""The checkpoint that a run resumes from: find it, check it, and fit the run to it."""

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.weights import FACTS, read_json

STATE = "trainer_state.json"
"""The file that is written last in a checkpoint."""


def last_checkpoint(output: Path) -> Path | None:
    """Find the newest checkpoint whose last file is complete."""
    complete = [folder for folder in checkpoints_in(output) if state_of(folder) is not None]
    return max(complete, key=step_of, default=None)


def checkpoints_in(output: Path) -> list[Path]:
    """Return the folders named like the Trainer's checkpoints, complete or not."""
    return [folder for folder in output.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", folder.name)]


def step_of(checkpoint: Path) -> int:
    """Return the number of steps before a checkpoint, from its folder's name."""
    return int(checkpoint.name.rpartition("-")[2])


def state_of(checkpoint: Path) -> dict[str, Any] | None:
    """Return the Trainer's state in a checkpoint, or None if the run was killed while writing it."""
    try:
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return state if isinstance(state, dict) and isinstance(state.get("global_step"), int) else None


def adapt(start: Path, config: Config) -> None:
    """Write what the Trainer would take from the earlier run: `log_every`, and where the best checkpoint was.

    Raises TrainingError if the best checkpoint is missing.
    """
    state = state_of(start) or {}
    changed = state | {"logging_steps": config.log_every}
    if state.get("best_model_checkpoint") is not None:
        best = start.with_name(f"checkpoint-{state['best_global_step']}")
        if not best.is_dir():
            raise TrainingError(f"{best}: the best checkpoint is missing; restore it, or add --fresh to start over")
        changed["best_model_checkpoint"] = str(best)
    if changed != state:
        written = start / f".{STATE}"
        written.write_text(json.dumps(changed, indent=2) + "\n", encoding="utf-8")
        written.replace(start / STATE)


def is_finished(start: Path, config: Config) -> bool:
    """Tell whether a checkpoint is the last one of the configured training."""
    state, before = state_of(start) or {}, read_json(start / FACTS).get("config", {})
    same = all(before.get(key) == getattr(config, key) for key in ("steps", "epochs"))
    last_step = config.steps or (state.get("max_steps") if same else None)
    return last_step is not None and state.get("global_step", 0) >= last_step


def check_whole(start: Path, shards: bool) -> None:
    """Raise TrainingError unless a checkpoint has the state of an optimizer, sharded or not, and of its schedule.

    The Trainer would silently begin with new ones.
    """
    optimizer, other_optimizer = ("optimizer.bin", "optimizer.pt") if shards else ("optimizer.pt", "optimizer.bin")
    if (start / other_optimizer).exists() and not (start / optimizer).exists():
        raise TrainingError(
            f"{start}: was written {'without' if shards else 'with'} sharded parameters (FSDP); start the run as "
            "before, or add --fresh to start over"
        )
    folders = any(folder.is_dir() for folder in start.glob("optimizer_*"))  # shards in files of their own
    for file in (*(() if folders else (start / optimizer,)), start / "scheduler.pt", *start.glob("rng_state*.pth")):
        if not zipfile.is_zipfile(file):
            raise TrainingError(
                f"{file}: missing or damaged; delete that checkpoint, and the same command resumes from the one before"
            )


def check_same(start: Path, facts: Mapping[str, Any]) -> None:
    """Raise TrainingError if the base model or the data differ from those of the checkpoint."""
    before = read_json(start / FACTS)
    for key, key_name in (("digest", "model"), ("rows", "data")):
        if before.get(key) != facts[key]:
            raise TrainingError(
                f"{start}: was trained on other files than those that `{key_name}` names now; restore them, or add "
                "--fresh to start over"
            )


def same_batch(config: Config, start: Path, processes: int, say: Callable[[str], None]) -> Config:
    """Return the configuration with the checkpoint's number of batches per step, for another number of processes.

    Raises TrainingError if the number of processes does not divide it.
    """
    before = read_json(start / FACTS).get("batches_a_step", config.accumulation * processes)
    if before == config.accumulation * processes:
        return config
    if before % processes:
        fitting = ", ".join(str(number) for number in range(1, before + 1) if not before % number)
        raise TrainingError(
            f"{start}: {processes} processes cannot evenly share the batches of a step ({before}); use one of these "
            f"numbers of processes: {fitting}; or add --fresh to start over"
        )
    say(f"{processes} processes take {before // processes} batches each per step, to keep {before} in total")
    return replace(config, accumulation=before // processes)
