"""Checkpoints of a training: weights and the optimizer's moments in safetensors, so nothing is unpickled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from mmeval.mmicl.training.trainable import QFORMER_TEXT


def save(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, facts: Mapping[str, float]) -> None:
    """Write the checkpoint atomically; `facts` hold the progress of the training."""
    tensors = {f"model.{key}": weight for key, weight in module.state_dict().items()}
    for place, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{place}.{key}": value for key, value in moments.items()}
    partial = path.with_suffix(".partial")
    save_file(
        {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()},
        partial,
        {key: repr(value) for key, value in facts.items()},
    )
    partial.replace(path)


def resume(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Load the checkpoint, if there is one, into module and optimizer; return its facts."""
    if not path.exists():
        return {}
    weights: dict[str, torch.Tensor] = {}
    moments: dict[int, dict[str, torch.Tensor]] = {}
    with safe_open(path, "pt") as file:
        for key in file.keys():  # noqa: SIM118  (not a mapping)
            kind, _, rest = key.partition(".")
            if kind == "model":
                weights[rest] = file.get_tensor(key)
            else:
                place, _, moment = rest.partition(".")
                moments.setdefault(int(place), {})[moment] = file.get_tensor(key)
        facts = {key: float(value) for key, value in (file.metadata() or {}).items()}
    module.load_state_dict(weights)
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return facts


def begin_with(module: nn.Module, path: Path) -> None:
    """Load a family member's weights; a Q-Former that reads keeps its own reading weights if that member has none.

    Raises SystemExit if the weights do not fit, FileNotFoundError if there are none.
    """
    weights, wanted = load_file(path), module.state_dict()
    for key in ("layernorm.weight", "layernorm.bias"):  # transformers moves this layer in a Q-Former that reads
        if f"qformer.embeddings.{key}" in wanted and f"qformer.{key}" in weights:
            weights[f"qformer.embeddings.{key}"] = weights.pop(f"qformer.{key}")
    missing = {key for key in wanted.keys() - weights.keys() if not re.fullmatch(QFORMER_TEXT, key)}
    other = {key for key in wanted.keys() & weights.keys() if wanted[key].shape != weights[key].shape}
    if wrong := sorted(missing | other | (weights.keys() - wanted.keys())):
        raise SystemExit(f"{path}: {len(wrong)} weights do not fit this member, the first is {wrong[0]}")
    module.load_state_dict(weights, strict=False)
