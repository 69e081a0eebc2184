"""Chat models: pictures prepared once per batch or once per question, and the memory of loading for a GPU.

`OMP_NUM_THREADS=1 python -m benchmarks.chat`. The models are tiny and random, so most of the time is the pictures'.
torch's `meta` device, which keeps nothing, stands for a GPU.
"""

import argparse
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
import transformers

from benchmarks.answers import answered
from benchmarks.peer.data import TABLE
from mmeval.engine.device import PORTIONS
from mmeval.models import ModelOptions, find_model, load_model
from mmeval.models.chat import loading, weights
from mmeval.types import Generation, Image, Request
from tests.models import chat_zoo

ROUNDS, QUESTIONS = 5, 40
ASKED = {"one answer": Generation(3), "8 samples": Generation(3, temperature=1.0, samples=8)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both measurements."""
    argparse.ArgumentParser("python -m benchmarks.chat", description=__doc__).parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        for family in ("qwen2_vl", "llava"):
            for line in pictures(chat_zoo.save(family, Path(name) / family)):
                print(f"{family}, {line}", flush=True)
        checkpoint = larger(Path(name) / "larger")
        for dtype in ("float32", "bfloat16"):
            print(f"{checkpoint.stat().st_size / 1e6:.0f} MB of float32 as {dtype}: {grown(checkpoint.parent, dtype)}")


def pictures(folder: Path) -> Iterator[str]:
    """Yield CPU milliseconds per question, with two questions per picture; the two ways take turns."""
    models: dict[str, Any] = {way: load_model(f"chat:{folder}") for way in ("each question", "once a batch")}
    plain = models["each question"].processor.image_processor
    plain.__class__ = type(plain).__mro__[1]
    rows = pq.read_table(TABLE).slice(0, QUESTIONS).to_pylist()
    requests = [Request(str(n), (Image(row["image"]["bytes"]), row["question"])) for n, row in enumerate(rows)]
    for name, generation in ASKED.items():
        times: dict[str, list[float]] = {way: [] for way in models}
        for way, model in [*models.items()] * (ROUNDS + 1):
            began = time.process_time()
            answer_count = len(list(answered(model.generate(requests, generation))))
            times[way].append(1000 * (time.process_time() - began) / answer_count)
        medians = (f"{way} {statistics.median(ms[1:]):.1f} ms" for way, ms in times.items())  # the first warms up
        yield f"{name}: {', '.join(medians)}"


def larger(folder: Path) -> Path:
    """Write a LLaVA with a language model of 8 layers of width 1,024; return the file with its weights."""
    config = transformers.AutoConfig.from_pretrained(chat_zoo.save("llava", folder))
    size = {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 8, "head_dim": 64}
    for name, value in {**size, "num_attention_heads": 16, "num_key_value_heads": 16}.items():
        setattr(config.text_config, name, value)
    weights.WEIGHTS.from_config(config).save_pretrained(folder)
    (file,) = folder.glob("*.safetensors")
    return file


def grown(folder: Path, dtype: str) -> str:
    """Load a checkpoint for the device `meta`; return by how much the process's own memory grew meanwhile."""
    setattr(loading, "pick_device", lambda name: torch.device("meta"))  # noqa: B010
    setattr(loading, "PORTIONS", {**PORTIONS, "meta": PORTIONS["cuda"]})  # noqa: B010
    readings, loaded = [own_memory()], threading.Event()

    def watch() -> None:
        while not loaded.wait(0.002):
            readings.append(own_memory())

    watching = threading.Thread(target=watch)
    watching.start()
    loading.load(find_model(f"chat:{folder}"), ModelOptions(context="template", dtype=dtype))
    loaded.set()
    watching.join()
    return f"{max(readings) - readings[0]:.0f} MiB more in use while loading"


def own_memory() -> float:
    """Return the MiB in memory that are not mapped from a file."""
    match = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return int(match[1]) / 1024


if __name__ == "__main__":
    main()
