"""A folder that holds only what was trained, and says of which model: `trained.safetensors`, `training.json`.

`checkpoints.load` opens it: the base model first, then what was trained over it, low-rank updates added in.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mmeval.mmicl.weights import CheckpointError, one_line

WEIGHTS, FACTS = "trained.safetensors", "training.json"
DOWN, UP = ".lora_A.default.weight", ".lora_B.default.weight"


def write(folder: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write both files; `facts` has `base`, `revision`, `digest` (of the base), `trainable`, `names`, `lora`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / WEIGHTS)
    (folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def copy(checkpoint: Path, folder: Path) -> None:
    """Make a folder like this of a checkpoint, which holds the state of a run, too."""
    state = shutil.ignore_patterns("optimizer*", "scheduler.pt", "scaler.pt", "rng_state*", "trainer_state.json")
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(checkpoint, folder, ignore=state)


def is_trained(folder: Path) -> bool:
    """Tell whether a folder is of this kind."""
    return (folder / FACTS).exists()


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Read what was trained, by name. Raises CheckpointError."""
    try:
        return load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{folder / WEIGHTS}: missing, truncated or not safetensors ({one_line(error)})"
        ) from error


@torch.no_grad()
def put(model: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """Copy tensors into the parameters of the same names. Raises CheckpointError naming the first that differs."""
    targets = dict(model.named_parameters())
    for key, tensor in tensors.items():
        if key not in targets:
            raise CheckpointError(f"{where}: '{key}' is not in this model; it was trained from another one")
        if targets[key].shape != tensor.shape:
            raise CheckpointError(
                f"{where}: '{key}' has shape {list(tensor.shape)}, the model's {list(targets[key].shape)}; it was "
                "trained from another one"
            )
        targets[key].copy_(tensor)


def merged(tensors: dict[str, Tensor], model: nn.Module, scale: float, where: str) -> dict[str, Tensor]:
    """Add every low-rank update to the weight that it updates (W + scale * B A), and return plain tensors.

    Raises CheckpointError where one updates nothing in this model.
    """
    plain = {key: value for key, value in tensors.items() if not key.endswith((DOWN, UP))}
    weights = dict(model.named_parameters())
    for key in tensors:
        if key.endswith(DOWN):
            name = key.removesuffix(DOWN)
            try:
                update = tensors[name + UP].float() @ tensors[key].float()
                plain[f"{name}.weight"] = weights[f"{name}.weight"].float() + scale * update
            except (KeyError, RuntimeError) as error:
                raise CheckpointError(f"{where}: '{name}' has no update that fits ({one_line(error)})") from error
    return plain
