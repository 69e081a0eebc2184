"""The tiny model is trained on what it is asked later, and a training that was cut goes on as if it were not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmeval.mmicl.context import CONTEXTS, Shown
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.tiny.architecture import PICTURE_SIZE, VISUAL_TOKENS
from mmeval.tiny.corpus import Corpus, corpus
from mmeval.tiny.loop import Recipe, fit
from mmeval.tiny.questions import SUFFIX, Questions
from mmeval.tiny.seeing import pixels
from mmeval.tiny.vocabulary import make_processor


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus(tmp_path_factory.mktemp("corpus"), per_subtask=3, workers=1)


@pytest.fixture(scope="module")
def processor(small: Corpus) -> MmiclProcessor:
    return make_processor(small.texts(), VISUAL_TOKENS, PICTURE_SIZE)


def test_a_training_prompt_is_the_prompt_of_inference(small: Corpus, processor: MmiclProcessor) -> None:
    batch, truths = Questions(small, processor).pairs(in_words=False, per_subtask=1)["OCR"]
    item = next(item for item in small.items if item.subtask == "OCR")
    for row, (question, truth) in enumerate(item.yesno[:2]):
        ids = processor.prompt([Shown(0), question + SUFFIX], CONTEXTS["declaration"]).ids
        assert tuple(batch.input_ids[row][batch.attention_mask[row] == 1].tolist()) == ids
        assert truths[row] == truth


def test_training_pixels_are_the_processors(small: Corpus, processor: MmiclProcessor) -> None:
    from PIL import Image

    picture = Image.fromarray(small.pictures[0])
    assert torch.allclose(pixels(small.pictures[:1].copy())[0], processor.pixels([picture])[0], atol=1e-6)


def test_words_in_quotes_are_spelled_and_no_word_is_unknown(processor: MmiclProcessor, small: Corpus) -> None:
    encode = processor.tokenizer.encode
    assert len(encode("Is it 'kelt'?")) == len(["is", "it", "'", "k", "e", "l", "t", "'", "?"])
    unknown = encode("zebra")[0]
    assert all(unknown not in encode(text) for text in small.texts())


def test_the_corpus_is_drawn_once(small: Corpus, tmp_path: Path) -> None:
    first = corpus(tmp_path, per_subtask=1, workers=1)
    again = corpus(tmp_path, per_subtask=1, workers=1)
    assert first.items == again.items
    assert (first.pictures == again.pictures).all()


class Killed(Exception):
    pass


def train(path: Path, killed_at: int | None = None) -> Tensor:
    """A linear map fitted for eight steps, a checkpoint every fourth; weights at the end."""
    torch.manual_seed(0)
    module = nn.Linear(4, 1)

    def loss_of(step: int) -> Tensor:
        if step == killed_at:
            raise Killed
        inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        loss: Tensor = (module(inputs) - inputs.sum(1, keepdim=True)).pow(2).mean()
        return loss

    fit(module, list(module.parameters()), loss_of, Recipe(8, 8, warmup=2, check_every=4), path, lambda: "")
    return module.weight.detach()


def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path / "killed.pt", killed_at=6)
    assert torch.equal(train(tmp_path / "killed.pt"), train(tmp_path / "whole.pt"))
