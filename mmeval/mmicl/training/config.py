"""What a training run is: one YAML file, every key known, every value checked before hours are spent."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import yaml

from mmeval.mmicl.context import CONTEXTS
from mmeval.mmicl.training.rows import Turns
from mmeval.mmicl.training.trainable import TRAINABLE

Stage = Literal["stage1", "stage2"]


class TrainingError(ValueError):
    """A training run that cannot be; the message names the file or the key, and what to do."""


@dataclass(frozen=True)
class Lora:
    """Low-rank updates of the language model's query and value (Hu et al., 2021)."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0


@dataclass(frozen=True)
class Config:
    """One training run. Paths are relative to the configuration's file."""

    model: str
    """Folder or hub id that training starts from."""
    data: tuple[str, ...]
    """JSON-lines files of MIC examples; the pictures that they name lie beside them."""
    output: str
    """Folder for checkpoints, logs and the trained weights."""
    held_out: str | None = None
    """JSON-lines file to answer by generation at every evaluation; the best checkpoint is chosen by it."""
    trainable: str = ""
    """A name of `trainable.TRAINABLE`; empty: `qformer` in stage I, `paper` in stage II."""
    lora: Lora | None = None
    revision: str | None = None
    context: str = "declaration"
    """How pictures are introduced (`mmicl.context.CONTEXTS`)."""
    instruction: bool = False
    """Whether the Q-Former reads the question, as InstructBLIP's does."""
    turns: Turns = "conversation"
    """Whether later questions of an example see those before them, or stand `apart`."""
    learning_rate: float = 1e-4
    schedule: Literal["cosine", "constant_with_warmup", "linear"] = "cosine"
    warmup: float = 0.03
    """Share of the steps."""
    weight_decay: float = 0.0005
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 1.0
    epochs: float = 1.0
    steps: int | None = None
    """Optimiser steps; overrides `epochs`."""
    batch: int = 8
    """Rows a process takes at once."""
    accumulation: int = 1
    max_tokens: int | None = None
    """Rows with longer prompts are left out and counted; None: what the model reads, or 2,048."""
    max_pictures: int = 12
    """Rows with more pictures likewise."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    gradient_checkpointing: bool = False
    workers: int = 2
    """Processes that decode pictures."""
    features: str | None = None
    """Folder that keeps what the frozen vision encoder makes of each picture, for later epochs and runs."""
    allow_skipped: float = 0.01
    """Share of pictures that may be missing or broken before the run stops."""
    evaluate_every: int = 500
    """Steps; a checkpoint is written with every evaluation."""
    held_out_limit: int = 800
    max_new_tokens: int = 32
    keep: int = 2
    """Checkpoints kept, the best one among them."""
    log_every: int = 10
    report_to: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Where losses go, too: whichever is installed and wanted."""
    seed: int = 1234
    save_full: bool = False
    """Whether the whole model is saved at the end, beside what was trained."""
    deepspeed: str | None = None
    """A DeepSpeed configuration, passed through untouched."""
    fsdp: dict[str, Any] = field(default_factory=dict)
    """transformers' `fsdp_config`, passed through; usually said by `accelerate launch` instead."""


COUNTS: tuple[str, ...] = (
    "batch",
    "accumulation",
    "steps",
    "max_tokens",
    "max_pictures",
    "max_new_tokens",
    "evaluate_every",
)
COUNTS += ("held_out_limit", "keep", "log_every", "rank", "alpha")
RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(COUNTS, (1, 1_000_000_000)),
    **dict.fromkeys(("workers", "seed"), (0, 1_000_000_000)),
    **dict.fromkeys(("allow_skipped", "weight_decay", "dropout"), (0, 1)),
    **dict.fromkeys(("betas", "warmup"), (0, 0.9999)),
    "learning_rate": (1e-9, 1),
    "epochs": (1e-3, 1e6),
    "clip": (1e-6, 1e6),
}
"""What a number may be."""


def load_config(path: Path, stage: Stage) -> Config:
    """Reads and checks a YAML file. Raises TrainingError naming the file and the key."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise TrainingError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise TrainingError(f"{path}: must be keys and values; see configs/")
    config = _read(Config, values, str(path))
    if not config.trainable:
        config = _with(config, trainable="qformer" if stage == "stage1" else "paper")
    return _checked(config, path)


def _checked(config: Config, path: Path) -> Config:
    for key, known in (("trainable", TRAINABLE), ("context", CONTEXTS)):
        value = getattr(config, key)
        if value not in known:
            raise TrainingError(f"{path}: {key} '{value}' is none of {', '.join(known)}{_nearest(value, known)}")
    if (config.lora is not None) != (config.trainable == "lora"):
        raise TrainingError(f"{path}: `lora` and `trainable: lora` go together; say both or neither")
    if not config.data:
        raise TrainingError(f"{path}: data names no file")
    if config.features and config.trainable == "everything":
        raise TrainingError(f"{path}: features are kept of a frozen vision encoder, but 'everything' trains it")
    base = path.parent
    placed = {
        key: _placed(base, value)
        for key in ("output", "held_out", "features", "deepspeed")
        if (value := getattr(config, key))
    }
    model = _placed(base, config.model) if Path(_placed(base, config.model)).is_dir() else config.model
    return _with(config, **placed, model=model, data=tuple(_placed(base, file) for file in config.data))


def _placed(base: Path, path: str) -> str:
    return os.path.normpath(base / Path(path).expanduser())


def _with(config: Config, **changes: Any) -> Config:
    return Config(**{**{f.name: getattr(config, f.name) for f in fields(config)}, **changes})


def _read(kind: Any, values: dict[str, Any], where: str) -> Any:
    hints = get_type_hints(kind)
    for key in values:
        if key not in hints:
            raise TrainingError(f"{where}: unknown key '{key}'{_nearest(str(key), hints)}")
    for f in fields(kind):
        if f.name in ("model", "data", "output") and f.name not in values:
            raise TrainingError(f"{where}: the key '{f.name}' is missing")
    read = {key: _value(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    for key, value in read.items():
        low, high = RANGES.get(key, (0, 0))
        for number in value if isinstance(value, tuple) else (value,):
            if key in RANGES and number is not None and not low <= number <= high:
                bound = f"at most {high:g}" if number > high else f"at least {low:g}"
                raise TrainingError(f"{where}: {key} must be {bound}, not {number:g}")
        if value in ("", ("",)):
            raise TrainingError(f"{where}: {key} is empty; say something, or leave the key out")
    return kind(**read)


def _value(hint: Any, value: Any, where: str) -> Any:
    """The value as the type that the key has. Raises TrainingError."""
    choices = get_args(hint)
    if hint == (Lora | None):
        return _read(Lora, value, where) if isinstance(value, dict) else _wrong(where, "keys and values", value)
    if type(None) in choices:
        if value is None:
            return None
        (hint,) = (choice for choice in choices if choice is not type(None))
        return _value(hint, value, where)
    if choices and all(isinstance(choice, str) for choice in choices):
        return value if value in choices else _wrong(where, " or ".join(choices), value)
    if getattr(hint, "__origin__", hint) is tuple:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            return _wrong(where, "a list", value)
        if choices[-1] is not ... and len(items) != len(choices):
            return _wrong(where, f"{len(choices)} numbers", value)
        return tuple(_value(choices[0], item, where) for item in items)
    if getattr(hint, "__origin__", hint) is dict:
        return value if isinstance(value, dict) else _wrong(where, "keys and values", value)
    if hint is float:
        try:  # YAML reads 1e-4 as text
            return float(value) if not isinstance(value, bool) else _wrong(where, "a number", value)
        except (TypeError, ValueError):
            return _wrong(where, "a number", value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        return _wrong(where, {"int": "a whole number", "bool": "true or false", "str": "text"}[hint.__name__], value)
    return value


def _wrong(where: str, wanted: str, value: Any) -> Any:
    raise TrainingError(f"{where} must be {wanted}, not {value!r}")


def _nearest(word: str, known: Any) -> str:
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f", did you mean '{match[0]}'?" if match else ""
