"""Stage II's samples per second: ours against the original's way, on the same model and the same examples.

`make bench-train`. The original pads every prompt to 512 tokens, every answer to 128 and every sample to 12 pictures,
and encodes every picture at every step (its collator with `training_preprocess=True`), with transformers' modules
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
import json
import math
import os
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

from benchmarks.options import count, listed, names
from benchmarks.stage2.made import SIZES, write_examples
from benchmarks.stage2.measured import FAILED, measured

ROUNDS = 3
WAYS = ("original", "ours")
HOW: dict[str, dict[str, Any]] = {
    "plain": {},
    "selective": {"gradient_checkpointing": "selective"},
    "full": {"gradient_checkpointing": True},
    "compile": {"compile": True},
    "selective+compile": {"gradient_checkpointing": "selective", "compile": True},
}
"""Variants of ours; compiled ones are measured last, because blocks stay compiled."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both ways, and print a Markdown table. Exits with status 1 if a way fails."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.training", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="small", help="only small is for a CPU")
    parser.add_argument("--tokens", type=listed(count), help="budgets of a batch, like 16384,32768; None: the size's")
    parser.add_argument("--how", type=names(HOW), default="plain", help=f"any of {','.join(HOW)}")
    parser.add_argument("--ways", type=names(WAYS), default="original,ours", help="either or both")
    parser.add_argument("--seconds", type=float, default=110, help="on a GPU, begin only the first way after this time")
    parser.add_argument("--folder", type=Path, help="folder with examples; prints the results as JSON")
    options = parser.parse_args(arguments)
    options.how.sort(key=[*HOW].index)
    began = time.perf_counter()
    until = began + options.seconds if torch.cuda.is_available() else math.inf
    size = SIZES[options.size]
    ours = [{"batch_tokens": n, **HOW[how]} for how, n in product(options.how, options.tokens or size["tokens"])]
    if options.folder:
        print(json.dumps(list(measured(options.size, options.folder, options.ways, ours, until))))
        return
    print("| size | way | samples/s | tokens/s | peak memory | share of the matmul peak |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        write_examples(Path(folder), size["examples"], size["pictures"])
        if torch.cuda.is_available():
            results_so_far = measured(options.size, Path(folder), options.ways, ours, until)
        else:
            results_so_far = _in_turns(options, folder)
        results = []
        for result in results_so_far:
            results.append(result)
            print(_line(options.size, result), flush=True)
    _say_best(results)
    for result in results:
        if result.get("parts"):
            print(f"\nA step of {result['way']}, {sum(result['parts'].values()):.0f} ms:")
            print(", ".join(f"{name} {spent:.1f}" for name, spent in result["parts"].items()))
    print(f"\n{time.perf_counter() - began:.0f} s in total")
    if any(result.get("why") == FAILED for result in results):
        sys.exit(1)


def _say_best(results: Sequence[dict[str, Any]]) -> None:
    rated = [result for result in results if "rate" in result]
    original = [result for result in rated if result["way"].startswith("original")]
    ours = [result for result in rated if result["way"].startswith("ours")]
    if original and ours:
        best = max(ours, key=lambda result: float(result["rate"]))
        print(f"\n{best['rate'] / original[0]['rate']:.1f} times as many samples per second ({best['way']})")


def _in_turns(options: argparse.Namespace, folder: str) -> Iterator[dict[str, Any]]:
    """Measure each way in separate processes, alternating; yield each median after the last of its rounds.

    Every measurement is also printed to standard error.
    """
    results: dict[str, list[dict[str, Any]]] = {}
    for number, way in product(range(1, ROUNDS + 1), options.ways):
        command = [sys.executable, "-m", "benchmarks.training", "--size", options.size, "--ways", way]
        command += ["--how", ",".join(options.how), "--folder", folder]
        if options.tokens:
            command += ["--tokens", ",".join(map(str, options.tokens))]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        for result in json.loads(ended.stdout.splitlines()[-1]):
            print(f"round {number} of {ROUNDS}: {result['way']}: {result['rate']:.2f} samples/s", file=sys.stderr)
            results.setdefault(result["way"], []).append(result)
            if number == ROUNDS:
                yield _median(results[result["way"]])


def _median(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the last run, with the median rates and the largest memory of all."""
    return {
        **runs[-1],
        "rate": statistics.median(run["rate"] for run in runs),
        "tokens": statistics.median(run["tokens"] for run in runs),
        "memory": max(run["memory"] for run in runs),
    }


def _line(size: str, result: dict[str, Any]) -> str:
    if "rate" not in result:
        return f"| {size} | {result['way']} | {result['why']} | | | |"
    share = f"{result['share']:.1%}" if result.get("share") else ""
    memory = f"{result['memory'] / 2**30:.2f} GiB"
    return f"| {size} | {result['way']} | {result['rate']:.2f} | {result['tokens']:,.0f} | {memory} | {share} |"


if __name__ == "__main__":
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    main()
