"""The original's way to train: fixed sizes, every picture encoded at every step, transformers' modules, plain AdamW."""

from __future__ import annotations

import gc
import resource
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.stage2.made import SIZES
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.data import Collator, RowSet
from mmeval.mmicl.training.index import Index
from mmeval.mmicl.training.progress import operations
from mmeval.mmicl.training.rows import IGNORED, TrainingRow

SLOTS, PROMPT, ANSWER = 12, 512, 128
"""Its fixed sizes: pictures, prompt tokens, answer tokens."""


def original(
    size: str,
    model: MmiclForConditionalGeneration,
    processor: MmiclProcessor,
    index: Index,
    data: RowSet,
    device: torch.device,
    peak: float | None,
) -> dict[str, Any]:
    """Train some steps the original's way; workers read its pictures, too."""
    batch, steps, warm = SIZES[size]["original"]["batch"], SIZES[size]["original"]["steps"], SIZES[size]["warm"]
    collate = Collator(processor, data)
    order = [numbers for numbers in LengthBatches(index, batch, 0) if len(numbers) == batch][: warm + steps]

    def padded(rows: list[TrainingRow]) -> dict[str, Tensor]:
        return _padded_as_the_original(collate(rows), collate(rows, for_generation=True)["pictures"], processor)

    loader = DataLoader(
        data, batch_sampler=order, collate_fn=padded, num_workers=SIZES[size]["workers"], pin_memory=peak is not None
    )
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    counted = torch.zeros(5)
    for step, inputs in enumerate(loader):
        if step == warm:
            _wait(device)
            start = time.perf_counter()
        counts = inputs.pop("counts")
        inputs = {key: value.to(device, non_blocking=True) for key, value in inputs.items()}
        with torch.autocast(device.type, torch.bfloat16):
            loss = model(**inputs).loss
        loss.backward()
        nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        counted += counts if step >= warm else 0
    _wait(device)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated()
        optimizer.zero_grad(set_to_none=True)
        del optimizer, loss, inputs
        gc.collect()
        torch.cuda.empty_cache()
    numbers = counted.tolist()
    operation_count = sum(operations(model, features=False).of(numbers).values())
    return {
        "way": f"original, batch: {batch}",
        "rate": batch * steps / seconds,
        "tokens": (numbers[1] + numbers[2]) / seconds,
        "memory": memory,
        "share": operation_count / seconds / peak if peak else None,
    }


def _padded_as_the_original(
    inputs: dict[str, Tensor], pictures: Tensor, processor: MmiclProcessor
) -> dict[str, Tensor]:
    """Pad in memory to 512 tokens, 128 for the answer, 12 pictures per sample; only real pictures are encoded."""

    def wide(name: str, width: int, filler: int) -> Tensor:
        return nn.functional.pad(inputs[name], (0, width - inputs[name].shape[1]), value=filler)

    pixels = inputs["pixel_values"]
    slot_pixels = torch.zeros(len(pictures), SLOTS, *pixels.shape[1:])
    positions = (pictures >= 0).nonzero()
    slot_pixels[positions[:, 0], positions[:, 1]] = pixels[pictures[pictures >= 0]]
    slots = torch.full((len(pictures), SLOTS), -1)
    slots[positions[:, 0], positions[:, 1]] = torch.arange(len(positions))
    return {
        "input_ids": wide("input_ids", PROMPT, processor.settings.pad_id),
        "attention_mask": wide("attention_mask", PROMPT, 0),
        "labels": wide("labels", ANSWER, IGNORED),
        "pictures": slots,
        "pixel_values": slot_pixels[positions[:, 0], positions[:, 1]],
        "counts": inputs["counts"],
    }


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
