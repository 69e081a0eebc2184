"""The configuration of a training run: one YAML file. Unknown keys and bad values are refused before training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticKnownError

from mmeval import regular
from mmeval.mmicl.context import CONTEXTS
from mmeval.mmicl.training.rows import Turns
from mmeval.mmicl.training.trainable import TRAINABLE

Stage = Literal["stage1", "stage2"]
DEFAULT_TRAINABLE: dict[Stage, str] = {"stage1": "qformer", "stage2": "paper"}


class TrainingError(ValueError):
    """A training run that is not possible; the message names the file or the key, and what to do."""


def _several(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else (value,)


def _benchmarks(value: object) -> object:
    """Return names of benchmarks as a mapping without data."""
    return value if isinstance(value, dict) else dict.fromkeys(_several(value))  # type: ignore[call-overload]


def _number(value: object) -> object:
    """Convert text that is a number into a number; YAML reads 1e-4 as text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _one_of(names: Iterable[str]) -> Callable[[str], str]:
    """Return a check that the text is a known name."""

    def check(value: str) -> str:
        if value not in names:
            raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, names))})
        return value

    return check


def _without_null(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not hold a null character")
    return value


Text = Annotated[str, Field(min_length=1), AfterValidator(_without_null)]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
CountOrZero = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False), BeforeValidator(_number)]
Share = Annotated[Number, Field(ge=0, le=1)]
Fraction = Annotated[Number, Field(ge=0, le=0.9999)]
_STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, config=_STRICT)
class Lora:
    """Low-rank updates of the language model's query and value weights (Hu et al., 2021)."""

    rank: Annotated[Count, Field(le=65_536)] = 16
    alpha: Count = 32
    dropout: Share = 0.0


@dataclass(frozen=True, config=_STRICT)
class Config:
    """One training run. Paths are relative to the configuration's file."""

    model: Text
    """Folder or hub id of the model to start from."""
    data: Annotated[tuple[Text, ...], BeforeValidator(_several), Field(min_length=1)]
    """JSON-lines files of MIC examples; their pictures are next to them. With `stream`, also tables of the
    published MIC, and folders or addresses that hold such files (`hf://datasets/OWNER/NAME`)."""
    output: Text
    """Folder for checkpoints, logs and the trained weights."""
    stream: StrictBool = False
    """Whether rows are read as they come, without an index of all data; the run then needs `steps`."""
    weights: Annotated[tuple[Annotated[Number, Field(gt=0)], ...], BeforeValidator(_several)] = ()
    """Sampling rate of each file of `data`; empty: every row once per
    epoch, or, in a stream, all files equally often."""
    held_out: Text | None = None
    """JSON-lines file of questions that every evaluation answers by generation; the best checkpoint is chosen by it."""
    trainable: Annotated[str, AfterValidator(_one_of(TRAINABLE))] = ""
    """A name of `trainable.TRAINABLE`; empty: `qformer` in stage I, `paper` in stage II."""
    lora: Lora | None = None
    """Settings of `trainable: lora`; defaults apply if the key is missing."""
    revision: Text | None = None
    context: Annotated[str, AfterValidator(_one_of(CONTEXTS))] = "declaration"
    """How pictures are introduced (`mmicl.context.CONTEXTS`)."""
    instruction: StrictBool = False
    """Whether the Q-Former reads the question, as InstructBLIP's does."""
    turns: Turns = "conversation"
    """Whether later questions of an example see the earlier ones (`conversation`) or not (`apart`)."""
    learning_rate: Annotated[Number, Field(ge=1e-9, le=1)] = 1e-4
    schedule: Literal["cosine", "constant_with_warmup", "linear"] = "cosine"
    warmup: Fraction = 0.03
    """Share of the steps."""
    weight_decay: Share = 0.0005
    betas: Annotated[tuple[Fraction, ...], BeforeValidator(_several), Field(min_length=2, max_length=2)] = (0.9, 0.999)
    clip: Annotated[Number, Field(ge=1e-6, le=1e6)] = 1.0
    epochs: Annotated[Number, Field(ge=1e-3, le=1e6)] = 1.0
    steps: Count | None = None
    """Optimizer steps; overrides `epochs`."""
    batch: Count = 8
    """Rows per process in one pass."""
    batch_tokens: Count | None = None
    """Tokens per process in one pass, of prompts and answers, padding included; replaces the number of rows."""
    accumulation: Count = 1
    max_tokens: Count | None = None
    """Rows with longer prompts are left out and counted; None: the model's limit, or 2,048."""
    max_pictures: Count = 12
    """Rows with more pictures are left out and counted."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    gradient_checkpointing: Literal[True, False, "selective"] = False
    """Whether a block's activations are recomputed in the backward pass: all (true), or all but matrix products
    and attention (`selective`), which costs little time."""
    compile: StrictBool = False
    """Whether torch compiles the language model's blocks; the first steps then take a minute or two."""
    workers: Annotated[CountOrZero, Field(le=1_024)] = 2
    """Processes that decode pictures."""
    features: Text | None = None
    """Folder that keeps the frozen vision encoder's output for each picture, for later epochs and runs."""
    allow_skipped: Share = 0.01
    """Share of pictures that may be missing or broken before the run stops."""
    evaluate_every: Count = 500
    """Steps; every evaluation also writes a checkpoint."""
    held_out_limit: Count = 800
    evaluate: Annotated[dict[Text, Text | None], BeforeValidator(_benchmarks)] = field(default_factory=dict)
    """Benchmarks on which every checkpoint is evaluated: a list of names, or names mapped to data (a path, `hub`)."""
    evaluate_limit: Count | None = None
    """Questions per benchmark, evenly from its categories; None: all."""
    max_new_tokens: Annotated[Count, Field(le=65_536)] = 32
    keep: Count = 2
    """Checkpoints to keep, including the best one; with held-out questions at least the best and the last."""
    log_every: Count = 10
    report_to: Annotated[tuple[Literal["tensorboard", "wandb", "trackio"], ...], BeforeValidator(_several)] = ()
    """Where losses are reported too; the package must be installed."""
    seed: CountOrZero = 1234
    save_full: StrictBool = False
    """Whether the whole model is saved at the end, in addition to the trained weights."""
    push_to_hub: Text | None = None
    """Repository on the hub that the trained model is pushed to at the end; a new one is private."""
    deepspeed: Text | None = None
    """A DeepSpeed configuration; batch, clipping and dtype follow this one where it does not set them."""
    fsdp: dict[str, Any] = field(default_factory=dict)
    """transformers' `fsdp_config`, passed on unchanged; `accelerate launch` usually sets it instead."""

    @model_validator(mode="after")
    def _agree(self) -> Config:
        """Refuse contradictory settings, and complete `trainable: lora`."""
        if self.trainable == "lora" and self.lora is None:
            object.__setattr__(self, "lora", Lora())
        if self.lora is not None and self.trainable != "lora":
            raise ValueError("`lora` and `trainable: lora` go together; give both or neither")
        if self.weights and len(self.weights) != len(self.data):
            raise ValueError(f"`weights` has {len(self.weights)} numbers for {len(self.data)} files of `data`")
        if self.features and self.trainable == "everything":
            raise ValueError("`features` needs a frozen vision encoder, but 'everything' trains it; remove one of them")
        if self.stream and self.features:
            raise ValueError(
                "`features` are made before training, when a stream's pictures are unknown; remove `features`"
            )
        if self.stream and self.steps is None:
            raise ValueError("a stream has no epochs; give `steps`")
        return self


def check_config(values: Mapping[str, Any], path: Path, stage: Stage) -> Config:
    """Return the configuration in the `values` of the file at `path`. Raises pydantic's ValidationError."""
    config: Config = TypeAdapter(Config).validate_python({"trainable": DEFAULT_TRAINABLE[stage], **values})

    def placed(file: str) -> str:
        if "://" in file:
            return file
        home = os.path.expanduser(file)  # noqa: PTH111  (Path.expanduser raises for an unknown user)
        return os.path.normpath(path.parent / home)

    keys = ("output", "held_out", "features", "deepspeed")
    moved: dict[str, Any] = {key: placed(file) for key in keys if (file := getattr(config, key))}
    model = placed(config.model) if regular.is_folder(placed(config.model)) else config.model
    benchmarks = {
        task_at(name, placed): data if data is None or data in NOWHERE else placed(data)
        for name, data in config.evaluate.items()
    }
    return replace(config, **moved, model=model, data=tuple(map(placed, config.data)), evaluate=benchmarks)


EVALUATIONS = "evaluations"
"""Folder in the output folder: one folder per checkpoint, and in it one run per benchmark of `evaluate`."""
NOWHERE = ("embedded", "hub")
"""Values for a benchmark's data that are not paths."""


def task_at(name: str, resolve: Callable[[str], str]) -> str:
    """Return a task's name; if the task is a file, its path is resolved by `resolve`."""
    if name.startswith("mic:"):
        return f"mic:{resolve(name.removeprefix('mic:'))}"
    return resolve(name) if name.endswith((".yaml", ".yml")) else name
