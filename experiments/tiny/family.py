"""Train the members of the tiny family: the stages `words`, `learn` and `pack` of `python -m experiments.tiny`."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait
from typing import Any, cast

import numpy as np
import torch
from tokenizers import Tokenizer

from experiments.tiny.batches import Lecturer, held_out
from experiments.tiny.beginning import begin
from experiments.tiny.checkpoint import begin_with, load_weights, read_weights, write_weights
from experiments.tiny.drawing import open_features, open_pixels
from experiments.tiny.eyes import Eyes, TrainAndTest
from experiments.tiny.learning import learn, unpaced
from experiments.tiny.members import Member, member_of
from experiments.tiny.network import TinyMmicl
from experiments.tiny.pace import FAILED, Pace
from experiments.tiny.plan import Plan
from experiments.tiny.preparing import pools_of
from experiments.tiny.sizes import sizes_of
from experiments.tiny.stages import Stage, seen, words
from experiments.tiny.stepping import Recipe
from experiments.tiny.stopping import status
from experiments.tiny.vocabulary import Vocabulary, check_words
from experiments.tiny.writing import Writer
from mmeval.embedded.world.view import Split
from mmeval.machine import cores
from mmeval.types import InputError

WORDS_SHARE = 0.3
"""The language model's share of the time left after drawing."""
LAST = 20.0
"""Seconds reserved for the last tests and for packing."""
UNSPEAKABLE = {"image", "this", "is", "the", "which", "color", "or", "it", "and", "a", "an"}
"""Words of questions that must not become names."""


def train_words(plan: Plan) -> None:
    """Train the language model that all members share."""
    file = plan.work / "language.safetensors"
    if file.exists():
        return
    model, writer = _new(plan, plan.seed, reads=False)
    seconds = WORDS_SHARE * (plan.left() - LAST)
    workers = min(10, max(1, cores() - 2))
    member = Member(("none",))
    _train(plan, "words", plan.seed, model, writer, words(speakable(writer)), member, seconds, workers)
    write_weights(file, model.language_model.state_dict())


def train_members(plan: Plan, members: Sequence[str]) -> None:
    """Train the members: all at once and for equally many steps on a GPU; on a CPU in turn, with equal times.

    Raises InputError if the weights to begin with have another vocabulary.
    """
    if plan.weights:
        check_words(Vocabulary.load(plan.out), plan.weights)
    left = plan.left() - LAST
    if plan.device == "cpu":
        for name in members:
            in_process(_member, plan, name, time.time() + left / len(members))
        return
    steps = multiprocessing.get_context("spawn").Array("q", len(members))
    until = time.time() + left
    processes = [
        _started(_member, plan, name, until, Pace(index, cast(Any, steps), until)) for index, name in enumerate(members)
    ]

    def fail(index: int) -> None:
        steps[index] = FAILED  # it may have been killed before it could tell the others

    _join(processes, fail)


def in_process(run: Callable[..., None], *arguments: object) -> None:
    """Call it in a separate process, which frees its memory. If it fails, this process ends with its exit status."""
    _join([_started(run, *arguments)])


def _started(run: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_called, args=(run, *arguments), name=run.__name__)
    process.start()
    return process


def _called(run: Callable[..., None], *arguments: object) -> None:
    """Call it; end this process with a sentence and status 2 if an input is wrong, and quietly if it is interrupted."""
    try:
        run(*arguments)
    except InputError as error:
        print(f"python -m experiments.tiny: error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
    except KeyboardInterrupt as interrupted:
        sys.exit(status(interrupted))


def _join(
    processes: Sequence[multiprocessing.process.BaseProcess], on_failure: Callable[[int], None] = lambda index: None
) -> None:
    """Wait for the processes, and end them if this one is ended. If one fails, end this one with its exit status.

    `on_failure` is called with the index of each that fails, as soon as it has.
    """
    running = {process.sentinel: index for index, process in enumerate(processes)}
    try:
        while running:
            for sentinel in wait(list(running)):
                index = running.pop(cast(int, sentinel))
                processes[index].join()
                if processes[index].exitcode:
                    on_failure(index)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:  # they write their checkpoints
            process.join()
    for process in processes:
        code = process.exitcode
        if code == 2:  # its sentence is enough
            sys.exit(code)
        if code:
            print(f"{process.name} ended with exit status {code}; its own message is above", file=sys.stderr)
            sys.exit(code if code > 0 else 128 - code)  # as a shell counts signals


def _member(plan: Plan, name: str, until: float, pace: Pace | None = None) -> None:
    """Train one member until that time (seconds since the epoch)."""
    member, seed = member_of(name)
    failed = True
    try:
        model, writer = _new(plan, plan.seed + seed, member.reads)
        stages = seen(
            speakable(writer), member.show, single=member.single, demonstrated=member.demonstrated, sets=member.sets
        )
        if plan.weights:
            begin_with(model, plan.weights)
        else:
            language = plan.work / "language.safetensors"
            load_weights(model.language_model, read_weights(language), language)
        first = next(index for index, stage in enumerate(stages) if not plan.weights or stage.mark > 1)
        seconds = until - time.time()
        _train(
            plan, name, plan.seed + seed, model, writer, stages, member, seconds, plan.workers, first, pace or unpaced
        )
        failed = False
    finally:
        if pace:
            pace.end(failed)


def _train(
    plan: Plan,
    name: str,
    seed: int,
    model: TinyMmicl,
    writer: Writer,
    stages: list[Stage],
    member: Member,
    seconds: float,
    workers: int,
    first: int = 0,
    pace: Callable[[int], bool] = unpaced,
) -> None:
    torch.set_num_threads(1)
    started = time.time()
    pools = pools_of(plan)
    device = torch.device(plan.device)
    lecturer = Lecturer(
        stages, pools["train"], writer, plan.tokens, plan.rows, f"{name} {seed}", member.reads,
        fixed=device.type == "cuda",
    )  # fmt: skip
    tests = held_out(stages, pools["test"], writer, plan.tests, member.reads)
    model.to(device)
    eyes = TrainAndTest(_eyes(plan, model, "train", member), _eyes(plan, model, "test", member))
    recipe = Recipe(seconds - (time.time() - started), plan.rate, check_every=plan.check_every)
    checkpoint = plan.work / f"{name}.safetensors"

    def keep() -> None:
        if name != "words":
            _write(plan, name, model.state_dict())

    learn(name, model, lecturer, stages, tests, eyes, recipe, workers, checkpoint, plan.say, keep, first, pace)
    keep()


def _eyes(plan: Plan, model: TinyMmicl, split: Split, member: Member) -> Eyes:
    device = model.table.device
    if member.show == ("none",):
        return Eyes(model, None, None, device)
    features = open_features(plan.work, split)
    pixels = torch.from_numpy(np.array(open_pixels(plan.work, split))) if member.reads else None
    if device.type == "cuda":
        features = features.to(device)
        pixels = None if pixels is None else pixels.to(device)
    return Eyes(model, features, pixels, device)


def _new(plan: Plan, seed: int, reads: bool) -> tuple[TinyMmicl, Writer]:
    """Make new weights around the shared vision encoder, the same for the same seed, and a writer for them."""
    vocabulary = Vocabulary.load(plan.out)
    torch.manual_seed(seed)
    model = TinyMmicl(sizes_of(vocabulary.size, reads, plan.small))
    begin(model)
    load_weights(model.vision_model, read_weights(plan.encoder), plan.encoder)
    return model, Writer(vocabulary, model.sizes.visual_tokens)


def speakable(writer: Writer) -> list[str]:
    """Return the words that may name anything: one token each, letters only."""
    vocabulary = Tokenizer.from_str(writer.vocabulary.source).get_vocab(with_added_tokens=False)
    return sorted(
        word for word in vocabulary
        if word.isalpha() and word.islower() and len(word) > 1 and word not in UNSPEAKABLE
        and len(writer.tokens(word)) == 1
    )  # fmt: skip


def pack(plan: Plan, members: Sequence[str]) -> None:
    """Write the weights of each member's latest checkpoint, in bfloat16. Print which members have none."""
    prefix = "model."
    for name in members:
        path = plan.work / f"{name}.safetensors"
        if not path.exists():
            plan.say(json.dumps({"not packed": name, "no checkpoint": str(path)}))
            continue
        tensors = read_weights(path).items()
        _write(plan, name, {key.removeprefix(prefix): value for key, value in tensors if key.startswith(prefix)})


def _write(plan: Plan, name: str, weights: Mapping[str, torch.Tensor]) -> None:
    """Write weights in bfloat16."""
    write_weights(plan.out / f"{name}.safetensors", {key: weight.bfloat16() for key, weight in weights.items()})
