"""Checkpoints of a training: weights and the optimizer's moments in safetensors, so nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn


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
