"""The frozen vision encoder's output for each picture, kept on disk, so later epochs and runs skip the encoder.

A folder holds `states-K.bin` (bfloat16, [V, D] per picture, concatenated) and `pictures-K.jsonl` (one line per
picture, in the same order, written after its states), one pair per process that writes at the same time. A kill at
any instant leaves only complete pictures. The folder's name holds the encoder's digest: other weights, other features.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import BinaryIO

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
    """Path, size and modification time of a picture -> file and number."""
    _mapped: dict[str, Tensor] = field(default_factory=dict, repr=False)
    """Memory maps of this process, by file."""

    def __getstate__(self) -> dict[str, object]:
        """Leave out the memory maps; a worker process makes its own."""
        return {**vars(self), "_mapped": {}}

    def read_names(self) -> None:
        """Read which pictures are encoded by now, in this process and in others."""
        for names in sorted(self.folder.glob("pictures-*.jsonl")):
            for number, line in enumerate(_complete_lines(names.read_bytes())):
                self.places[json.loads(line)["picture"]] = (_states_file(names).name, number)

    def view(self, path: str) -> Tensor:
        """Return states [V, D], bfloat16, mapped from the file, so not to be written to.

        Raises KeyError if the picture was not encoded, OSError if its file is gone.
        """
        file, number = self.places[_key(path)]
        count = self.shape[0] * self.shape[1]
        mapped = self._mapped.get(file)
        if mapped is None or len(mapped) < (number + 1) * count:
            size = (self.folder / file).stat().st_size // 2
            mapped = self._mapped[file] = torch.from_file(str(self.folder / file), size=size, dtype=torch.bfloat16)
        return mapped[number * count : (number + 1) * count].view(self.shape)

    def __contains__(self, path: str) -> bool:
        return _key(path) in self.places


def open_features(folder: Path, model: MmiclForConditionalGeneration) -> Features:
    """Open the existing features of this model's vision encoder."""
    vision = model.config.vision_config
    tokens = (vision.image_size // vision.patch_size) ** 2 + 1
    total = hashlib.sha256()
    for name, tensor in sorted(model.vision_model.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().float().cpu().numpy().tobytes())
    features = Features(folder / total.hexdigest()[:16], (tokens, vision.hidden_size))
    features.read_names()
    return features


def complete(
    features: Features,
    model: MmiclForConditionalGeneration,
    pictures: Iterable[str],
    read: Callable[[str], Tensor],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[tuple[str, str]]:
    """Encode the pictures that are missing, and return those that cannot be read, with the reason.

    `read` returns a picture's pixels [3, H, W]. Raises TrainingError if the disk has too little space.
    """
    missing = [path for path in pictures if path not in features]
    if not missing:
        return []
    _check_room(features, len(missing))
    features.folder.mkdir(parents=True, exist_ok=True)
    bad: list[tuple[str, str]] = []
    device = next(model.vision_model.parameters()).device
    with _locked_list(features.folder) as name_file, _states_file(Path(name_file.name)).open("ab") as state_file:
        number = _recover(name_file, state_file, features.shape)
        for start in range(0, len(missing), BATCH):
            pixels: dict[str, Tensor] = {}
            for path in missing[start : start + BATCH]:
                try:
                    pixels[path] = read(path)
                except (OSError, ValueError) as error:
                    bad.append((path, str(error)))
            if pixels:
                with torch.no_grad():
                    encoded = model.encode(torch.stack(list(pixels.values())).to(device, model.vision_model.dtype))
                state_file.write(encoded.bfloat16().cpu().contiguous().view(torch.uint8).numpy().tobytes())
                state_file.flush()
                os.fsync(state_file.fileno())
                for path in pixels:
                    key = _key(path)
                    name_file.write(json.dumps({"picture": key}).encode() + b"\n")
                    features.places[key] = (Path(state_file.name).name, number)
                    number += 1
                name_file.flush()
            progress(min(start + BATCH, len(missing)), len(missing))
    return bad


@contextmanager
def _locked_list(folder: Path) -> Iterator[BinaryIO]:
    """Open and lock the first `pictures-K.jsonl` that no other process writes; runs may share a folder."""
    for number in count():
        with (folder / f"pictures-{number}.jsonl").open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield file
            return


def _recover(names: BinaryIO, states: BinaryIO, shape: tuple[int, int]) -> int:
    """Truncate both files to the complete pictures, and return their number."""
    size = 2 * shape[0] * shape[1]
    names.seek(0)
    lines = _complete_lines(names.read())[: states.seek(0, os.SEEK_END) // size]
    names.truncate(sum(len(line) + 1 for line in lines))
    states.truncate(len(lines) * size)
    return len(lines)


def _states_file(names: Path) -> Path:
    return names.with_name(names.name.replace("pictures", "states").replace(".jsonl", ".bin"))


def _complete_lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")[:-1]


def _check_room(features: Features, pictures: int) -> None:
    parent = next(folder for folder in (features.folder, *features.folder.parents) if folder.exists())
    needed, free = 2 * features.shape[0] * features.shape[1] * pictures, shutil.disk_usage(parent).free
    if needed > free:
        raise TrainingError(
            f"{features.folder}: the features of {pictures} pictures take {needed / 1e9:.1f} GB, but "
            f"{free / 1e9:.1f} GB are free; choose another folder, or remove `features`"
        )


def _key(path: str) -> str:
    """Return a picture's key: path, size and modification time, so a replaced picture has another key."""
    stat = Path(path).stat()
    return f"{Path(path).absolute()} {stat.st_size} {stat.st_mtime_ns}"
