"""What a frozen vision encoder makes of each picture, kept on disk, so that later epochs and runs skip it.

A folder holds, for every process that wrote, `states-K.bin` (bfloat16, [V, D] a picture, one after the other) and
`pictures-K.jsonl` (one line a picture, in the same order, written after its states). A kill at any instant
leaves whole pictures only. The folder's name holds the encoder's digest: other weights, other features.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.training.config import TrainingError

BATCH = 32


@dataclass
class Features:
    """Vision states by picture path. Opened once, read by any number of worker processes."""

    folder: Path
    shape: tuple[int, int]
    """(V, D) of one picture."""
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Path, size and time of a picture -> file and number."""

    def __getitem__(self, path: str) -> Tensor:
        """States [V, D], bfloat16. Raises KeyError where the picture is not there, OSError where it is gone."""
        file, number = self.places[_key(path)]
        count = self.shape[0] * self.shape[1]
        states = torch.from_file(str(self.folder / file), size=(number + 1) * count, dtype=torch.bfloat16)
        return states[number * count :].view(self.shape).clone()

    def __contains__(self, path: str) -> bool:
        """Whether the picture's states are there."""
        return _key(path) in self.places


def open_features(folder: Path, model: MmiclForConditionalGeneration) -> Features:
    """The features of this model's vision encoder, as far as they were made."""
    vision = model.config.vision_config
    tokens = (vision.image_size // vision.patch_size) ** 2 + 1
    features = Features(folder / encoder_digest(model), (tokens, vision.hidden_size))
    for names in sorted(features.folder.glob("pictures-*.jsonl")):
        states = names.with_name(names.name.replace("pictures", "states").replace(".jsonl", ".bin"))
        for number, line in enumerate(_whole_lines(names)):
            features.places[json.loads(line)["picture"]] = (states.name, number)
    return features


def encoder_digest(model: MmiclForConditionalGeneration) -> str:
    """16 hex digits over the vision encoder's weights."""
    total = hashlib.sha256()
    for name, tensor in sorted(model.vision_model.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().float().cpu().numpy().tobytes())
    return total.hexdigest()[:16]


def complete(
    features: Features,
    model: MmiclForConditionalGeneration,
    pictures: Iterable[str],
    read: Callable[[str], Tensor],
    *,
    rank: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[tuple[str, str]]:
    """Encodes what is not there yet; the pictures that cannot be read, with the reason.

    `read` gives a picture's pixels [3, H, W]. Raises TrainingError where the disk is too small for it all.
    """
    missing = [path for path in pictures if path not in features]
    if not missing:
        return []
    _check_room(features, len(missing))
    features.folder.mkdir(parents=True, exist_ok=True)
    names = features.folder / f"pictures-{rank}.jsonl"
    states = features.folder / f"states-{rank}.bin"
    number = _recover(names, states, features.shape)
    bad: list[tuple[str, str]] = []
    device = next(model.vision_model.parameters()).device
    with names.open("ab") as name_file, states.open("ab") as state_file:
        for start in range(0, len(missing), BATCH):
            paths, pixels = _read(missing[start : start + BATCH], read, bad)
            if paths:
                with torch.no_grad():
                    encoded = model.encode(torch.stack(pixels).to(device, model.vision_model.dtype))
                state_file.write(encoded.bfloat16().cpu().contiguous().view(torch.uint8).numpy().tobytes())
                state_file.flush()
                os.fsync(state_file.fileno())
                for path in paths:
                    key = _key(path)
                    name_file.write(json.dumps({"picture": key}).encode() + b"\n")
                    features.places[key] = (states.name, number)
                    number += 1
                name_file.flush()
            progress(min(start + BATCH, len(missing)), len(missing))
    return bad


def _read(
    paths: Sequence[str], read: Callable[[str], Tensor], bad: list[tuple[str, str]]
) -> tuple[list[str], list[Tensor]]:
    good, pixels = [], []
    for path in paths:
        try:
            pixels.append(read(path))
            good.append(path)
        except (OSError, ValueError, SyntaxError) as error:
            bad.append((path, str(error)))
    return good, pixels


def _recover(names: Path, states: Path, shape: tuple[int, int]) -> int:
    """Cuts both files back to the pictures that are whole; how many there are."""
    size = 2 * shape[0] * shape[1]
    lines = _whole_lines(names) if names.exists() else []
    there = states.stat().st_size // size if states.exists() else 0
    lines = lines[:there]
    names.write_bytes(b"".join(line + b"\n" for line in lines))
    with states.open("ab") as file:
        file.truncate(len(lines) * size)
    return len(lines)


def _whole_lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def _check_room(features: Features, count: int) -> None:
    parent = next(folder for folder in (features.folder, *features.folder.parents) if folder.exists())
    wanted, free = 2 * features.shape[0] * features.shape[1] * count, shutil.disk_usage(parent).free
    if wanted > free:
        raise TrainingError(
            f"{features.folder}: the features of {count} pictures take {wanted / 1e9:.1f} GB, but {free / 1e9:.1f} GB "
            "are free; choose another folder, or leave `features` out"
        )


def _key(path: str) -> str:
    """A picture by path, size and time of change: another picture under the same name is another one."""
    found = Path(path).stat()
    return f"{Path(path).absolute()} {found.st_size} {found.st_mtime_ns}"
