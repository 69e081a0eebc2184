"""Stage II's samples per second: ours against the original's way, on the same model and the same examples.

`make bench-train`. The original pads every prompt to 512 tokens, every answer to 128 and every sample to 12 pictures,
and encodes every picture at every step (facts: its collator, `training_preprocess=True`), with transformers' modules
and torch's plain AdamW. Ours is the Trainer of `mmeval train`: features of the frozen encoder from disk, and batches
by a budget of tokens, loaded ahead. Both keep the frozen weights in bfloat16 on a GPU. Rates exclude the first steps,
in which compilation and the allocator warm up.

`--size xl` has Flan-T5-XL's and EVA ViT-g's sizes with random weights, made on the GPU. It prints the share of the
GPU's measured matmul peak that all parts' arithmetic reaches (progress.Operations; padding and attention products are
not counted), and the time of a step by part. `--size xxl` and `vicuna-7b` measure memory. On a CPU each way runs in a
separate process, and the ways alternate.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped]

from benchmarks.stage2.made import SIZES, make_model, make_processor, write_examples
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

ROUNDS = 3
HOW: dict[str, dict[str, Any]] = {
    "plain": {},
    "selective": {"gradient_checkpointing": "selective"},
    "full": {"gradient_checkpointing": True},
    "compile": {"compile": True},
    "selective+compile": {"gradient_checkpointing": "selective", "compile": True},
}
"""Variants of ours; compiled ones are measured last, because blocks stay compiled."""


def main() -> None:
    """Measure both ways, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--tokens", type=_numbers, help="budgets of a batch, like 16384,32768; default: the size's own")
    parser.add_argument("--how", type=_ways, default=["plain"], help=f"separated by commas: {', '.join(HOW)}")
    parser.add_argument("--ways", type=lambda text: text.split(","), default=["original", "ours"])
    parser.add_argument("--seconds", type=float, default=110, help="on a GPU, start no further way after this time")
    parser.add_argument("--folder", type=Path, help="folder with existing examples; results are printed as JSON")
    options = parser.parse_args()
    began = time.perf_counter()
    size = SIZES[options.size]
    ours = [{"batch_tokens": n, **HOW[how]} for how, n in product(options.how, options.tokens or size["tokens"])]
    if options.folder:
        print(json.dumps(list(_measured(options.size, options.folder, options.ways, ours, began + options.seconds))))
        return
    print("| size | way | samples/s | tokens/s | peak memory | share of the matmul peak |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        write_examples(Path(folder), size["examples"], size["pictures"])
        if torch.cuda.is_available():
            found = []
            for one in _measured(options.size, Path(folder), options.ways, ours, began + options.seconds):
                found.append(one)
                print(_line(options.size, one), flush=True)
        else:
            found = _in_turns(options, folder)
            for one in found:
                print(_line(options.size, one))
    _say_best(found)
    for one in found:
        if one.get("parts"):
            print(f"\nA step of {one['way']}, {sum(one['parts'].values()):.0f} ms:")
            print(", ".join(f"{name} {spent:.1f}" for name, spent in one["parts"].items()))
    print(f"\n{time.perf_counter() - began:.0f} s in total")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _ways(text: str) -> list[str]:
    wanted = text.split(",")
    if unknown := [how for how in wanted if how not in HOW]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return [how for how in HOW if how in wanted]


def _say_best(found: Sequence[dict[str, Any]]) -> None:
    measured = [one for one in found if "rate" in one]
    original = [one for one in measured if one["way"].startswith("original")]
    ours = [one for one in measured if one["way"].startswith("ours")]
    if original and ours:
        best = max(ours, key=lambda one: float(one["rate"]))
        print(f"\n{best['rate'] / original[0]['rate']:.1f} times as many samples per second ({best['way']})")


def _in_turns(options: argparse.Namespace, folder: str) -> list[dict[str, Any]]:
    """Measure each way in separate processes, alternating, and return the medians."""
    found: dict[str, list[dict[str, Any]]] = {}
    for way in options.ways * ROUNDS:
        command = [sys.executable, "-m", "benchmarks.training", "--size", options.size, "--ways", way]
        command += ["--how", ",".join(options.how), "--folder", folder]
        if options.tokens:
            command += ["--tokens", ",".join(map(str, options.tokens))]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        for one in json.loads(ended.stdout.splitlines()[-1]):
            found.setdefault(one["way"], []).append(one)
    return [
        {
            **runs[-1],
            "rate": statistics.median(run["rate"] for run in runs),
            "tokens": statistics.median(run["tokens"] for run in runs),
            "memory": max(run["memory"] for run in runs),
        }
        for runs in found.values()
    ]


def _line(size: str, one: dict[str, Any]) -> str:
    if "rate" not in one:
        return f"| {size} | {one['way']} | {one['why']} | | | |"
    share = f"{one['share']:.1%}" if one.get("share") else ""
    memory = f"{one['memory'] / 2**30:.2f} GiB"
    return f"| {size} | {one['way']} | {one['rate']:.2f} | {one['tokens']:,.0f} | {memory} | {share} |"


def _measured(
    size: str, folder: Path, ways: Sequence[str], ours: Sequence[dict[str, Any]], until: float
) -> Iterator[dict[str, Any]]:
    """Measure the ways one after the other on one model, and yield each result."""
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
    if "original" in ways and "original" in SIZES[size]:
        yield original(size, model, processor, index, data, device, peak)
    if "ours" not in ways:
        return
    if device.type == "cpu":
        model.language_model.set_attn_implementation("eager")  # as training does
    features = open_features(folder / f"features-{size}", model)
    complete(features, model, sorted(index.images), lambda path: read_picture(path, processor))
    fuse(model.language_model)
    compiled = False
    for changes in ours:
        name = "ours, " + ", ".join(f"{key}: {value}" for key, value in changes.items())
        if device.type == "cuda" and time.perf_counter() > until:
            yield {"way": name, "why": "no time left"}
            continue
        if changes.get("compile") and not compiled:
            compile_blocks(model.language_model)
            compiled = True
        try:
            yield {"way": name, **_ours(size, folder, changes, model, processor, index, data, features, peak)}
        except torch.OutOfMemoryError:
            yield {"way": name, "why": "does not fit"}
        if changes.get("gradient_checkpointing"):
            model.activation_checkpointing_disable()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            model.zero_grad(set_to_none=True)
            gc.collect()
            torch.cuda.empty_cache()


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
    one = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    for _ in range(5):
        one @ one
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(30):
        one @ one
    torch.cuda.synchronize()
    seconds: float = time.perf_counter() - start
    return 30 * 2 * 8192.0**3 / seconds


if __name__ == "__main__":
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    main()
