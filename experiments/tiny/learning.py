"""The training loop: take one model through its stages in a given time, with regular tests and checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.tiny.batches import Batch, Lecturer, collate, loader
from experiments.tiny.checkpoint import resume, save
from experiments.tiny.eyes import Eyes
from experiments.tiny.network import TinyMmicl
from experiments.tiny.stages import Stage
from experiments.tiny.vocabulary import Vocabulary
from experiments.tiny.writing import Written
from mmeval.mmicl.training.trainable import pattern, unfreeze

LANGUAGE = r"language_model\..*"
"""The parameters that learn in words, before any picture."""
RIGHT = "right in "
"""Begins the names of test results in checkpoints."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast a model learns, and how often it is tested."""

    seconds: float
    """Wall-clock time of all stages together; a resumed run gets this time again."""
    rate: float = 1e-3
    warmup: int = 100
    cooling: float = 0.45
    """Share of the time, at the end, in which the rate falls along a cosine to a twentieth."""
    weight_decay: float = 0.01
    claims: float = 0.3
    """Weight of claimed words, next to the answers' weight of 1."""
    clip: float = 1.0
    check_every: int = 100
    save_every: float = 60.0
    """Seconds between checkpoints."""


def loss_of(
    model: TinyMmicl, rows: Tensor, ids: Tensor, weights: Tensor, states: Tensor | None, text: Tensor | None
) -> Tensor:
    """Return the sum of the tokens' cross-entropies times their weights [B, L]; see `Batch` and `TinyMmicl`."""
    visual = None if states is None else model.visual(states, text)
    scores = model(rows, visual)[:, :-1] @ model.table.T
    losses = functional.cross_entropy(scores.flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none")
    return (losses * weights[:, 1:].flatten()).sum()


def weights_of(learned: Tensor, claimed: Tensor, claims: float) -> Tensor:
    """Return weights [B, L] that make a sum of losses the answers' mean, plus `claims` times that of the claims."""
    learned, claimed = learned.float(), claimed.float()
    return learned / learned.sum().clamp(min=1) + claims * claimed / claimed.sum().clamp(min=1)


@torch.no_grad()
def right(model: TinyMmicl, lessons: Sequence[Written], eyes: Eyes, vocabulary: Vocabulary) -> float:
    """Return the share of lessons in which every learned token is the most likely one."""
    found, device = 0, model.table.device
    ordered = sorted(lessons, key=lambda one: len(one.ids))
    for start in range(0, len(ordered), 100):
        batch = collate(ordered[start : start + 100], vocabulary, eyes.pastes)
        with _autocast(device):
            states = eyes(batch)
            visual = None if states is None else model.visual(states, _text(model, batch))
            hidden = model(batch.rows.to(device), visual)[:, :-1]
            told = (hidden @ model.table.T).argmax(-1).cpu()
        wrong = (told != batch.ids[:, 1:]) & batch.learned[:, 1:]
        found += len(wrong) - int(wrong.any(1).sum())
    return found / max(1, len(lessons))


def _text(model: TinyMmicl, batch: Batch) -> Tensor | None:
    return batch.questions.to(model.table.device, non_blocking=True) if model.sizes.reads else None


class Stepper:
    """Takes training steps. On a GPU, the second step of each shape is recorded as a CUDA graph and then replayed."""

    def __init__(self, model: TinyMmicl, eyes: Eyes, recipe: Recipe) -> None:
        self.model, self.eyes, self.recipe = model, eyes, recipe
        self.device = model.table.device
        gpu = self.device.type == "cuda"
        self.learned = [weight for name, weight in model.named_parameters() if not name.startswith("vision_model.")]
        self.optimizer = torch.optim.AdamW(
            self.learned,
            lr=torch.tensor(recipe.rate, device=self.device) if gpu else recipe.rate,
            betas=(0.9, 0.98),
            weight_decay=recipe.weight_decay,
            fused=gpu,
            capturable=gpu,
        )
        if gpu:
            torch.cuda.set_stream(torch.cuda.Stream())  # type: ignore[no-untyped-call]  # recording needs its own
            reads = self.model.sizes.reads  # such a Q-Former's two lengths fail to compile in torch 2.11
            for layer in (*(() if reads else self.model.qformer.layers), *self.model.layers):
                layer.compile(dynamic=True)
        self.learns = ""
        self.let_learn("full")

    def let_learn(self, name: str) -> None:
        """Unfreeze that trainable set and freeze the rest."""
        if name != self.learns:
            let_learn(self.model, name)
            self.learns = name
            self.recorded: dict[tuple[torch.Size, ...], tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor] | None] = {}

    def __call__(self, batch: Batch, rate: float) -> Tensor:
        """Learn from a batch; return the loss."""
        for group in self.optimizer.param_groups:
            if self.device.type == "cuda":
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        ids, rows, learned, claimed = (one.to(self.device, non_blocking=True) for one in batch[:4])
        inputs = [rows, ids, weights_of(learned, claimed, self.recipe.claims)]
        with _autocast(self.device):
            states = self.eyes(batch)
        if states is not None:
            text = _text(self.model, batch)
            inputs += [states] if text is None else [states, text]
        if self.device.type == "cpu":
            return self._step(inputs)
        shapes = tuple(one.shape for one in inputs)
        if shapes not in self.recorded:
            self.recorded[shapes] = None
            return self._step(inputs)
        recorded = self.recorded[shapes] or self._record(inputs)
        graph, placed, loss = self.recorded[shapes] = recorded
        torch._foreach_copy_(placed, inputs)
        graph.replay()
        return loss

    def _step(self, inputs: Sequence[Tensor]) -> Tensor:
        rows, ids, weights, states, text = (*inputs, None, None)[:5]
        assert rows is not None and ids is not None and weights is not None
        with _autocast(self.device):
            loss = loss_of(self.model, rows, ids, weights, states, text)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.learned, self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def _record(self, inputs: Sequence[Tensor]) -> tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor]:
        placed = [one.clone() for one in inputs]
        graph = torch.cuda.CUDAGraph()
        pool = next((known[0].pool() for known in self.recorded.values() if known), None)
        # thread_local: the thread that pins batches may use the GPU meanwhile
        with torch.cuda.graph(graph, pool, torch.cuda.current_stream(), capture_error_mode="thread_local"):
            loss = self._step(placed)
        return graph, placed, loss


def unpaced(step: int) -> bool:
    """Let a model train at its own pace."""
    return True


def learn(
    name: str,
    model: TinyMmicl,
    lecturer: Lecturer,
    stages: Sequence[Stage],
    tests: Mapping[str, list[Written]],
    eyes: Eyes,
    recipe: Recipe,
    workers: int,
    checkpoint: Path,
    say: Callable[[str], None],
    keep: Callable[[], None] = lambda: None,
    pace: Callable[[int], bool] = unpaced,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train each stage's trainable set in place until the time is over; resume from the checkpoint if there is one.

    `pace` is called before each step. It may wait, and ends the training by returning False.
    """
    vocabulary = lecturer.writer.vocabulary
    stepper = Stepper(model, eyes, recipe)
    state = resume(checkpoint, model, stepper.optimizer)
    step, stage, spent = int(state.get("step", 0)), int(state.get("stage", 0)), state.get("spent", 0.0)
    shares = {key.removeprefix(RIGHT): value for key, value in state.items() if key.startswith(RIGHT)}
    lecturer.now.value = stage
    lecturer.weigh(shares)
    stepper.let_learn(stages[stage].learns)
    start = saved = clock()
    end = spent + recipe.seconds
    total = torch.zeros((), device=model.table.device)
    for batch in loader(lecturer, workers):
        passed = spent + clock() - start
        if passed >= end or not pace(step):
            break
        total += stepper(batch, recipe.rate * _share(step, passed / end, recipe))
        step += 1
        if step % recipe.check_every == 0:
            found = _tested(model, _due(stages[stage], step, recipe), tests, eyes, vocabulary)
            shares |= found
            lecturer.weigh(found)
            line = {"step": step, "stage": stages[stage].name, "seconds": round(passed, 1)}
            say(json.dumps({"model": name, **line, "loss": round(float(total) / recipe.check_every, 4), **found}))
            total.zero_()
            over = passed > stages[stage].until * end
            if stage + 1 < len(stages) and (over or min(found.values(), default=0) >= stages[stage].mark):
                stage += 1
                lecturer.now.value = stage
                stepper.let_learn(stages[stage].learns)
                say(json.dumps({"model": name, "begins": stages[stage].name, "step": step, "passed": not over}))
        if clock() - saved > recipe.save_every:
            saved = clock()
            save(checkpoint, model, stepper.optimizer, _facts(step, stage, spent + saved - start, shares))
            keep()
    save(checkpoint, model, stepper.optimizer, _facts(step, stage, end, shares))
    say(json.dumps({"model": name, "step": step, "stage": "end", **_tested(model, tests, tests, eyes, vocabulary)}))


def _facts(step: int, stage: int, spent: float, shares: Mapping[str, float]) -> dict[str, float]:
    """Return what a checkpoint holds besides weights; `shares` are the latest results of the tests."""
    return {"step": step, "stage": stage, "spent": spent, **{f"{RIGHT}{name}": share for name, share in shares.items()}}


def _due(stage: Stage, step: int, recipe: Recipe) -> Iterable[str]:
    """Return the tests due at this step; the last stage has many and does not wait for them, so it runs them rarely."""
    return () if stage.mark > 1 and step % (5 * recipe.check_every) else stage.tests


def _tested(
    model: TinyMmicl, due: Iterable[str], tests: Mapping[str, list[Written]], eyes: Eyes, vocabulary: Vocabulary
) -> dict[str, float]:
    """Return the share of right lessons in each test."""
    model.train(False)
    with torch.compiler.set_stance("force_eager"):  # too few batches to compile for
        found = {test: round(right(model, tests[test], eyes, vocabulary), 3) for test in due}
    model.train()
    return found


def let_learn(model: TinyMmicl, name: str) -> None:
    """Unfreeze that trainable set and freeze the rest."""
    unfreeze(model, LANGUAGE if name == "language" else pattern(name, "llama"))


def _autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


def _share(step: int, progress: float, recipe: Recipe) -> float:
    """Return the share of the full rate: warm-up by steps, then a cosine decay by time at the end."""
    warm = min(1.0, (step + 1) / recipe.warmup)
    down = max(0.0, (progress - 1 + recipe.cooling) / recipe.cooling)
    return warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, down))))
