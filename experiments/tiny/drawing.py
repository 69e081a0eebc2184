"""Draw the pictures of a pool once: pixels in one file, what they show in JSON lines.

The family shares a frozen vision encoder, so each picture is also encoded only once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor

from experiments.tiny.pool import FRAMES, Amounts, Item, Job, Pool, Shown, plan
from mmeval.embedded import world
from mmeval.embedded.world.canvas import SIZE
from mmeval.embedded.world.clips import Clip, times
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import paint
from mmeval.embedded.world.view import Split
from mmeval.types import InputError

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Per channel, as in the processor."""
DERIVED = {"numerical_calculation": " = ", "code_reasoning": " , output", "text_translation": " , it means"}
"""Where a caption begins to state what can be worked out; captions that replace pictures leave that out."""
ENCODED = 512
"""Pictures encoded at once."""

Facts = dict[str, Any]
"""Facts known only after drawing: an `Item` and the two captions of its picture."""


def draw(folder: Path, split: Split, amounts: Amounts, workers: int) -> Pool:
    """Draw the pictures of a split into `SPLIT.u8` unless the folder has them; return the pool.

    Raises InputError if the folder has other pictures than the requested ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pool, jobs = plan(split, amounts)
    facts, pixels = folder / f"{split}.jsonl", folder / f"{split}.u8"
    pixel_bytes = len(jobs) * SIZE * SIZE * 3
    if not facts.exists():
        with pixels.open("wb") as file:
            file.truncate(pixel_bytes)
        size = max(1, min(400, len(jobs) // (4 * workers)))
        parts = [(start, jobs[start : start + size]) for start in range(0, len(jobs), size)]
        partial_file = facts.with_suffix(".partial")
        with ProcessPoolExecutor(workers) as processes, partial_file.open("w", encoding="utf-8") as file:
            for rows in processes.map(partial(_draw, str(pixels), split, len(jobs)), parts):
                file.writelines(json.dumps(row) + "\n" for row in rows)
        partial_file.replace(facts)
    if not pixels.exists() or pixels.stat().st_size != pixel_bytes:
        raise InputError(f"{folder}: not the {len(jobs)} requested {split} pictures; choose another --work")
    _fill(pool, facts)
    return pool


def _fill(pool: Pool, facts: Path) -> None:
    """Add the facts known only after drawing."""
    with facts.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            picture, subtask = row["picture"], row["subtask"]
            pool.shown[picture] = Shown(row["caption"], row["plain"])
            yesno, probes = (tuple(map(tuple, row[key])) for key in ("yesno", "probes"))
            pool.items.setdefault(subtask, []).append(Item(picture, subtask, yesno, probes))


def open_pixels(folder: Path, split: Split) -> np.ndarray:
    """Open the pictures [N, H, W, 3], uint8."""
    return np.memmap(folder / f"{split}.u8", dtype=np.uint8, mode="r").reshape(-1, SIZE, SIZE, 3)


def open_features(folder: Path, split: Split) -> Tensor:
    """Open the pictures' vision states [N, V, D], float16."""
    return torch.from_numpy(np.load(folder / f"{split}.npy", mmap_mode="c", allow_pickle=False))


def normalized(pictures: Tensor) -> Tensor:
    """Turn [P, H, W, 3] uint8 into [P, 3, H, W] floats, as the processor does."""
    mean, deviation = (torch.tensor(channels, device=pictures.device).view(3, 1, 1) for channels in (MEAN, DEVIATION))
    return (pictures.permute(0, 3, 1, 2).float() / 255 - mean) / deviation


@torch.no_grad()
def encode(encoder: Callable[[Tensor], Tensor], folder: Path, split: Split, device: torch.device) -> None:
    """Write the vision states of all pictures to `SPLIT.npy` unless the folder has them."""
    file, pixels = folder / f"{split}.npy", open_pixels(folder, split)
    if file.exists():
        return
    partial_file = file.with_suffix(".partial")
    states = None
    for start in range(0, len(pixels), ENCODED):
        part = torch.from_numpy(pixels[start : start + ENCODED].copy()).to(device)
        encoded = encoder(normalized(part)).half().cpu().numpy()
        if states is None:
            states = open_memmap(partial_file, "w+", np.float16, (len(pixels), *encoded.shape[1:]))
        states[start : start + ENCODED] = encoded
    if states is not None:
        states.flush()
        partial_file.replace(file)


def _draw(path: str, split: Split, total: int, part: tuple[int, Sequence[Job]]) -> list[Facts]:
    """Draw some of the pictures into the file; return the facts of the items among them."""
    first, jobs = part
    pixels = np.memmap(path, dtype=np.uint8, mode="r+", shape=(total, SIZE, SIZE, 3))
    facts: list[Facts] = []
    for row, (what, which) in enumerate(jobs, first):
        if isinstance(what, Clip):
            assert isinstance(which, int)
            picture = what.frame(times(FRAMES)[which])
        elif isinstance(which, int):
            view = world.draw(what, which, split)
            yes, no = view.pair
            item = Item(row, what, ((yes, True), (no, False), *view.more), view.probes)
            derived = DERIVED.get(what)
            plain = view.caption.rpartition(derived)[0] if derived else view.caption
            facts.append({**asdict(item), "caption": view.caption, "plain": plain})
            picture = view.picture.convert("RGB")
        else:
            picture = paint(Rng(what), which)[0]
        pixels[row] = np.asarray(picture)
    return facts
