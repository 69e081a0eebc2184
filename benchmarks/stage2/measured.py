"""Measure stage II's ways one after the other on one model: the original's, and the Trainer of `mmeval train`."""

from __future__ import annotations

import gc
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped]

from benchmarks.stage2.made import SIZES, make_model, make_processor
from benchmarks.stage2.original import PROMPT, SLOTS, original
from benchmarks.stage2.watch import Watch
from mmeval.mmicl.fused import compile_blocks, fuse
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.arguments import arguments
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.data import Collator, RowSet
from mmeval.mmicl.training.features import Features, complete, open_features
from mmeval.mmicl.training.held_out import HeldOut
from mmeval.mmicl.training.index import Index, make_index
from mmeval.mmicl.training.pictures import read_picture
from mmeval.mmicl.training.rows import Rows
from mmeval.mmicl.training.trainable import select
from mmeval.mmicl.training.trainer import MmiclTrainer

FAILED = "failed"
"""Why a way has no rate if it ended with an error, which is printed."""


def measured(
    size: str, folder: Path, ways: Sequence[str], ours: Sequence[dict[str, Any]], until: float
) -> Iterator[dict[str, Any]]:
    """Measure the ways one after the other on one model, and yield each result.

    Only the first may begin after `until`, because making the model may take most of the time.
    """
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    PartialState(cpu=device.type == "cpu")
    peak = _matmul_peak() if device.type == "cuda" else None
    if peak:
        print(f"(matrix products of 8192 in bfloat16: {peak / 1e12:.0f} TFLOP/s)", file=sys.stderr)
    model = make_model(size, device)
    processor = make_processor(model.config.decoder_only)
    select(model, "paper")
    if device.type == "cuda":
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()
    rows = Rows(processor, model.config.decoder_only)
    files = [str(folder / "train.jsonl")]
    index = make_index(files, rows, max_tokens=PROMPT, max_pictures=SLOTS, left_out=None, allow_missing=0, workers=1)
    data = RowSet(files, index, rows)
    first = True
    if "original" in ways and "original" in SIZES[size]:
        first = False
        yield tried("original", device, partial(original, size, model, processor, index, data, device, peak))
    if "ours" not in ways:
        return
    if device.type == "cpu":
        model.language_model.set_attn_implementation("eager")  # as training does
    features = open_features(folder / f"features-{size}", model)
    complete(features, model, sorted(index.images), lambda path: read_picture(path, processor))
    fuse(model.language_model)
    compiled: list[object] = []
    """What is recomputed in the ways that were compiled so far."""
    for changes in ours:
        name = "ours, " + ", ".join(f"{key}: {value}" for key, value in changes.items())
        if not first and time.perf_counter() > until:
            yield {"way": name, "why": "no time left"}
            continue
        first = False
        if changes.get("compile"):
            if not compiled:
                compile_blocks(model.language_model)
            recomputed = changes.get("gradient_checkpointing")
            if recomputed not in compiled:  # each takes four of the eight compilations that torch allows
                torch.compiler.reset()
                compiled.append(recomputed)
        yield tried(name, device, partial(_ours, size, folder, changes, model, processor, index, data, features, peak))
        if changes.get("gradient_checkpointing"):
            model.activation_checkpointing_disable()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            model.zero_grad(set_to_none=True)
            gc.collect()
            torch.cuda.empty_cache()


def tried(way: str, device: torch.device, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a way's result, or why it has none."""
    try:
        return {"way": way, **run()}
    except torch.OutOfMemoryError:
        return {"way": way, "why": "does not fit"}
    except Exception:  # one way's failure must not cost the others a GPU's time
        if device.type == "cpu":
            raise
        traceback.print_exc()
        return {"way": way, "why": FAILED}


def _ours(
    size: str,
    folder: Path,
    changes: dict[str, Any],
    model: MmiclForConditionalGeneration,
    processor: MmiclProcessor,
    index: Index,
    data: RowSet,
    features: Features,
    peak: float | None,
) -> dict[str, Any]:
    """Train some steps with the Trainer of `mmeval train`, without checkpoints; time the last steps by part."""
    cuda = torch.cuda.is_available()
    warm, steps, divided = SIZES[size]["warm"], SIZES[size]["steps"], 3
    config = Config(
        model="made",
        data=tuple(data.files),
        output=str(folder / "out"),
        trainable="paper",
        learning_rate=1e-5,
        workers=SIZES[size]["workers"],
        log_every=1_000_000,
        steps=warm + steps + divided,
        **changes,
    )
    settings = arguments(config, evaluates=False)
    settings.save_strategy = "no"
    collator = Collator(processor, data, features, multiple=8 if cuda else 1)
    trainer = MmiclTrainer(
        model=model,
        args=settings,
        train_dataset=data,
        data_collator=collator,
        facts={},
        batches=LengthBatches(index, config.batch, config.seed, largest=2, tokens=config.batch_tokens),
        held_out=HeldOut([], collator, 1),
        say=lambda line: None,
        start=None,
    )
    trainer.progress.peak = peak
    watch = Watch(trainer, warm, warm + steps)
    trainer.add_callback(watch)
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    try:
        trainer.train()
    finally:
        watch.close()
    memory = torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rates = watch.rates
    return {
        "rate": rates["samples_per_second"],
        "tokens": rates["tokens_per_second"],
        "share": rates.get("share_of_peak"),
        "memory": memory,
        "parts": watch.parts(),
    }


def _matmul_peak() -> float:
    """Return floating-point operations per second of large bfloat16 matrix products on this GPU."""
    matrix = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    for _ in range(5):
        matrix @ matrix
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(30):
        matrix @ matrix
    torch.cuda.synchronize()
    seconds: float = time.perf_counter() - start
    return 30 * 2 * 8192.0**3 / seconds
