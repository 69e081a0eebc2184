"""Batched against one-by-one answers, same adapter, on the embedded MME: samples per second of both, and the ratio.

`make bench`. The two alternate, three times each, so a busy machine slows both. Pictures are encoded again each time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

from benchmarks.answers import answered
from mmeval.embedded import suite
from mmeval.evaluation.rendering import render
from mmeval.evaluation.survey import survey
from mmeval.models import find_model, load_model
from mmeval.task_loading import load_task
from mmeval.types import Generation, Model, Request

SAMPLES = 280
ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a Markdown row."""
    argparse.ArgumentParser("python -m benchmarks.batching", description=__doc__).parse_args(arguments)
    task = load_task("mme")
    data = str(suite("mme"))
    sample_ids = set(survey(lambda: task.samples(data), SAMPLES).ids)
    requests = [render(task, sample, "release") for sample in task.samples(data) if sample.id in sample_ids]
    checkpoint = find_model("mmicl-tiny")
    batched, single = [], []
    answers: dict[str, list[str | None]] = {}
    for _ in range(ROUNDS):
        rate, texts = _measure(load_model(checkpoint), requests, len(requests))
        batched.append(rate)
        answers["batched"] = texts
        rate, texts = _measure(load_model(checkpoint), requests, 1)
        single.append(rate)
        answers["single"] = texts
    if answers["batched"] != answers["single"]:
        raise SystemExit("batched and one-by-one answers differ")
    fast, slow = statistics.median(batched), statistics.median(single)
    print("| model | samples | one by one | batched | ratio |\n|---|---|---|---|---|")
    print(f"| mmicl-tiny | {len(requests)} | {slow:.0f}/s | {fast:.0f}/s | {fast / slow:.1f} |")


def _measure(model: Model, requests: list[Request], at_once: int) -> tuple[float, list[str | None]]:
    """Return the samples per second, and the answers in the order of the requests."""
    texts: dict[str, str | None] = {}
    start = time.perf_counter()
    for first in range(0, len(requests), at_once):
        for response in answered(model.generate(requests[first : first + at_once], Generation())):
            texts[response.id] = response.text
    rate = len(requests) / (time.perf_counter() - start)
    return rate, [texts[request.id] for request in requests]


if __name__ == "__main__":
    main()
