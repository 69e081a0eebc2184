"""The stage `see`: pretrain the vision encoder, whose counterpart in the real MMICL is EVA-CLIP.

Two heads, discarded afterwards, classify the word at each patch and the identity of the whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.tiny.corpus import Corpus, CorpusItem, Pixels
from experiments.tiny.drawing import normalized
from experiments.tiny.loop import Recipe, fit
from experiments.tiny.sizes import Sizes
from experiments.tiny.vision import Vision

KINDS = ("letter", "digit", "sign")
"""Words in a mark's label that only give the sort of mark."""
PAGES = 0.375
"""Share of pages in every batch; glyphs take more practice than shapes."""


class VisionPretrainer(nn.Module):
    """The vision encoder with its two temporary heads."""

    def __init__(self, vision: Vision, sizes: Sizes, words: list[str], identities: list[str]) -> None:
        super().__init__()
        self.words = {word: index for index, word in enumerate(words)}
        self.identities = {identity: index for index, identity in enumerate(identities)}
        self.encode = vision
        self.grid = sizes.picture // sizes.patch
        width = sizes.vision
        self.local = nn.Linear(width, len(words) + 1)  # the last: nothing
        self.whole = nn.Linear(width, len(identities))

    def loss(self, pictures: Tensor, local: Tensor, whole: Tensor) -> Tensor:
        """Return the loss of the word at each patch [B, P, W + 1] and of the picture's identity [B] (-1: none).

        Words compete at a patch. Classified alone, each is absent almost everywhere, and glyphs are hardly learned.
        """
        states = self.encode(pictures)
        losses = -(local * self.local(states[:, 1:]).float().log_softmax(-1)).sum(-1)
        empty = local[..., -1]
        words = _mean(losses, 1 - empty) + _mean(losses, empty)
        identity = functional.cross_entropy(self.whole(states[:, 0]).float(), whole, ignore_index=-1)
        return words + torch.nan_to_num(identity)


def _pixels(pictures: Pixels) -> Tensor:
    return normalized(torch.from_numpy(np.array(pictures)))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)


def see(vision: Vision, train: Corpus, pages: Corpus, held_out: Corpus, recipe: Recipe, path: Path) -> None:
    """Train the vision encoder in place, on pictures and on pages to read."""
    words = sorted({word for item in (*train.items, *pages.items) for *_, label in item.marks for word in named(label)})
    identities = sorted({item.identity for item in train.items if item.identity})
    pretrainer = VisionPretrainer(vision, Sizes(0), words, identities)
    tests = targets_of(pretrainer, held_out)
    sources = [(corpus, targets_of(pretrainer, corpus)) for corpus in (pages, train)]
    sizes = (int(PAGES * recipe.batch), recipe.batch - int(PAGES * recipe.batch))

    def loss_of(step: int) -> Tensor:
        random = np.random.default_rng(step)
        pictures, local, whole = [], [], []
        for (corpus, targets), size in zip(sources, sizes, strict=True):
            rows = random.integers(len(corpus.items), size=size)
            pictures.append(_pixels(corpus.pictures[rows]))
            local.append(targets.dense(rows, pretrainer))
            whole.append(targets.whole[rows])
        return pretrainer.loss(torch.cat(pictures), torch.cat(local), torch.cat(whole))

    parameters = list(pretrainer.parameters())
    fit(pretrainer, parameters, loss_of, recipe, path, lambda: _check(pretrainer, held_out, tests))


def named(label: str) -> list[str]:
    """Return the words for what a mark shows."""
    return [word for word in label.split() if word not in KINDS]


def _has_glyphs(item: CorpusItem) -> bool:
    return any(label.split()[0] in KINDS for *_, label in item.marks)


Mark = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""The marks of one picture: their patches, words and weights."""


@dataclass(frozen=True)
class Targets:
    """The heads' targets for each picture of a corpus."""

    local: tuple[Mark, ...]
    whole: Tensor
    """[N] long, -1 if a picture has no identity."""

    def dense(self, rows: npt.NDArray[np.int64], pretrainer: VisionPretrainer) -> Tensor:
        """Return floats [rows, patches, words + 1]: a patch's share for each word near it, the rest for nothing."""
        dense = np.zeros((len(rows), pretrainer.grid**2, len(pretrainer.words) + 1), dtype=np.float32)
        for index, row in enumerate(rows):
            patch, word, weight = self.local[row]
            np.add.at(dense[index], (patch, word), weight)
        dense /= np.maximum(1, dense.sum(-1, keepdims=True))
        dense[..., -1] = 1 - dense.sum(-1)
        return torch.from_numpy(dense)


def targets_of(pretrainer: VisionPretrainer, data: Corpus) -> Targets:
    """Return the heads' targets for the pictures of a corpus."""

    def marks(item: CorpusItem) -> Mark:
        triples = []
        for x, y, label in item.marks:
            words = [pretrainer.words[word] for word in named(label) if word in pretrainer.words]
            near = near_patches(x, y, pretrainer.grid)
            triples += [(patch, word, weight / len(words)) for patch, weight in near for word in words]
        patch, word, weight = zip(*triples, strict=True) if triples else ((), (), ())
        return np.array(patch, np.int64), np.array(word, np.int64), np.array(weight, np.float32)

    whole = torch.tensor([pretrainer.identities.get(item.identity, -1) for item in data.items])
    return Targets(tuple(marks(item) for item in data.items), whole)


def near_patches(x: float, y: float, grid: int) -> list[tuple[int, float]]:
    """Return the patches around a point with bilinear weights; a mark between two patches belongs to both."""
    column, row = x * grid - 0.5, y * grid - 0.5
    left, top = int(np.floor(column)), int(np.floor(row))
    right, bottom = column - left, row - top
    corners = [
        (top, left, (1 - bottom) * (1 - right)),
        (top, left + 1, (1 - bottom) * right),
        (top + 1, left, bottom * (1 - right)),
        (top + 1, left + 1, bottom * right),
    ]
    return [(r * grid + c, w) for r, c, w in corners if 0 <= r < grid and 0 <= c < grid and w > 0.05]


def _check(pretrainer: VisionPretrainer, data: Corpus, targets: Targets) -> str:
    """Report accuracy on patches that show mainly one word (glyphs, other things) and on identities."""
    rows = np.arange(len(data.items))
    states = torch.cat([pretrainer.encode(_pixels(data.pictures[part])) for part in np.array_split(rows, 20)])
    predicted = pretrainer.local(states[:, 1:])[..., :-1].argmax(-1)
    true = targets.dense(rows, pretrainer)[..., :-1]
    clear, glyphs = true.amax(-1) > 0.35, torch.tensor([_has_glyphs(item) for item in data.items])
    right = true.gather(-1, predicted[..., None])[..., 0] > 0.2
    has_identity = targets.whole >= 0
    whole = (pretrainer.whole(states[:, 0]).argmax(-1) == targets.whole)[has_identity].float().mean()
    shares = [right[group][clear[group]].float().mean() for group in (glyphs, ~glyphs)]
    return f"glyphs {shares[0]:.3f}, things {shares[1]:.3f}; identities {whole:.3f}"
