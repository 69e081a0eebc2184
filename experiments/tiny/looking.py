"""Stage three: the Q-Former learns to say what stands at each patch, as BLIP-2's own first stage taught the real one.

It says it in the language model's words: a visual token is taught to lie near the embeddings of what it shows, so that
pictures begin where captions stood. One query for each patch; language model and vision encoder stand still.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.tiny.corpus import Corpus, CorpusItem
from experiments.tiny.loop import Recipe, fit
from experiments.tiny.seeing import named, near_patches
from mmeval.embedded.world.things import COLUMNS, ROWS
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.features import Features

SIGNS = {"plus": "+", "minus": "-", "times": "*", "equals": "="}


class QFormerPretrainer(nn.Module):
    """Q-Former and projection, judged by the language model's embeddings."""

    def __init__(self, model: MmiclForConditionalGeneration) -> None:
        super().__init__()
        self.model = model
        table = model.language_model.get_input_embeddings().weight
        self.here = nn.Parameter(torch.zeros(len(table)))
        self.anywhere = nn.Parameter(torch.zeros(len(table)))

    def learnt(self) -> list[nn.Parameter]:
        """Return all parameters but those of vision encoder and language model."""
        model = self.model
        own = [*model.qformer.parameters(), *model.language_projection.parameters(), model.query_tokens]
        return [*own, self.here, self.anywhere]

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Score vision states [B, V, D]: each word at each patch [B, P, W], and in the whole picture [B, W]."""
        table = self.model.language_model.get_input_embeddings().weight.detach()
        tokens = self.model.query(states)
        return tokens @ table.T + self.here, tokens.mean(dim=1) @ table.T + self.anywhere


def look(
    model: MmiclForConditionalGeneration,
    processor: MmiclProcessor,
    train: tuple[Corpus, Sequence[str]],
    held_out: tuple[Corpus, Sequence[str]],
    features: Features,
    recipe: Recipe,
    path: Path,
) -> None:
    """Train Q-Former and projection in place; each corpus comes with the files whose features are kept."""
    looker = QFormerPretrainer(model)
    model.requires_grad_(False)
    for parameter in looker.learnt():
        parameter.requires_grad_(True)
    grid = model.config.vision_config.image_size // model.config.vision_config.patch_size
    width = processor.tokenizer.size
    words = reader(processor)

    def batch(of: tuple[Corpus, Sequence[str]], rows: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        corpus, names = of
        here = np.zeros((len(rows), grid**2, width), dtype=np.float32)
        anywhere = np.zeros((len(rows), width), dtype=np.float32)
        for place, row in enumerate(rows):
            for patch, word, weight in marks(corpus.items[row], grid, words):
                here[place, patch, word] = max(here[place, patch, word], weight)
            anywhere[place, words(corpus.items[row].caption)] = 1.0
        states = torch.stack([features[names[row]] for row in rows]).float()
        return states, torch.from_numpy(here), torch.from_numpy(anywhere)

    def loss_of(step: int) -> Tensor:
        rows = np.random.default_rng(step).integers(len(train[1]), size=recipe.batch).tolist()
        states, here, anywhere = batch(train, rows)
        found_here, found_anywhere = looker(states)
        local = functional.binary_cross_entropy_with_logits(found_here.float(), here)
        return 300 * local + 30 * functional.binary_cross_entropy_with_logits(found_anywhere.float(), anywhere)

    def check() -> str:
        states, here, anywhere = batch(held_out, range(0, len(held_out[1]), 3))
        found_here, found_anywhere = looker(states)
        return f"at the patch: {_found(found_here, here)}; in the picture: {_found(found_anywhere, anywhere)}"

    fit(looker, looker.learnt(), loss_of, recipe, path, check)
    model.requires_grad_(True)


def _found(found: Tensor, true: Tensor) -> str:
    """Return recall and precision at a score of a third."""
    positive = torch.sigmoid(found.float()) > 0.33
    recall, precision = positive[true > 0.5].float().mean(), (true[positive] > 0.1).float().mean()
    return f"recall {recall:.3f} precision {precision:.3f}"


def reader(processor: MmiclProcessor) -> Callable[[str], list[int]]:
    """Make a function that returns the ids of a text's words, each once."""

    @cache
    def words(text: str) -> list[int]:
        return sorted(set(processor.tokenizer.encode(text)))

    return words


def marks(item: CorpusItem, grid: int, words: Callable[[str], list[int]]) -> list[tuple[int, int, float]]:
    """Yield patch, word and weight of what stands where; a thing's words are followed by those of its place."""
    found = []
    for x, y, label in item.marks:
        shown = [SIGNS.get(word, word) for word in named(label)]
        place = (ROWS[min(2, int(3 * y))], COLUMNS[min(2, int(3 * x))])
        for patch, weight in near_patches(x, y, grid):
            found += [(patch, word, weight) for word in words(" ".join((*shown, *place)))]
    return found
