"""Checks before a run begins: its files and packages exist, and its output folder holds no other run."""

import fcntl
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from mmeval import regular
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.config import EVALUATIONS, NOWHERE, Config, TrainingError, task_at
from mmeval.mmicl.training.pictures import SKIPPED
from mmeval.mmicl.training.resume import adapt, checkpoints_in, last_checkpoint
from mmeval.mmicl.training.zero import check_launch
from mmeval.mmicl.weights import one_line, read_json

LEFT_OUT = "left_out.jsonl"
"""The file in the output folder that lists rows that cannot be learned."""
MARK = "config.json"
"""The file in the output folder that identifies its run."""
FINAL = "trained"
"""The folder in the output folder with the trained weights."""
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
    "save_full",
)
"""Keys that may change when a run resumes: its length, how it is watched, and what is saved at its end."""


@contextmanager
def hold(config: Config, main: bool) -> Iterator[None]:
    """Lock the output folder so no other run writes there; the first process of a run does this for all.

    Raises TrainingError if another run has locked it, it cannot be written, or a file of the configuration is missing.
    """
    for file in () if config.stream else config.data:
        if "://" in file or file.endswith(".parquet") or regular.is_folder(file):
            raise TrainingError(
                f"{file}: not a JSON-lines file; set `stream: true` to read folders, tables and addresses"
            )
    for needed in (*(() if config.stream else config.data), config.held_out, config.deepspeed):
        if needed and not Path(needed).is_file():
            problem = "not a file" if Path(needed).exists() else "no such file"
            raise TrainingError(f"{needed}: cannot be read ({problem}); fix the path in the configuration")
    if not main:
        yield
        return
    output = Path(config.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = os.open(output, os.O_RDONLY)
    except OSError as error:
        raise TrainingError(f"{output}: cannot be written ({error.strerror}); choose another output") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        fcntl.flock(lock, fcntl.LOCK_UN)  # workers that read ahead may keep it open a while longer
    except BlockingIOError as error:
        raise TrainingError(
            f"{output}: another training run is writing there; wait for it, stop it, or choose another output"
        ) from error
    finally:
        os.close(lock)


def begin(config: Config, fresh: bool, main: bool) -> Path | None:
    """Prepare the output folder, and return its newest complete checkpoint to resume from.

    `fresh` deletes the checkpoints of an earlier run and their evaluations. Raises TrainingError if the folder holds a
    run with another configuration, or something else, such as a model or another program's checkpoints.
    """
    output = Path(config.output)
    mark = output / MARK
    if mark.exists() and "trainable" not in read_json(mark):  # a model's configuration, not a run's
        raise TrainingError(f"{output}: holds a {MARK} that is not of a training run; choose another output")
    existing = [*checkpoints_in(output), *(path for name in (EVALUATIONS, FINAL) if (path := output / name).exists())]
    if existing and not mark.exists():
        raise TrainingError(
            f"{output}: holds {existing[0].name}, but no {MARK} of a training run, so it is not ours; choose another "
            "output"
        )
    start = None if fresh else last_checkpoint(output)
    if start and _lasting(read_json(mark)) != _lasting(json.loads(_as_text(config))):
        raise TrainingError(
            f"{output}: holds a run with another configuration; add --fresh to start over, or choose another output"
        )
    if main:
        try:
            for old in [*checkpoints_in(output), *output.glob(EVALUATIONS)] if fresh else ():
                shutil.rmtree(old)
            for old in [*output.glob(SKIPPED.format("*")), *output.glob(LEFT_OUT)] if start is None else ():
                old.unlink()
            begun = mark.with_name(f".{MARK}")
            begun.write_text(_as_text(config), encoding="utf-8")
            begun.replace(mark)
            if start:
                adapt(start, config)
        except OSError as error:
            raise TrainingError(f"{output}: cannot be written ({error.strerror}); choose another output") from error
    return start


def check(config: Config, model: MmiclForConditionalGeneration, processor: MmiclProcessor, processes: int) -> None:
    """Raise TrainingError if the model cannot be trained as configured or a package is missing."""
    if config.fsdp and processes == 1:
        raise TrainingError("fsdp: shards a model over several processes; start them with torchrun, or remove the key")
    if config.revision and regular.is_folder(config.model):
        raise TrainingError("revision: is of a hub repository, but `model` is a folder; remove the key")
    if config.push_to_hub:
        try:
            validate_repo_id(config.push_to_hub)
        except HFValidationError as error:
            raise TrainingError(
                f"push_to_hub: not a repository's name ({one_line(error)}); write OWNER/NAME"
            ) from error
        if regular.is_folder(config.model) and not config.save_full:
            raise TrainingError(
                f"push_to_hub: what is trained cannot be opened without its base model {config.model}, a folder that "
                "the hub does not have; set `save_full: true`"
            )
    if config.instruction and (model.config.beginning == "blip-2" or processor.qformer_tokenizer is None):
        raise TrainingError("instruction: this model's Q-Former reads no text; remove the key")
    packages = [*config.report_to, "peft" if config.lora else None, "deepspeed" if config.deepspeed else None]
    for name in filter(None, packages):
        if importlib.util.find_spec(name) is None:
            raise TrainingError(f"this configuration needs the package {name}: pip install {name}")
    check_launch(config, sharded(config.fsdp))
    if "wandb" in config.report_to:
        wandb: Any = importlib.import_module("wandb")
        try:
            wandb.login(verify=True)
        except wandb.Error as error:
            raise TrainingError(
                f"report_to: {one_line(error).rstrip('.')}; run `wandb login`, set WANDB_MODE=offline, or remove wandb"
            ) from error


def portable(config: Config) -> dict[str, Any]:
    """Return the configuration with paths relative to the output folder, so they can move together."""

    def near(path: str | None) -> str | None:
        return os.path.relpath(path, config.output) if path and "://" not in path else path

    files = {key: near(getattr(config, key)) for key in ("held_out", "features", "deepspeed")}
    model = near(config.model) if regular.is_folder(config.model) else config.model
    benchmarks = {
        task_at(name, lambda path: os.path.relpath(path, config.output)): data if data in NOWHERE else near(data)
        for name, data in config.evaluate.items()
    }
    others = {"output": ".", "data": [near(path) for path in config.data], "model": model, "evaluate": benchmarks}
    return asdict(config) | files | others


def _as_text(config: Config) -> str:
    return json.dumps(portable(config), indent=2, sort_keys=True) + "\n"


def _lasting(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that may not change; a key that was added after the run began has its default."""
    defaults = json.loads(_as_text(Config(model=".", data=(".",), output=".")))
    return {key: value for key, value in {**defaults, **values}.items() if key not in FREE}


def sharded(fsdp: object) -> bool:
    """Tell whether parameters are sharded over the processes (FSDP), by the configuration or `accelerate launch`."""
    return bool(fsdp) or os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
