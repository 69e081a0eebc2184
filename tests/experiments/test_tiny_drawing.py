"""Pictures are drawn and encoded once, as the processor sees them; a vision encoder learns to see them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from experiments.tiny import preparing
from experiments.tiny.checkpoint import write_weights
from experiments.tiny.corpus import Corpus, corpus, pages
from experiments.tiny.drawing import draw, encode, normalized, open_features, open_pixels
from experiments.tiny.loop import Recipe as Fitting
from experiments.tiny.loop import fit
from experiments.tiny.network import TinyMmicl
from experiments.tiny.plan import Plan
from experiments.tiny.pool import Amounts
from experiments.tiny.preparing import prepare
from experiments.tiny.seeing import VisionPretrainer, see, targets_of
from experiments.tiny.sizes import Sizes
from experiments.tiny.vision import Vision
from mmeval.embedded.world.things import KINDS
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.types import InputError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus(tmp_path_factory.mktemp("corpus"), per_subtask=1, workers=1)


def test_the_corpus_is_drawn_once(small: Corpus, tmp_path: Path) -> None:
    first, again = (corpus(tmp_path, per_subtask=1, workers=1) for _ in range(2))
    assert first.items == again.items == small.items
    assert (first.pictures == again.pictures).all()


@pytest.mark.slow
def test_training_pixels_are_the_processors(small: Corpus, processor: MmiclProcessor) -> None:
    pixels = normalized(torch.from_numpy(np.array(small.pictures[:1])))
    assert torch.allclose(pixels[0], processor.pixels([Image.fromarray(small.pictures[0])])[0], atol=1e-6)


def test_every_glyph_of_a_page_is_a_target_where_it_stands(tmp_path: Path) -> None:
    drawn = pages(tmp_path, 4, workers=1)
    glyphs = {label.split()[1] for item in drawn.items for *_, label in item.marks}
    seer = VisionPretrainer(Vision(Sizes(1)), Sizes(1), sorted(glyphs), ["scene beach"])
    local = targets_of(seer, drawn).dense(np.arange(4), seer)
    assert torch.allclose(local.sum(-1), torch.ones(4, 36), atol=1e-5)
    for page, item in zip(local, drawn.items, strict=True):
        assert {label.split()[1] for *_, label in item.marks} == {
            word for word, column in seer.words.items() if page[:, column].amax() > 0
        }
        for x, y, label in item.marks:
            assert page[6 * int(6 * y) + int(6 * x), seer.words[label.split()[1]]] > 0.05


class Killed(Exception):
    pass


def train(path: Path, killed_at: int | None = None) -> Tensor:
    """Fit a linear map for eight steps, a checkpoint every fourth; return the weights at the end."""
    torch.manual_seed(0)
    module = nn.Linear(4, 1)

    def loss_of(step: int) -> Tensor:
        if step == killed_at:
            raise Killed
        inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        loss: Tensor = (module(inputs) - inputs.sum(1, keepdim=True)).pow(2).mean()
        return loss

    fit(module, list(module.parameters()), loss_of, Fitting(8, 8, warmup=2, check_every=4), path, lambda: "")
    return module.weight.detach()


def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path / "killed.safetensors", killed_at=6)
    assert torch.equal(train(tmp_path / "killed.safetensors"), train(tmp_path / "whole.safetensors"))


@pytest.mark.slow
def test_a_vision_encoder_begins_to_see(small: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    recipe = Fitting(steps=12, batch=4, warmup=2, check_every=6)
    see(Vision(Sizes(1)), small, pages(tmp_path, 4, workers=1), small, recipe, tmp_path / "see.safetensors")
    first, last = (float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines())
    assert last < first


@pytest.mark.slow
def test_pictures_are_drawn_and_encoded_once_and_other_amounts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.tiny.pool.KINDS", KINDS[:6])
    few = Amounts(items=1, singles=1, pairs=2, rows=1, counted=36, clips=1)
    drawn = draw(tmp_path, "test", few, 1)
    stamp = (tmp_path / "test.u8").stat().st_mtime_ns
    again = draw(tmp_path, "test", few, 1)
    assert (again.items, again.shown) == (drawn.items, drawn.shown)
    assert (tmp_path / "test.u8").stat().st_mtime_ns == stamp
    encode(lambda pixels: pixels.mean((2, 3))[:, None], tmp_path, "test", torch.device("cpu"))
    picture = torch.from_numpy(open_pixels(tmp_path, "test")[-1:].copy())
    assert torch.allclose(open_features(tmp_path, "test")[-1, 0].float(), normalized(picture).mean((2, 3)), atol=1e-2)
    plan = Plan(
        tmp_path, tmp_path, few, True, "cpu", 0, 100, 1, 0, 0.0, 1, 1, 1e-3,
    )  # fmt: skip
    weights = {f"vision_model.{key}": weight for key, weight in TinyMmicl(Sizes(1)).vision_model.state_dict().items()}
    for name in ("one", "other"):
        write_weights(tmp_path / f"{name}.safetensors", {key: w + (name == "other") for key, w in weights.items()})
    with pytest.raises(InputError, match=r"its pictures are not encoded with .*one\.safetensors"):
        prepare(plan, tmp_path / "one.safetensors")
    (tmp_path / "test.npy").unlink()
    drawn_pools = {"train": drawn, "test": drawn}
    monkeypatch.setattr(preparing, "pools_of", lambda plan: drawn_pools)
    monkeypatch.setattr(preparing, "encode", lambda *_: (tmp_path / "train.npy").touch())
    for _ in range(2):  # as a training that was interrupted does
        prepare(plan, tmp_path / "one.safetensors")
    with pytest.raises(InputError, match=r"other\.safetensors; give the --encoder they were encoded with, or another"):
        prepare(plan, tmp_path / "other.safetensors")
    for items in (0, 2):
        with pytest.raises(InputError, match="requested test pictures"):
            draw(tmp_path, "test", replace(few, items=items), 1)
