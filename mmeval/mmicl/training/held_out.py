"""Held-out questions: answered by generation, scored by loss, divided among processes; chooses the best checkpoint."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.utils import gather_object  # type: ignore[import-untyped]
from torch import Tensor

from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.training.arguments import LOSS, METRIC
from mmeval.mmicl.training.data import Collator
from mmeval.mmicl.training.loss import summed_loss
from mmeval.mmicl.training.rows import TrainingRow, answer_labels

Question = tuple[TrainingRow, str]
"""A prompt and the expected answer as text."""
Measures = Callable[[Sequence[tuple[str, str]]], dict[str, float]]
"""Further measures, computed from pairs of a generated and an expected answer."""
BATCH = 16


@dataclass(frozen=True)
class HeldOut:
    """The questions, and how they are asked."""

    questions: Sequence[Question]
    collator: Collator
    max_new_tokens: int
    measures: Measures | None = None
    """Called with the generated and expected answers of all processes."""

    def __len__(self) -> int:
        return len(self.questions)

    def evaluate(
        self, model: MmiclForConditionalGeneration, accelerator: Accelerator, sharded: bool
    ) -> dict[str, float]:
        """Return the share of right answers, their loss, and the results of `measures`. Every process must call it.

        All processes run the same number of batches, because gathering a model's shards needs every process. Compiled
        blocks run as they are: other lengths and a cache would compile them again and again, and beyond torch's limit
        they would stay uncompiled in training, too.
        """
        rank, world = accelerator.process_index, accelerator.num_processes
        process_questions = list(self.questions[rank::world])
        written: list[tuple[str, str]] = []
        sums = torch.zeros(4, device=accelerator.device)
        # autocast if the frozen parameters have a narrower dtype than those that learn
        mixed = len({parameter.dtype for parameter in model.parameters()}) > 1
        model.train(False)
        autocast = accelerator.autocast() if mixed else nullcontext()
        with torch.no_grad(), autocast, torch.compiler.set_stance("force_eager"):
            for start in range(0, -(-len(self.questions) // world), BATCH):
                part = process_questions[start : start + BATCH]
                batch = part or self.questions[:1]
                texts = self._written(model, batch, accelerator.device, sharded)
                total, learned = self._loss(model, batch, accelerator.device)
                pairs = [(text, answer) for text, (_, answer) in zip(texts, part, strict=False)]
                right = sum(_plain(text) == _plain(answer) for text, answer in pairs)
                sums += torch.tensor([right, len(part), float(total) * bool(part), learned * bool(part)]).to(sums)
                written += pairs
        model.train()
        right, count, total, learned = accelerator.reduce(sums, "sum").tolist()
        metrics = {METRIC: right / max(1, count), LOSS: total / max(1, learned)}
        return metrics | (self.measures(gather_object(written)) if self.measures is not None else {})

    def _written(
        self, model: MmiclForConditionalGeneration, part: Sequence[Question], device: torch.device, sharded: bool
    ) -> list[str]:
        batch = self.collator([row for row, _ in part], for_generation=True)
        batch = {key: value.to(device) for key, value in batch.items()}
        ids = model.generate(**batch, max_new_tokens=self.max_new_tokens, do_sample=False, synced_gpus=sharded)
        return self.collator.processor.batch_decode(ids)

    def _loss(
        self, model: MmiclForConditionalGeneration, part: Sequence[Question], device: torch.device
    ) -> tuple[Tensor, int]:
        rows = [row for row, _ in part]
        if model.config.decoder_only:
            rows = [replace(row, ids=row.ids + row.labels, labels=answer_labels(row.ids, row.labels)) for row in rows]
        batch = {key: value.to(device) for key, value in self.collator(rows).items() if key != "counts"}
        return summed_loss(model, model.config, batch)


def is_better(
    metrics: Mapping[str, float], best: float | None, log: Sequence[Mapping[str, Any]], best_step: int | None
) -> bool:
    """Tell whether a checkpoint has more right answers than the `best` (step `at`), or as many and no greater loss."""
    if best is None:
        return True
    losses = [entry[f"eval_{LOSS}"] for entry in log if entry["step"] == best_step and f"eval_{LOSS}" in entry]
    before = float(losses[-1]) if losses else math.inf
    return (metrics[f"eval_{METRIC}"], -metrics[f"eval_{LOSS}"]) >= (best, -before)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix(".").strip()
