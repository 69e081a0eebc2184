"""Training steps: the loss of a batch, the trainable sets, and on a GPU steps that are recorded once and replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.tiny.batches import Batch
from experiments.tiny.eyes import Eyes
from experiments.tiny.network import TinyMmicl
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


def loss_of(
    model: TinyMmicl, rows: Tensor, ids: Tensor, weights: Tensor, states: Tensor | None, text: Tensor | None
) -> Tensor:
    """Return the sum of the tokens' cross-entropies times their weights [B, L]; see `Batch` and `TinyMmicl`."""
    visual = None if states is None else model.visual(states, text)
    states, ids, weights = model(rows, visual)[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), weights[:, 1:].flatten()
    if states.device.type == "cpu":  # on a GPU, a recorded step needs fixed shapes
        counted = weights.nonzero().squeeze(1)
        states, ids, weights = states[counted], ids[counted], weights[counted]
    losses = functional.cross_entropy((states @ model.table.T).float(), ids, reduction="none")
    return (losses * weights).sum()


def weights_of(learned: Tensor, claimed: Tensor, claims: float) -> Tensor:
    """Return weights [B, L] that make a sum of losses the answers' mean, plus `claims` times that of the claims."""
    learned, claimed = learned.float(), claimed.float()
    return learned / learned.sum().clamp(min=1) + claims * claimed / claimed.sum().clamp(min=1)


class Stepper:
    """Takes training steps. On a GPU, the second step of each shape is recorded as a CUDA graph and then replayed.

    Steps whose gradients are not finite leave the weights alone; `skipped` counts them.
    """

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
        self.skipped = torch.zeros((), device=self.device)
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
        ids, rows, learned, claimed = (tensor.to(self.device, non_blocking=True) for tensor in batch[:4])
        inputs = [rows, ids, weights_of(learned, claimed, self.recipe.claims)]
        with autocast(self.device):
            states = self.eyes(batch)
        if states is not None:
            text = text_of(self.model, batch)
            inputs += [states] if text is None else [states, text]
        if self.device.type == "cpu":
            return self._step(inputs)
        shapes = tuple(tensor.shape for tensor in inputs)
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
        with autocast(self.device):
            loss = loss_of(self.model, rows, ids, weights, states, text)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.learned, self.recipe.clip)
        broken = (~norm.isfinite()).float()
        self.skipped += broken
        if self.device.type == "cuda":  # a recorded step cannot branch; the fused optimizer does nothing if this is 1
            self.optimizer.found_inf = broken  # type: ignore[attr-defined]  # as torch.amp.GradScaler does
            self.optimizer.step()
        elif not broken:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach().nan_to_num(0.0, 0.0, 0.0)

    def _record(self, inputs: Sequence[Tensor]) -> tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor]:
        placed = [tensor.clone() for tensor in inputs]
        graph = torch.cuda.CUDAGraph()
        pool = next((recorded[0].pool() for recorded in self.recorded.values() if recorded), None)
        # thread_local: the thread that pins batches may use the GPU meanwhile
        with torch.cuda.graph(graph, pool, torch.cuda.current_stream(), capture_error_mode="thread_local"):
            loss = self._step(placed)
        return graph, placed, loss


def text_of(model: TinyMmicl, batch: Batch) -> Tensor | None:
    """Return the questions [B, Q] for a Q-Former that reads."""
    return batch.questions.to(model.table.device, non_blocking=True) if model.sizes.reads else None


def let_learn(model: TinyMmicl, name: str) -> None:
    """Unfreeze that trainable set and freeze the rest."""
    unfreeze(model, LANGUAGE if name == "language" else pattern(name, "llama"))


def autocast(device: torch.device) -> torch.autocast:
    """Compute in bfloat16, except on CPUs without instructions for it, where it is several times slower than float32.

    No casts are kept: a recorded step must make its own.
    """
    capabilities = {} if device.type != "cpu" else torch.cpu.get_capabilities()
    supported = device.type != "cpu" or capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.autocast(device.type, torch.bfloat16, enabled=bool(supported), cache_enabled=False)
