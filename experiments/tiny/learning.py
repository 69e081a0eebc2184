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
from experiments.tiny.writing import Written
from mmeval.mmicl.training.trainable import pattern, unfreeze

LANGUAGE = r"language_model\..*"
"""The parameters that learn in words, before any picture."""


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


def logits(model: TinyMmicl, batch: Batch, eyes: Eyes, placeholder: int) -> tuple[Tensor, Tensor]:
    """Return logits [N, W] and targets [N] of the learned tokens."""
    states = model(batch.ids.to(model.table.device), placeholder, eyes(batch))
    return _logits(model, states, batch, batch.learned)


def loss_of(model: TinyMmicl, batch: Batch, eyes: Eyes, placeholder: int, claims: float) -> Tensor:
    """Return the mean cross-entropy of the answers, plus `claims` times that of the claims."""
    states = model(batch.ids.to(model.table.device), placeholder, eyes(batch))
    loss = _surprise(model, states, batch, batch.learned)
    if claims and batch.claimed.any():
        loss = loss + claims * _surprise(model, states, batch, batch.claimed)
    return loss


def _logits(model: TinyMmicl, states: Tensor, batch: Batch, which: Tensor) -> tuple[Tensor, Tensor]:
    ids, which = batch.ids[:, 1:].to(states.device), which[:, 1:].to(states.device)
    return states[:, :-1][which] @ model.table.T, ids[which]


def _surprise(model: TinyMmicl, states: Tensor, batch: Batch, which: Tensor) -> Tensor:
    scores, wanted = _logits(model, states, batch, which)
    return functional.cross_entropy(scores.float(), wanted)


@torch.no_grad()
def right(model: TinyMmicl, lessons: Sequence[Written], eyes: Eyes, placeholder: int) -> float:
    """Return the share of lessons in which every learned token is the most likely one."""
    found = 0
    ordered = sorted(lessons, key=lambda one: len(one.ids))
    for start in range(0, len(ordered), 100):
        batch = collate(ordered[start : start + 100])
        with _autocast(model.table.device):
            scores, wanted = logits(model, batch, eyes, placeholder)
        wrong = (scores.argmax(-1) != wanted).cpu()
        rows = torch.nonzero(batch.learned[:, 1:])[:, 0]
        found += len(batch.ids) - len(torch.unique(rows[wrong]))
    return found / max(1, len(lessons))


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
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train each stage's trainable set in place until the time is over; resume from the checkpoint if there is one."""
    placeholder = lecturer.writer.vocabulary.placeholder
    device = model.table.device
    learned = [weight for name, weight in model.named_parameters() if not name.startswith("vision_model.")]
    optimizer = torch.optim.AdamW(
        learned, lr=recipe.rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay, fused=device.type == "cuda"
    )
    state = resume(checkpoint, model, optimizer)
    step, stage, spent = int(state.get("step", 0)), int(state.get("stage", 0)), state.get("spent", 0.0)
    lecturer.now.value = stage
    let_learn(model, stages[stage].learns)
    start = saved = clock()
    end = spent + recipe.seconds
    total = torch.zeros((), device=device)
    for batch in loader(lecturer, workers):
        passed = spent + clock() - start
        if passed >= end:
            break
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * _share(step, passed / end, recipe)
        with _autocast(device):
            loss = loss_of(model, batch, eyes, placeholder, recipe.claims)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learned, recipe.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.detach()
        step += 1
        if step % recipe.check_every == 0:
            found = _tested(model, _due(stages[stage], step, recipe), tests, eyes, placeholder)
            line = {"step": step, "stage": stages[stage].name, "seconds": round(passed, 1)}
            say(json.dumps({"model": name, **line, "loss": round(float(total) / recipe.check_every, 4), **found}))
            total.zero_()
            over = passed > stages[stage].until * end
            if stage + 1 < len(stages) and (over or min(found.values(), default=0) >= stages[stage].mark):
                stage += 1
                lecturer.now.value = stage
                let_learn(model, stages[stage].learns)
                say(json.dumps({"model": name, "begins": stages[stage].name, "step": step, "passed": not over}))
        if clock() - saved > recipe.save_every:
            saved = clock()
            save(checkpoint, model, optimizer, {"step": step, "stage": stage, "spent": spent + saved - start})
            keep()
    save(checkpoint, model, optimizer, {"step": step, "stage": stage, "spent": end})
    say(json.dumps({"model": name, "step": step, "stage": "end", **_tested(model, tests, tests, eyes, placeholder)}))


def _due(stage: Stage, step: int, recipe: Recipe) -> Iterable[str]:
    """Return the tests due at this step; the last stage has many and does not wait for them, so it runs them rarely."""
    return () if stage.mark > 1 and step % (10 * recipe.check_every) else stage.tests


def _tested(
    model: TinyMmicl, due: Iterable[str], tests: Mapping[str, list[Written]], eyes: Eyes, placeholder: int
) -> dict[str, float]:
    """Return the share of right lessons in each test."""
    model.train(False)
    found = {test: round(right(model, tests[test], eyes, placeholder), 3) for test in due}
    model.train()
    return found


def let_learn(model: TinyMmicl, name: str) -> None:
    """Unfreeze that trainable set and freeze the rest."""
    unfreeze(model, LANGUAGE if name == "language" else pattern(name, "llama"))


def _autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16)


def _share(step: int, progress: float, recipe: Recipe) -> float:
    """Return the share of the full rate: warm-up by steps, then a cosine decay by time at the end."""
    warm = min(1.0, (step + 1) / recipe.warmup)
    down = max(0.0, (progress - 1 + recipe.cooling) / recipe.cooling)
    return warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, down))))
