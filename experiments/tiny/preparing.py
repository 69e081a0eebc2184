"""What all members of the family share before they learn: the vision encoder, the pictures and the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from experiments.tiny import loop
from experiments.tiny.checkpoint import load_weights, read_weights, write_weights
from experiments.tiny.corpus import corpus, pages
from experiments.tiny.drawing import draw, encode
from experiments.tiny.network import TinyMmicl
from experiments.tiny.plan import Plan
from experiments.tiny.pool import Pool
from experiments.tiny.seeing import see
from experiments.tiny.sizes import Sizes
from experiments.tiny.vocabulary import forms_texts, make_vocabulary, vocabulary_of
from mmeval.embedded.world.view import Split
from mmeval.machine import cores
from mmeval.types import InputError

SEE = loop.Recipe(steps=8000, batch=64, check_every=500)
PER_SUBTASK, PAGES, HELD_OUT, HELD_OUT_SEED = 5000, 12000, 100, 1_000_000
"""Numbers of pictures that the vision encoder learns from and is tested on."""
TEST_SHARE = 0.03
"""Held-out pictures for the tests of the stages, as a share of the training pictures."""
SPLITS: tuple[Split, Split] = ("train", "test")


def train_encoder(plan: Plan) -> None:
    """Train the vision encoder from scratch and write `vision.safetensors`, which `--encoder` takes."""
    torch.manual_seed(plan.seed)
    vision = TinyMmicl(Sizes(1)).vision_model
    folder = plan.work / "corpus"
    train = corpus(folder, PER_SUBTASK, workers=cores())
    held_out = corpus(folder, HELD_OUT, first_seed=HELD_OUT_SEED, workers=cores())
    see(vision, train, pages(folder, PAGES, workers=cores()), held_out, SEE, plan.work / "see.safetensors")
    weights = {f"vision_model.{key}": weight for key, weight in vision.state_dict().items()}
    write_weights(plan.work / "vision.safetensors", weights)


def prepare(plan: Plan, encoder: Path) -> None:
    """Draw the pictures, encode them with the vision encoder in that file, and make the vocabulary from their texts.

    Training that begins with weights takes their vocabulary: fewer pictures have fewer words.
    Raises InputError if pictures are already encoded with another encoder, or if the weights have no vocabulary.
    """
    prefix = "vision_model."
    weights = {
        key.removeprefix(prefix): weight.float()
        for key, weight in read_weights(encoder).items()
        if key.startswith(prefix)
    }
    vision = TinyMmicl(Sizes(1)).vision_model
    load_weights(vision, weights, encoder)
    if any((plan.work / f"{split}.npy").exists() for split in SPLITS) and not _same(plan.encoder, weights):
        raise InputError(
            f"{plan.work}: its pictures are not encoded with {encoder}; give the --encoder they were encoded with, or "
            "another --work"
        )
    pools = pools_of(plan)
    if not (plan.out / "vocabulary.json").exists():
        vocabulary = (
            vocabulary_of(plan.weights) if plan.weights else make_vocabulary([*pools["train"].texts(), *forms_texts()])
        )
        vocabulary.save(plan.out)
        plan.say(json.dumps({"words": vocabulary.size, "pictures": len(pools["train"].shown)}))
    write_weights(plan.encoder, vision.state_dict())
    device = torch.device(plan.device)
    vision = vision.to(device).eval()
    for split in SPLITS:
        encode(vision, plan.work, split, device)


def _same(file: Path, weights: Mapping[str, torch.Tensor]) -> bool:
    """Tell whether a file holds these weights."""
    if not file.exists():
        return False
    held = read_weights(file)
    return held.keys() == weights.keys() and all(torch.equal(held[key], weight) for key, weight in weights.items())


def pools_of(plan: Plan) -> dict[Split, Pool]:
    """Return the pools of both splits, drawing their pictures if they are missing."""
    amounts = {"train": plan.amounts, "test": plan.amounts.times(TEST_SHARE)}
    return {split: draw(plan.work, split, amounts[split], cores()) for split in SPLITS}
