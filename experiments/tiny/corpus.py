"""The vision encoder's training pictures, drawn once and kept on disk: pixels in an array, labels in JSON lines.

Besides the world's subtasks there are pages of random glyphs, which teach the encoder to read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from mmeval.embedded import world
from mmeval.embedded.world.canvas import SIZE, Canvas, varied
from mmeval.embedded.world.glyphs import GLYPHS, HEIGHT, width_of, write
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.sums import PAPERS
from mmeval.embedded.world.words import BOARDS

Pixels = npt.NDArray[np.uint8]
Drawn = tuple[Pixels, "CorpusItem"]
Job = TypeVar("Job")


@dataclass(frozen=True)
class CorpusItem:
    """Facts about one picture, in words."""

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
    items: tuple[CorpusItem, ...]


def corpus(folder: Path, per_subtask: int, *, first_seed: int = 0, workers: int = 2) -> Corpus:
    """Read the corpus in that folder, or draw it there: `per_subtask` training pictures of each subtask."""
    jobs = [(subtask, seed) for seed in range(first_seed, first_seed + per_subtask) for subtask in world.SUBTASKS]
    return _read_or_draw(folder, f"{per_subtask}-from-{first_seed}", _draw, jobs, workers)


def pages(folder: Path, count: int, workers: int = 2) -> Corpus:
    """Read or draw pages of random glyphs, in all sizes that the world writes in."""
    return _read_or_draw(folder, f"{count}-pages", _page, range(count), workers)


def _read_or_draw(folder: Path, name: str, draw: Callable[[Job], Drawn], jobs: Sequence[Job], workers: int) -> Corpus:
    pixels, words = folder / f"{name}.npy", folder / f"{name}.jsonl"
    if not words.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(workers) as pool:
            drawn = list(pool.map(draw, jobs, chunksize=200))
        np.save(pixels, np.stack([picture for picture, _ in drawn]), allow_pickle=False)
        partial = words.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(item)) + "\n" for _, item in drawn)
        partial.replace(words)
    with words.open(encoding="utf-8") as lines:
        items = tuple(_item(json.loads(line)) for line in lines)
    return Corpus(np.load(pixels, mmap_mode="r", allow_pickle=False), items)


def _draw(job: tuple[str, int]) -> Drawn:
    subtask, seed = job
    view = world.draw(subtask, seed, "train")
    yes, no = view.pair
    item = CorpusItem(
        subtask=subtask,
        caption=view.caption,
        yesno=((yes, True), (no, False), *view.more),
        probes=view.probes,
        marks=tuple((mark.x, mark.y, mark.label) for mark in view.marks),
        identity=view.identity,
    )
    return np.asarray(view.picture.convert("RGB"), dtype=np.uint8), item


def _page(seed: int) -> Drawn:
    rng = Rng(f"page {seed}")
    paper, ink = rng.pick((*PAPERS, *BOARDS))
    canvas = Canvas(rng, varied(rng, paper, 16), varied(rng, paper, 16))
    dot, top, marks = rng.between(1.75, 4.4), rng.between(2, 12), []
    while top + HEIGHT * dot < SIZE:
        left, line = rng.between(2, 14), ""
        while left + width_of(grown := line + rng.pick("".join(GLYPHS) + " "), dot) < SIZE - 1:
            line = grown
        marks += write(canvas, line, left, top, dot, varied(rng, ink, 10))
        top += HEIGHT * dot + rng.between(3, 14)
    item = CorpusItem("page", "", (), (), tuple((mark.x, mark.y, mark.label) for mark in marks), "")
    return np.asarray(canvas.finish(), dtype=np.uint8), item


def _item(value: dict[str, Any]) -> CorpusItem:
    return CorpusItem(
        value["subtask"],
        value["caption"],
        tuple((question, truth) for question, truth in value["yesno"]),
        tuple((question, answer) for question, answer in value["probes"]),
        tuple((x, y, label) for x, y, label in value["marks"]),
        value["identity"],
    )
