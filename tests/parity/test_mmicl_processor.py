"""MmiclProcessor against the outputs of transformers 4.28 for the same prompts and pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mmeval.mmicl.context import ImagePlace, Piece, Tag
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig
from tests.parity.conftest import Recordings


@pytest.fixture(scope="module")
def folder(fixtures: Recordings) -> Path:
    return fixtures / "mmicl/processor_t5"


@pytest.fixture(scope="module")
def expected(folder: Path) -> Any:
    return json.loads((folder / "expected.json").read_text())


@pytest.fixture(scope="module")
def processor(folder: Path, expected: Any) -> MmiclProcessor:
    settings = ProcessorConfig(
        placeholder_id=expected["placeholder_id"],
        tag_ids=tuple(expected["image_ids"]),
        tokens_per_picture=4,
        pad_id=0,
        eos_id=1,
        pad_left=False,
    )
    return MmiclProcessor.from_files(folder / "hub_like", settings)


def pieces_of(prompt: str) -> list[Piece]:
    """Read the original's prompts: strings in which runs of the placeholder are pictures, in order."""
    pieces: list[Piece] = []
    pictures = 0
    for part in re.split("((?:图){4}|<image[0-9]+>)", prompt):
        if part.startswith("图"):
            pieces.append(ImagePlace(pictures))
            pictures += 1
        elif tag := re.fullmatch("<image([0-9]+)>", part):
            pieces.append(Tag(int(tag[1])))
        elif part:
            pieces.append(part)
    return pieces


def test_ids_of_every_prompt(processor: MmiclProcessor, expected: Any) -> None:
    for prompt, recorded in zip(expected["prompts"], expected["per_prompt"], strict=True):
        assert list(processor.encode(pieces_of(prompt)).ids) == recorded["input_ids"]


def test_padded_batch(processor: MmiclProcessor, expected: Any) -> None:
    batch = processor.batch([processor.encode(pieces_of(prompt)) for prompt in expected["prompts"]])
    assert batch["input_ids"].tolist() == expected["batch_input_ids"]
    assert batch["attention_mask"].tolist() == expected["batch_attention_mask"]


def test_qformer_ids(processor: MmiclProcessor, expected: Any) -> None:
    """Of the prompts that spell no special token: ours stay text, the original's became [UNK]."""
    for prompt, recorded in zip(expected["prompts"], expected["per_prompt"], strict=True):
        if "<image" not in prompt:
            ids = processor.qformer_batch([prompt])["qformer_input_ids"]
            assert ids[0].tolist() == recorded["qformer_input_ids"]


def test_decoding(processor: MmiclProcessor, expected: Any) -> None:
    for recorded in expected["per_prompt"]:
        assert processor.decode(recorded["input_ids"]) == recorded["decoded_skip_special"]


def test_pixels(processor: MmiclProcessor, folder: Path) -> None:
    """Transparency is dropped: transformers 5 alone would put the picture on white."""
    with np.load(folder / "images.npz") as arrays:
        several = [Image.fromarray(arrays[f"img{i}"]) for i in range(3)]
        assert torch.equal(processor.pixels(several), torch.from_numpy(arrays["pixel_values"]))
        for kind in ("rgba", "gray"):
            pixels = processor.pixels([Image.fromarray(arrays[f"img_{kind}"])])
            assert torch.equal(pixels, torch.from_numpy(arrays[f"pixel_values_{kind}"]).reshape(pixels.shape))
