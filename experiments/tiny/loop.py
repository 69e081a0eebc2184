"""The vision encoder's training loop: AdamW with warm-up and cosine decay, on the CPU, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.tiny.checkpoint import resume, save
from experiments.tiny.stepping import autocast
from experiments.tiny.stopping import stoppable


@dataclass(frozen=True)
class Recipe:
    """How long and how fast a stage learns."""

    steps: int
    batch: int
    learning_rate: float = 1e-3
    warmup: int = 300
    weight_decay: float = 0.01
    clip: float = 1.0
    check_every: int = 1000
    """Steps between checks on held-out data, each followed by a checkpoint."""


def fit(
    module: nn.Module,
    parameters: list[nn.Parameter],
    loss_of: Callable[[int], Tensor],
    recipe: Recipe,
    checkpoint: Path,
    check: Callable[[], str],
) -> None:
    """Train `parameters` of `module` for the recipe's steps; `loss_of(step)` draws that step's batch.

    `checkpoint` is written after every check, and on SIGINT or SIGTERM, which end the training with KeyboardInterrupt;
    if it exists, training resumes from it.
    """
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.98), weight_decay=recipe.weight_decay)
    start = int(resume(checkpoint, module, optimizer).get("step", 0))
    average, clock = math.nan, time.monotonic()
    with stoppable() as stop:
        for step in range(start, recipe.steps):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * _schedule(step, recipe)
            with autocast(torch.device("cpu")):
                loss = loss_of(step)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            average = loss.item() if math.isnan(average) else 0.99 * average + 0.01 * loss.item()
            if stop.number:
                save(checkpoint, module, optimizer, {"step": step + 1})
                print(f"stopped after step {step + 1}: {checkpoint}", flush=True)
                break
            if (step + 1) % recipe.check_every == 0 or step + 1 == recipe.steps:
                rate = recipe.batch * ((step % recipe.check_every) + 1) / (time.monotonic() - clock)
                module.eval()
                with torch.no_grad():
                    print(f"{step + 1}/{recipe.steps} loss {average:.3f} {rate:.0f}/s {check()}", flush=True)
                module.train()
                save(checkpoint, module, optimizer, {"step": step + 1})
                clock = time.monotonic()


def _schedule(step: int, recipe: Recipe) -> float:
    """Return the share of the full learning rate: linear warm-up, then a cosine to a twentieth."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))
