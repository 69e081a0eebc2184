"""Take a training's rates between two steps, and divide the time of later steps by part."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback

from mmeval.mmicl.training.trainer import MmiclTrainer


class Watch(TrainerCallback):
    """Takes the rates of the steps from `warm` to `end`, and divides the time after `end` by part."""

    def __init__(self, trainer: MmiclTrainer, warm: int, end: int) -> None:
        self.trainer, self.warm, self.end = trainer, warm, end
        self.rates: dict[str, float] = {}
        self.marks: list[tuple[str, Any]] = []
        model = trainer.model
        parts: list[tuple[str, nn.Module]] = [("vision", model.vision_model), ("Q-Former", model.qformer)]
        if model.config.decoder_only:
            parts.append(("language model", model.language_model.model))
        else:
            parts += [("encoder", model.language_model.encoder), ("decoder", model.language_model.decoder)]
        self.hooks = []
        for name, module in parts:
            self.hooks.append(module.register_forward_pre_hook(lambda *_: self.mark("embedding, copies")))
            self.hooks.append(module.register_forward_hook(lambda *_, name=name: self.mark(name)))
        self.loss = trainer.compute_loss

        def compute_loss(*positional: Any, **named: Any) -> Tensor:
            loss = self.loss(*positional, **named)
            self.mark("head and loss")
            return loss

        trainer.compute_loss = compute_loss  # type: ignore[method-assign]

    def close(self) -> None:
        """Remove the hooks."""
        for hook in self.hooks:
            hook.remove()
        self.trainer.compute_loss = self.loss  # type: ignore[method-assign]

    def mark(self, name: str) -> None:
        """Record that the time since the last mark was spent on `name`."""
        if self.trainer.state.global_step < self.end:
            return
        if torch.cuda.is_available():
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            self.marks.append((name, event))
        else:
            self.marks.append((name, time.perf_counter()))

    def parts(self) -> dict[str, float]:
        """Return the milliseconds per step by part."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        spent: Counter[str] = Counter()
        for (_, before), (name, now) in zip(self.marks, self.marks[1:], strict=False):
            spent[name] += before.elapsed_time(now) if torch.cuda.is_available() else 1000 * (now - before)
        steps = max(1, sum(name == "the rest" for name, _ in self.marks) - 1)
        return {name: milliseconds / steps for name, milliseconds in spent.items()}

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Count the time between steps as waiting for data."""
        self.mark("waiting for data")

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        """Count the time before as the backward pass."""
        self.mark("backward, clipping")

    def on_optimizer_step(self, *_: Any, **__: Any) -> None:
        """Count the optimizer."""
        self.mark("optimizer")

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Take the rates at both ends of the measured steps."""
        step = self.trainer.state.global_step
        if step in (self.warm, self.end):
            self.rates = self.trainer.progress.rates()
        self.mark("the rest")
