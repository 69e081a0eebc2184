"""Pictures that several questions show are prepared and encoded once, and the answers do not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mmeval.models.chat.vision import FAMILIES
from mmeval.types import Generation, Request
from tests.models import chat_zoo as zoo
from tests.models.test_chat import drawn, opened

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # between transformers and numpy
SHARED = sorted(FAMILIES & zoo.FAMILIES.keys())


@pytest.mark.slow
@pytest.mark.parametrize("family", SHARED)
def test_a_picture_is_encoded_once_for_all_its_questions(family: str, tmp_path: Path) -> None:
    sharing_changes_nothing(zoo.save(family, tmp_path))


def sharing_changes_nothing(folder: Path, size: tuple[int, int] = (28, 28)) -> None:
    """Check that likelihoods and samples of a checkpoint are the same with each picture encoded once."""
    own_picture, shared_picture = drawn(1, size), drawn(2, size)
    requests = [
        Request(str(n), (own_picture, *[shared_picture] * (n % 2), f"Is it {n}?"), candidates=("a", "bc"))
        for n in range(4)
    ]
    model, unshared = opened(folder, batch_tokens=200), opened(folder, batch_tokens=200)
    unshared.vision.shares = False
    compared, expected = (
        {response.id: response for response in each.loglikelihood(requests)} for each in (model, unshared)
    )
    assert [response.error for response in compared.values()] == [None] * len(requests)
    for id, response in expected.items():
        assert compared[id].loglikelihoods == pytest.approx(response.loglikelihoods, abs=1e-5)
    generation = Generation(2, temperature=1.0, samples=2, seed=1)
    sampled, expected_samples = (
        {response.id: response.samples for response in each.generate(requests, generation)}
        for each in (model, unshared)
    )
    assert sampled == expected_samples
    assert (model.vision.encoded, unshared.vision.encoded) == (2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("family", SHARED)
def test_a_picture_is_resized_once_for_all_its_questions(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = zoo.save(family, tmp_path)
    stock, cached = (opened(folder).processor.image_processor for _ in range(2))
    stock.__class__ = type(stock).__mro__[1]
    resized: list[int] = []
    preprocess = type(cached).preprocess

    def counting(self: Any, images: Any, *args: Any, **options: Any) -> Any:
        resized.append(len(images))
        return preprocess(self, images, *args, **options)

    monkeypatch.setattr(type(cached), "preprocess", counting)
    wide, tall, large = (
        drawn(number, size).decode() for number, size in ((1, (60, 40)), (2, (33, 90)), (3, (200, 50)))
    )
    for prompts in ([[wide], [wide], [tall, wide], [large], [tall]], [[wide], [tall]]):
        inputs, expected = (processor(prompts, return_tensors="pt") for processor in (cached, stock))
        assert inputs.keys() == expected.keys()
        for name, value in expected.items():
            assert torch.equal(inputs[name], value), name
    assert resized == [3, 2]


def test_crops_that_are_not_told_apart_are_made_for_each_question(tmp_path: Path) -> None:
    folder = zoo.save("gemma3", tmp_path)
    stock, cached = (opened(folder).processor.image_processor for _ in range(2))
    stock.__class__ = type(stock).__mro__[1]
    wide, square = drawn(1, (600, 200)).decode(), drawn(2, (200, 200)).decode()
    sizes = {"min_crop_size": 16, "max_num_crops": 3, "min_ratio_to_activate": 1.1}
    crops = {"do_pan_and_scan": True, **{f"pan_and_scan_{name}": value for name, value in sizes.items()}}
    inputs, expected = (
        processor([[wide], [wide], [square]], return_tensors="pt", **crops) for processor in (cached, stock)
    )
    assert len(expected["pixel_values"]) > 3
    assert torch.equal(inputs["pixel_values"], expected["pixel_values"])
    assert torch.equal(torch.as_tensor(inputs["num_crops"]), torch.as_tensor(expected["num_crops"]))
