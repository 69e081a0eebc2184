"""`python -m experiments.tiny.averaging A B`: replace two checkpoints of one member by their mean.

Two trainings that start from one checkpoint, with different seeds, use two CPU cores. Their mean is better than either
as long as the learning rate is small. Stop both, average, and start both again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from experiments.tiny.checkpoint import MEAN, read, write_weights
from experiments.tiny.learning import RIGHT
from mmeval.types import InputError


def main(arguments: Sequence[str] | None = None) -> None:
    """Average the two."""
    parser = argparse.ArgumentParser("python -m experiments.tiny.averaging", description=__doc__)
    parser.add_argument("checkpoints", nargs=2, type=Path, metavar="WORK/MEMBER.safetensors")
    first, second = parser.parse_args(arguments).checkpoints
    try:
        average(first, second)
    except InputError as error:
        parser.error(str(error))


def average(first: Path, second: Path) -> None:
    """Write the mean of weights, moments and test results to both files; steps and seconds are the larger ones.

    If it is interrupted, `resume` refuses the checkpoints that are not averaged yet, and the same call completes it.
    Raises InputError if the checkpoints are not of the same model and stage.
    """
    ordered = sorted((first, second), key=Path.resolve)  # a repeated call may name them in another order
    means = [path.with_suffix(MEAN) for path in ordered]
    if not means[1].exists():
        tensors, facts = _mean(first, second)
        for mean in means:
            write_weights(mean, tensors, facts)
    # both are written: from here on, a repeated call only completes the replacements
    for path, mean in zip(ordered, means, strict=True):
        if mean.exists():
            mean.replace(path)


def _mean(first: Path, second: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Return the tensors and the metadata of the mean of two checkpoints."""
    tensors, facts = read(first)
    if first.resolve() == second.resolve():
        raise InputError(f"{first}: cannot be averaged with itself; give two checkpoints")
    other_tensors, other_facts = read(second)
    shapes = {key: tensor.shape for key, tensor in tensors.items()}
    other_shapes = {key: tensor.shape for key, tensor in other_tensors.items()}
    if shapes != other_shapes or facts.get("stage") != other_facts.get("stage"):
        raise InputError(f"{first} and {second} are not checkpoints of the same model and stage; average two that are")
    mean = {
        key: torch.lerp(tensor.float(), other_tensors[key].float(), 0.5).to(tensor.dtype)
        for key, tensor in tensors.items()
    }
    joint_facts: dict[str, float] = {}
    for key, value in facts.items():
        other_value = other_facts.get(key, value)
        joint_facts[key] = (value + other_value) / 2 if key.startswith(RIGHT) else max(value, other_value)
    return mean, {key: repr(value) for key, value in joint_facts.items()}


if __name__ == "__main__":
    main()
