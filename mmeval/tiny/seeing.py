"""Stage one: the vision encoder learns what stands where, as EVA-CLIP did for the real MMICL.

Two heads that are thrown away afterwards: the words of what stands at each patch, and the identity of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.tiny.corpus import Corpus, Item, Pixels
from mmeval.tiny.loop import Recipe, fit

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
DEVIATION = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)


def pixels(pictures: Pixels) -> Tensor:
    """[P, H, W, 3] uint8 to [P, 3, H, W] float, normalised as the processor does it."""
    return (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255 - MEAN) / DEVIATION


class Seer(nn.Module):
    """The vision encoder with its two temporary heads."""

    def __init__(self, model: MmiclForConditionalGeneration, words: list[str], identities: list[str]) -> None:
        super().__init__()
        self.words = {word: index for index, word in enumerate(words)}
        self.identities = {identity: index for index, identity in enumerate(identities)}
        self.vision = model.vision_model
        self.encode = model.encode
        self.grid = model.config.vision_config.image_size // model.config.vision_config.patch_size
        width = model.config.vision_config.hidden_size
        self.local = nn.Linear(width, len(words))
        self.whole = nn.Linear(width, len(identities))

    def loss(self, pictures: Tensor, local: Tensor, whole: Tensor) -> Tensor:
        """Words at each patch (binary), identity of the picture (-1: none)."""
        states = self.encode(pictures)
        words = functional.binary_cross_entropy_with_logits(self.local(states[:, 1:]).float(), local)
        identity = functional.cross_entropy(self.whole(states[:, 0]).float(), whole, ignore_index=-1)
        return 300 * words + torch.nan_to_num(identity)


def see(model: MmiclForConditionalGeneration, train: Corpus, held_out: Corpus, recipe: Recipe, path: Path) -> None:
    """Trains the vision encoder in place."""
    words = sorted({word for item in train.items for *_, label in item.marks for word in label.split()})
    identities = sorted({item.identity for item in train.items if item.identity})
    seer = Seer(model, words, identities)
    targets, tests = _targets(seer, train), _targets(seer, held_out)

    def loss_of(step: int) -> Tensor:
        rows = np.random.default_rng(step).integers(len(train.items), size=recipe.batch)
        local = targets.dense(rows, seer.grid**2, len(seer.words))
        return seer.loss(pixels(train.pictures[rows]), local, targets.whole[rows])

    fit(seer, list(seer.parameters()), loss_of, recipe, path, lambda: _check(seer, held_out, tests))


Mark = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""What stands where in one picture: patch, word and weight of each."""


@dataclass(frozen=True)
class Targets:
    """What the heads should say of each picture of a corpus."""

    local: tuple[Mark, ...]
    whole: Tensor
    """[N] long, -1 where a picture has no identity."""

    def dense(self, rows: npt.NDArray[np.int64], patches: int, words: int) -> Tensor:
        """[rows, patches, words] float: how near each word's mark is to each patch."""
        dense = np.zeros((len(rows), patches, words), dtype=np.float32)
        for index, row in enumerate(rows):
            patch, word, weight = self.local[row]
            np.maximum.at(dense[index], (patch, word), weight)
        return torch.from_numpy(dense)


def _targets(seer: Seer, data: Corpus) -> Targets:
    def marks(item: Item) -> Mark:
        triples = [
            (patch, seer.words[word], weight)
            for x, y, label in item.marks
            for patch, weight in near_patches(x, y, seer.grid)
            for word in label.split()
            if word in seer.words
        ]
        patch, word, weight = zip(*triples, strict=True) if triples else ((), (), ())
        return np.array(patch, np.int64), np.array(word, np.int64), np.array(weight, np.float32)

    whole = torch.tensor([seer.identities.get(item.identity, -1) for item in data.items])
    return Targets(tuple(marks(item) for item in data.items), whole)


def near_patches(x: float, y: float, grid: int) -> list[tuple[int, float]]:
    """The patches around a point and how near each is (bilinear): a mark between two patches belongs to both."""
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


def _check(seer: Seer, data: Corpus, targets: Targets) -> str:
    """Recall and precision of the words at each mark's own patch, and the share of identities that are right."""
    rows = np.arange(len(data.items))
    parts = [pixels(data.pictures[part]) for part in np.array_split(rows, 20)]
    states = torch.cat([seer.encode(part) for part in parts])
    said = torch.sigmoid(seer.local(states[:, 1:])) > 0.3
    true = targets.dense(rows, seer.grid**2, len(seer.words))
    recall = said[true > 0.5].float().mean()
    precision = (true[said] > 0.1).float().mean()
    known = targets.whole >= 0
    right = (seer.whole(states[:, 0]).argmax(-1) == targets.whole)[known].float().mean()
    return f"words: recall {recall:.3f} precision {precision:.3f}; identities {right:.3f}"
