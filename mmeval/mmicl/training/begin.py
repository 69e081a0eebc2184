"""Checks before a run begins: its files and packages exist, and its output folder holds no other run."""

import fcntl
import importlib.util
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.config import EVALUATIONS, NOWHERE, Config, TrainingError, task_at
from mmeval.mmicl.training.pictures import SKIPPED
from mmeval.mmicl.weights import FACTS, one_line, read_json

MARK = "config.json"
"""The file in the output folder that identifies its run."""
STATE = "trainer_state.json"
"""The file that is written last in a checkpoint."""
FREE = (
    "steps",
    "epochs",
    "workers",
    "report_to",
    "keep",
    "log_every",
    "push_to_hub",
    "compile",
    "gradient_checkpointing",
    "evaluate",
    "evaluate_limit",
)
"""Keys that may change when a run resumes: its length and how it is watched."""


@contextmanager
def hold(config: Config, main: bool) -> Iterator[None]:
    """Lock the output folder so no other run writes there; the first process of a run does this for all.

    Raises TrainingError if another run has locked it, it cannot be written, or a file of the configuration is missing.
    """
    for file in () if config.stream else config.data:
        if "://" in file or file.endswith(".parquet") or Path(file).is_dir():
            raise TrainingError(
                f"{file}: not a JSON-lines file; set `stream: true` to read folders, tables and addresses"
            )
    for needed in (*(() if config.stream else config.data), config.held_out, config.deepspeed):
        if needed and not Path(needed).is_file():
            found = "not a file" if Path(needed).exists() else "no such file"
            raise TrainingError(f"{needed}: cannot be read ({found}); fix the path in the configuration")
    if not main:
        yield
        return
    output = Path(config.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        held = os.open(output, os.O_RDONLY)
    except OSError as error:
        raise TrainingError(f"{output}: cannot be written ({error.strerror}); choose another output") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        fcntl.flock(held, fcntl.LOCK_UN)  # workers that read ahead may keep it open a while longer
    except BlockingIOError as error:
        raise TrainingError(
            f"{output}: another training run is writing there; wait for it, stop it, or choose another output"
        ) from error
    finally:
        os.close(held)


def begin(config: Config, fresh: bool, main: bool) -> Path | None:
    """Prepare the output folder, and return its newest complete checkpoint to resume from.

    `fresh` deletes the checkpoints of an earlier run and their evaluations. Raises TrainingError if the folder holds a
    run with another configuration.
    """
    output = Path(config.output)
    mark = output / MARK
    start = None if fresh else last_checkpoint(output)
    if start and _lasting(read_json(mark)) != _lasting(json.loads(_text_of(config))):
        raise TrainingError(
            f"{output}: holds a run with another configuration; add --fresh to start over, or choose another output"
        )
    if main:
        try:
            for old in [*output.glob("checkpoint-*"), *output.glob(EVALUATIONS)] if fresh else ():
                shutil.rmtree(old)
            for old in output.glob(SKIPPED.format("*")) if start is None else ():
                old.unlink()
            begun = mark.with_name(f".{MARK}")
            begun.write_text(_text_of(config), encoding="utf-8")
            begun.replace(mark)
            if start:
                _adapt(start, config)
        except OSError as error:
            raise TrainingError(f"{output}: cannot be written ({error.strerror}); choose another output") from error
    return start


def last_checkpoint(output: Path) -> Path | None:
    """Find the newest checkpoint whose last file is complete."""
    folders = (folder for folder in output.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", folder.name))
    whole = [folder for folder in folders if state_of(folder) is not None]
    return max(whole, key=step_of, default=None)


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


def _adapt(start: Path, config: Config) -> None:
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
    wanted = config.steps or (state.get("max_steps") if same else None)
    return wanted is not None and state.get("global_step", 0) >= wanted


def check(config: Config, model: MmiclForConditionalGeneration, processor: MmiclProcessor, processes: int) -> None:
    """Raise TrainingError if the model cannot be trained as configured or a package is missing."""
    if config.fsdp and processes == 1:
        raise TrainingError("fsdp: shards a model over several processes; start them with torchrun, or remove the key")
    if config.revision and Path(config.model).is_dir():
        raise TrainingError("revision: is of a hub repository, but `model` is a folder; remove the key")
    if config.push_to_hub:
        try:
            validate_repo_id(config.push_to_hub)
        except HFValidationError as error:
            raise TrainingError(
                f"push_to_hub: not a repository's name ({one_line(error)}); write OWNER/NAME"
            ) from error
    if config.instruction and (model.config.beginning == "blip-2" or processor.qformer_tokenizer is None):
        raise TrainingError("instruction: this model's Q-Former reads no text; remove the key")
    packages = [*config.report_to, "peft" if config.lora else None, "deepspeed" if config.deepspeed else None]
    for name in filter(None, packages):
        if importlib.util.find_spec(name) is None:
            raise TrainingError(f"this configuration needs the package {name}: pip install {name}")


def check_whole(start: Path, shards: bool) -> None:
    """Raise TrainingError unless a checkpoint has the state of an optimizer, sharded or not, and of its schedule.

    The Trainer would silently begin with new ones.
    """
    own, other = ("optimizer.bin", "optimizer.pt") if shards else ("optimizer.pt", "optimizer.bin")
    if (start / other).exists() and not (start / own).exists():
        raise TrainingError(
            f"{start}: was written {'without' if shards else 'with'} sharded parameters (FSDP); start the run as "
            "before, or add --fresh to start over"
        )
    folders = any(folder.is_dir() for folder in start.glob("optimizer_*"))  # shards in files of their own
    for file in (*(() if folders else (start / own,)), start / "scheduler.pt", *start.glob("rng_state*.pth")):
        if not zipfile.is_zipfile(file):
            raise TrainingError(
                f"{file}: missing or damaged; delete that checkpoint, and the same command resumes from the one before"
            )


def check_same(start: Path, facts: Mapping[str, Any]) -> None:
    """Raise TrainingError if the base model or the data differ from those of the checkpoint."""
    before = read_json(start / FACTS)
    for key, what in (("digest", "model"), ("rows", "data")):
        if before.get(key) != facts[key]:
            raise TrainingError(
                f"{start}: was trained on other files than those that `{what}` names now; restore them, or add "
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
        raise TrainingError(
            f"{start}: used {before} batches per step, which {processes} processes cannot share evenly; start a number "
            f"of processes that divides {before}, or add --fresh to start over"
        )
    say(f"{processes} processes take {before // processes} batches each per step, to keep {before} in total")
    return replace(config, accumulation=before // processes)


def portable(config: Config) -> dict[str, Any]:
    """Return the configuration with paths relative to the output folder, so they can move together."""

    def near(path: str | None) -> str | None:
        return os.path.relpath(path, config.output) if path and "://" not in path else path

    files = {key: near(getattr(config, key)) for key in ("held_out", "features", "deepspeed")}
    model = near(config.model) if Path(config.model).is_dir() else config.model
    benchmarks = {
        task_at(name, lambda path: os.path.relpath(path, config.output)): data if data in NOWHERE else near(data)
        for name, data in config.evaluate.items()
    }
    own = {"output": ".", "data": [near(path) for path in config.data], "model": model, "evaluate": benchmarks}
    return asdict(config) | files | own


def _text_of(config: Config) -> str:
    return json.dumps(portable(config), indent=2, sort_keys=True) + "\n"


def _lasting(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in FREE}


def sharded(fsdp: object) -> bool:
    """Tell whether parameters are sharded over the processes (FSDP), by the configuration or `accelerate launch`."""
    return bool(fsdp) or os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
