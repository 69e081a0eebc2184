"""The training pictures, drawn once and kept on disk: pixels in one array, what is true of them in JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmeval import world

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """What is true of one picture, in words."""

    subtask: str
    caption: str
    yesno: tuple[tuple[str, bool], ...]
    probes: tuple[tuple[str, str], ...]
    marks: tuple[tuple[float, float, str], ...]
    """(x, y, label), x and y from 0 to 1."""
    identity: str


@dataclass(frozen=True)
class Corpus:
    """Pictures [N, H, W, 3] uint8 and their items, in the same order."""

    pictures: Pixels
    items: tuple[Item, ...]

    def texts(self) -> Iterator[str]:
        """Every text there is: what the vocabulary is made of."""
        for item in self.items:
            yield item.caption
            for question, answer in item.probes:
                yield from (question, answer)
            yield from (question for question, _ in item.yesno)


def corpus(folder: Path, per_subtask: int, *, first_seed: int = 0, workers: int = 2) -> Corpus:
    """The corpus in that folder, drawn now if it is not there yet: `per_subtask` training pictures each."""
    name = f"{per_subtask}-from-{first_seed}"
    pixels, words = folder / f"{name}.npy", folder / f"{name}.jsonl"
    if not words.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _draw_all(pixels, words, per_subtask, first_seed, workers)
    with words.open(encoding="utf-8") as lines:
        items = tuple(_item(json.loads(line)) for line in lines)
    return Corpus(np.load(pixels, mmap_mode="r", allow_pickle=False), items)


def _draw_all(pixels: Path, words: Path, per_subtask: int, first_seed: int, workers: int) -> None:
    jobs = [(subtask, seed) for seed in range(first_seed, first_seed + per_subtask) for subtask in world.SUBTASKS]
    with ProcessPoolExecutor(workers) as pool:
        drawn = list(pool.map(_draw, jobs, chunksize=200))
    np.save(pixels, np.stack([picture for picture, _ in drawn]), allow_pickle=False)
    partial = words.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(item)) + "\n" for _, item in drawn)
    partial.replace(words)


def _draw(job: tuple[str, int]) -> tuple[Pixels, Item]:
    subtask, seed = job
    view = world.draw(subtask, seed, "train")
    yes, no = view.pair
    item = Item(
        subtask=subtask,
        caption=view.caption,
        yesno=((yes, True), (no, False), *view.more),
        probes=view.probes,
        marks=tuple((mark.x, mark.y, mark.label) for mark in view.marks),
        identity=view.identity,
    )
    return np.asarray(view.picture.convert("RGB"), dtype=np.uint8), item


def _item(value: dict[str, Any]) -> Item:
    return Item(
        value["subtask"],
        value["caption"],
        tuple((question, truth) for question, truth in value["yesno"]),
        tuple((question, answer) for question, answer in value["probes"]),
        tuple((x, y, label) for x, y, label in value["marks"]),
        value["identity"],
    )
