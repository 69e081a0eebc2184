"""Checkpoints of a training: weights and the optimizer's moments in safetensors, so nothing is unpickled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from mmeval.mmicl.training.trainable import QFORMER_TEXT
from mmeval.types import InputError

MEAN = ".mean"
"""Suffix of the file that is about to replace a checkpoint; see `averaging`."""


def save(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, facts: Mapping[str, float]) -> None:
    """Write the checkpoint atomically; `facts` hold the progress of the training."""
    tensors = {f"model.{key}": weight for key, weight in module.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in moments.items()}
    write_weights(path, tensors, {key: repr(value) for key, value in facts.items()})


def write_weights(path: Path, weights: Mapping[str, torch.Tensor], facts: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, or leave the old one if the process is killed; `facts` are its metadata."""
    partial = path.with_suffix(".partial")
    tensors = {key: weight.detach().cpu().contiguous() for key, weight in weights.items()}
    save_file(tensors, partial, None if facts is None else dict(facts))
    partial.replace(path)


def resume(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Load the checkpoint, if there is one, into module and optimizer; return its facts.

    Raises InputError if it is not a checkpoint of this module, or if its averaging with another was interrupted.
    """
    if (mean := path.with_suffix(MEAN)).exists():
        raise InputError(
            f"{mean}: left by an interrupted averaging; repeat `python -m experiments.tiny.averaging` with the same "
            "two checkpoints, then resume"
        )
    if not path.exists():
        return {}
    tensors, facts = read(path)
    weights: dict[str, torch.Tensor] = {}
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        kind, _, name = key.partition(".")
        if kind == "model":
            weights[name] = tensor
        else:
            index, _, moment = name.partition(".")
            moments.setdefault(int(index), {})[moment] = tensor
    load_weights(module, weights, path)
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return facts


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """Return a checkpoint's tensors and facts. Raises InputError if it is not a checkpoint."""
    tensors = read_weights(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    try:
        facts = {key: float(value) for key, value in metadata.items()}
    except ValueError:
        facts = {}
    kinds = {key.partition(".")[0] for key in tensors}
    if "step" not in facts or not kinds <= {"model", "optimizer"}:
        raise InputError(f"{path}: not a checkpoint of a training; give WORK/MEMBER.safetensors")
    return tensors, facts


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file. Raises InputError if it cannot be read."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error}); give another file") from error


def load_weights(module: nn.Module, weights: Mapping[str, torch.Tensor], path: Path, optional: str = "") -> None:
    """Load the weights, which are from that file. Raises InputError if they do not fit.

    Weights whose names match the pattern `optional` may be missing; the module then keeps its own.
    """
    expected = module.state_dict()
    missing = {key for key in expected.keys() - weights.keys() if not re.fullmatch(optional, key)}
    unequal = {key for key in expected.keys() & weights.keys() if expected[key].shape != weights[key].shape}
    if wrong := sorted(missing | unequal | (weights.keys() - expected.keys())):
        raise InputError(
            f"{path}: {len(wrong)} weights do not fit this model, the first is {wrong[0]}; "
            "give a file of the same kind of model and the same sizes (--small)"
        )
    module.load_state_dict(weights, strict=False)


def begin_with(module: nn.Module, path: Path) -> None:
    """Load a family member's weights; a Q-Former that reads keeps its own reading weights if that member has none.

    Raises InputError if the weights do not fit or cannot be read.
    """
    weights, expected = read_weights(path), module.state_dict()
    for key in ("layernorm.weight", "layernorm.bias"):  # transformers moves this layer in a Q-Former that reads
        if f"qformer.embeddings.{key}" in expected and f"qformer.{key}" in weights:
            weights[f"qformer.embeddings.{key}"] = weights.pop(f"qformer.{key}")
    load_weights(module, weights, path, optional=QFORMER_TEXT)
