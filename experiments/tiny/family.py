"""The tiny family: MMICL and its baselines, from the same parts, trained for the same time on the same questions.

They differ only in what they see: MMICL sees every picture in its place, InstructBLIP all of them side by side in one,
BLIP-2 single pictures only, the text model none. The public functions are the stages of `python -m experiments.tiny`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from experiments.tiny import loop as fitting
from experiments.tiny.batches import Batch, Lecturer, held_out
from experiments.tiny.corpus import corpus, pages
from experiments.tiny.learning import Eyes, Recipe, learn
from experiments.tiny.network import Sizes, TinyMmicl, begin
from experiments.tiny.pool import Amounts, Pool, draw, encode, open_pixels
from experiments.tiny.seeing import see
from experiments.tiny.stages import Stage, seen, words
from experiments.tiny.vocabulary import Vocabulary, forms_texts, make_vocabulary
from experiments.tiny.writing import How, Writer
from mmeval.embedded.world.view import Split

WORDS_SHARE = 0.17
"""Share of the time left after drawing that the language model gets."""
LAST = 20.0
"""Seconds reserved for the last tests and for packing."""
SEE = fitting.Recipe(steps=8000, batch=64, check_every=500)
PER_SUBTASK, PAGES, HELD_OUT, HELD_OUT_SEED = 5000, 12000, 100, 1_000_000
"""Pictures that the vision encoder learns from, and those it is tested on."""
UNSPEAKABLE = {"image", "this", "is", "the", "which", "color", "or", "it", "and", "a", "an"}
"""Words of questions that must not become names."""


@dataclass(frozen=True)
class Member:
    """One model of the family."""

    show: tuple[How, ...]
    single: bool = False
    """Whether it is never shown several pictures."""
    reads: bool = False
    """Whether its Q-Former reads the question."""
    demonstrated: bool = True
    """Whether it is shown demonstrations."""
    sets: tuple[str, str] = ("full", "full")
    """The trainable sets in the article's stages I and II."""


FAMILY: Mapping[str, Member] = {
    "mmicl-tiny": Member(("declaration",)),
    "instructblip-tiny": Member(("side-by-side",), reads=True),
    "blip2-tiny": Member(("plain",), single=True),
    "text-tiny": Member(("none",)),
}
ABLATIONS: Mapping[str, Member] = {
    "article": Member(("declaration",), sets=("qformer", "article")),
    "paper": Member(("declaration",), sets=("qformer", "paper")),
    "paper+qformer": Member(("declaration",), sets=("qformer", "paper+qformer")),
    "no declaration": Member(("plain",)),
    "no demonstrations": Member(("declaration",), demonstrated=False),
    "no interrelated pictures": Member(("declaration",), single=True),
}
"""mmicl-tiny with one thing changed; `released` is `paper` where the language model is a LLaMA."""


@dataclass(frozen=True)
class Plan:
    """The settings that all processes share."""

    work: Path
    out: Path
    device: str
    workers: int
    tokens: int
    rows: int
    seed: int
    until: float
    """The deadline, in seconds since the epoch."""
    check_every: int
    tests: int

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return self.until - time.time()

    def say(self, text: str) -> None:
        """Print a line and append it to the log."""
        print(text, flush=True)
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def train_encoder(plan: Plan) -> None:
    """Train the vision encoder from scratch and write `vision.safetensors`, which `--encoder` takes."""
    torch.manual_seed(plan.seed)
    model = TinyMmicl(Sizes(1))
    folder, cores = plan.work / "corpus", os.cpu_count() or 2
    train, held = (
        corpus(folder, PER_SUBTASK, workers=cores),
        corpus(folder, HELD_OUT, first_seed=HELD_OUT_SEED, workers=cores),
    )
    see(model.vision_model, train, pages(folder, PAGES, workers=cores), held, SEE, plan.work / "see.pt")
    weights = {f"vision_model.{key}": weight for key, weight in model.vision_model.state_dict().items()}
    save_file(weights, plan.work / "vision.safetensors")


def prepare(plan: Plan, amounts: Amounts, encoder: Path) -> None:
    """Draw the pictures, encode them, and make the vocabulary from their texts."""
    cores = os.cpu_count() or 2
    pools: dict[Split, Pool] = {"train": draw(plan.work, "train", amounts, cores)}
    pools["test"] = draw(plan.work, "test", amounts.times(0.03), cores)
    file = plan.work / "vocabulary.pickle"
    if not file.exists():
        vocabulary = make_vocabulary([*pools["train"].texts(), *forms_texts()])
        file.write_bytes(pickle.dumps(vocabulary))
        _packed_words(plan)
        plan.say(json.dumps({"words": vocabulary.size, "pictures": len(pools["train"].shown)}))
    model = TinyMmicl(Sizes(_vocabulary(plan).size))
    known = {key: weight for key, weight in load_file(encoder).items() if key.startswith("vision_model.")}
    model.load_state_dict(known, strict=False)
    torch.save(model.vision_model.state_dict(), plan.work / "vision.pt")
    device = torch.device(plan.device)
    vision = model.vision_model.to(device)
    for split in pools:
        file = plan.work / f"{split}.features"
        if not file.exists():
            pixels = open_pixels(plan.work, split)
            torch.save(encode(vision, pixels, device), file.with_suffix(".partial"))
            file.with_suffix(".partial").replace(file)


def _vocabulary(plan: Plan) -> Vocabulary:
    found = pickle.loads((plan.work / "vocabulary.pickle").read_bytes())
    assert isinstance(found, Vocabulary)
    return found


def _pool(plan: Plan, split: Split) -> Pool:
    found = pickle.loads((plan.work / f"{split}.pickle").read_bytes())
    assert isinstance(found, Pool)
    return found


def _symbols(vocabulary: Vocabulary, writer: Writer) -> list[str]:
    """Return the words that may stand for anything: one token each, spelled in letters."""
    rows = Tokenizer.from_str(vocabulary.source).get_vocab(with_added_tokens=False)
    return sorted(
        word for word in rows
        if word.isalpha() and word.islower() and len(word) > 1 and word not in UNSPEAKABLE
        and len(writer.tokens(word)) == 1
    )  # fmt: skip


def train_words(plan: Plan) -> None:
    """Train the language model that all members share."""
    if (plan.work / "language.pt").exists():
        return
    vocabulary = _vocabulary(plan)
    model = _new(plan, vocabulary, reads=False)
    writer = Writer(vocabulary, model.sizes.visual_tokens)
    seconds = WORDS_SHARE * (plan.left() - LAST)
    workers = min(10, max(1, (os.cpu_count() or 2) - 2))
    _train(plan, "words", model, words(_symbols(vocabulary, writer)), writer, None, seconds, workers, reads=False)
    torch.save(model.language_model.state_dict(), plan.work / "language.pt")


def train_members(plan: Plan, members: Sequence[str]) -> None:
    """Train the members: all at once on a GPU; in turn and for equal times on a CPU."""
    if plan.device == "cpu":
        seconds = (plan.left() - LAST) / len(members)
        for name in members:
            in_process(_member, plan, name, time.time() + seconds)
        return
    until = time.time() + plan.left() - LAST
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_member, args=(plan, name, until)) for name in members]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def in_process(run: Callable[..., None], *arguments: object) -> None:
    """Run it in a process of its own, which frees its memory; report a failure on stderr and go on."""
    process = multiprocessing.get_context("spawn").Process(target=run, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        print(f"{run.__name__} {arguments[1:]} ended with {process.exitcode}", file=sys.stderr, flush=True)


def _member(plan: Plan, name: str, until: float) -> None:
    """Train one member until that time (seconds since the epoch)."""
    member = {**FAMILY, **ABLATIONS}[name]
    vocabulary = _vocabulary(plan)
    model = _new(plan, vocabulary, member.reads)
    model.language_model.load_state_dict(torch.load(plan.work / "language.pt", weights_only=True, map_location="cpu"))
    writer = Writer(vocabulary, model.sizes.visual_tokens)
    known = _symbols(vocabulary, writer)
    stages = seen(known, member.show, single=member.single, demonstrated=member.demonstrated, sets=member.sets)
    _train(plan, name, model, stages, writer, member, until - time.time(), plan.workers, reads=member.reads)


def _train(
    plan: Plan,
    name: str,
    model: TinyMmicl,
    stages: list[Stage],
    writer: Writer,
    member: Member | None,
    seconds: float,
    workers: int,
    *,
    reads: bool,
) -> None:
    torch.set_num_threads(1)
    started = time.time()
    splits: tuple[Split, Split] = ("train", "test")
    pools = {split: _pool(plan, split) for split in splits}
    lecturer = Lecturer(stages, pools["train"], writer, plan.tokens, plan.rows, f"{name} {plan.seed}", reads)
    tests = held_out(stages, pools["test"], writer, plan.tests, reads)
    device = torch.device(plan.device)
    model.to(device)
    sees = member is not None and member.show != ("none",)
    eyes = [_eyes(plan, model, split, device, sees, reads) for split in splits]
    recipe = Recipe(seconds - (time.time() - started), check_every=plan.check_every)
    both = _Both(*eyes)

    def keep() -> None:
        if member is not None:
            _write(plan, name, model.state_dict())

    learn(name, model, lecturer, stages, tests, both, recipe, workers, plan.work / f"{name}.pt", plan.say, keep)
    keep()


class _Both(Eyes):
    """Looks at the training pictures while the model learns, at the held-out ones while it is tested."""

    def __init__(self, train: Eyes, test: Eyes) -> None:
        self.model, self.train, self.test = train.model, train, test

    def __call__(self, batch: Batch) -> torch.Tensor | None:
        return (self.train if self.model.training else self.test)(batch)


def _eyes(plan: Plan, model: TinyMmicl, split: Split, device: torch.device, sees: bool, reads: bool) -> Eyes:
    if not sees:
        return Eyes(model, None, None, device)
    features = torch.load(plan.work / f"{split}.features", weights_only=True, mmap=True)
    pixels = torch.from_numpy(np.array(open_pixels(plan.work, split))) if reads else None
    if device.type == "cuda":
        features = features.to(device)
        pixels = None if pixels is None else pixels.to(device)
    return Eyes(model, features, pixels, device)


def _new(plan: Plan, vocabulary: Vocabulary, reads: bool) -> TinyMmicl:
    """Make fresh weights around the shared vision encoder; the same ones for the same seed."""
    torch.manual_seed(plan.seed)
    model = TinyMmicl(Sizes(vocabulary.size, reads))
    begin(model)
    model.vision_model.load_state_dict(torch.load(plan.work / "vision.pt", weights_only=True, map_location="cpu"))
    return model


def pack(plan: Plan, members: Sequence[str]) -> None:
    """Write the weights of each member's latest checkpoint, in bfloat16."""
    for name in members:
        path = plan.work / f"{name}.pt"
        if path.exists():
            _write(plan, name, torch.load(path, weights_only=True, map_location="cpu")["model"])


def _packed_words(plan: Plan) -> None:
    vocabulary = _vocabulary(plan)
    facts = {key: value for key, value in vars(vocabulary).items() if key != "source"}
    (plan.out / "tokenizer.json").write_text(vocabulary.source, encoding="utf-8")
    (plan.out / "vocabulary.json").write_text(json.dumps(facts), encoding="utf-8")


def _write(plan: Plan, name: str, weights: Mapping[str, torch.Tensor]) -> None:
    """Write weights in bfloat16."""
    halves = {key: weight.detach().to("cpu", torch.bfloat16).contiguous() for key, weight in weights.items()}
    partial = plan.out / f".{name}.partial"
    save_file(halves, partial)
    partial.replace(plan.out / f"{name}.safetensors")
