"""`python -m experiments.tiny.averaging A B`: replace two checkpoints of one member by their mean.

Two trainings that start from one checkpoint, with different seeds, use two CPU cores. Their mean is better than either
as long as the learning rate is small. Stop both, average, and start both again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from experiments.tiny.learning import RIGHT


def main(arguments: Sequence[str] | None = None) -> None:
    """Average the two."""
    parser = argparse.ArgumentParser("python -m experiments.tiny.averaging", description=__doc__)
    parser.add_argument("checkpoints", nargs=2, type=Path, metavar="WORK/MEMBER.safetensors")
    average(*parser.parse_args(arguments).checkpoints)


def average(first: Path, second: Path) -> None:
    """Write the mean of weights, moments and test results to both files; steps and seconds are the larger ones.

    Raises SystemExit if the checkpoints are not of the same model and stage.
    """
    (weights, facts), (others, theirs) = _read(first), _read(second)
    shapes = [{key: tensor.shape for key, tensor in tensors.items()} for tensors in (weights, others)]
    if shapes[0] != shapes[1] or facts["stage"] != theirs["stage"]:
        raise SystemExit(f"{first} and {second} are not checkpoints of the same model and stage")
    mean = {
        key: torch.lerp(tensor.float(), others[key].float(), 0.5).to(tensor.dtype) for key, tensor in weights.items()
    }
    known = {
        key: (value + theirs.get(key, value)) / 2 if key.startswith(RIGHT) else max(value, theirs[key])
        for key, value in facts.items()
    }
    for path in (first, second):
        partial = path.with_suffix(".partial")
        save_file(mean, partial, {key: repr(value) for key, value in known.items()})
        partial.replace(path)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    if not path.is_file():
        raise SystemExit(f"{path}: no such checkpoint; give WORK/MEMBER.safetensors of two trainings")
    with safe_open(path, "pt") as file:
        facts = {key: float(value) for key, value in (file.metadata() or {}).items()}
    return load_file(path), facts


if __name__ == "__main__":
    main()
