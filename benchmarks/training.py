"""Stage II's samples a second: what training does against the original's way, on the same model and the same examples.

`make bench-train`. The original pads every prompt to 512 tokens, every answer to 128 and every sample to 12 pictures,
and encodes every picture at every step (facts: its collator, `training_preprocess=True`), with transformers' modules
and torch's plain AdamW. Ours is the Trainer of `mmeval train` itself: features of the frozen encoder from disk, batches
by a budget of tokens, loaded ahead. Both have the frozen weights in bfloat16 on a GPU. Rates are taken after the first
steps, when compilation and the allocator are warm.

`--size xl` has Flan-T5-XL's and EVA ViT-g's sizes with random weights, made on the GPU; it prints the share of the
GPU's measured matmul peak that the arithmetic of all parts makes (progress.Operations: padding and attention's products
are not counted), and how a step's time is divided. On a CPU each way runs in a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import TrainerCallback
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.context import ImagePlace, Part
from mmeval.mmicl.examples import Example, Turn, to_json
from mmeval.mmicl.fused import compile_blocks, fuse
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig
from mmeval.mmicl.training.arguments import arguments
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.data import Collator, RowSet
from mmeval.mmicl.training.features import Features, complete, open_features
from mmeval.mmicl.training.held_out import HeldOut
from mmeval.mmicl.training.index import Index, make_index
from mmeval.mmicl.training.pictures import read_picture
from mmeval.mmicl.training.progress import operations
from mmeval.mmicl.training.rows import IGNORED, Rows, TrainingRow
from mmeval.mmicl.training.trainable import select
from mmeval.mmicl.training.trainer import MmiclTrainer

WORDS = [f"w{number}" for number in range(900)]
PLACEHOLDER = 910
SLOTS, PROMPT, ANSWER = 12, 512, 128
"""The original's fixed sizes: pictures, prompt tokens, answer tokens."""
ROUNDS = 3
DEADLINE = 110.0
"""Seconds after which a run on a GPU begins no further way."""

SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "vision": {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 6},
        "qformer": {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 6},
        "text": {"d_model": 256, "d_kv": 64, "d_ff": 512, "num_layers": 4, "num_heads": 4, "vocab_size": 1024},
        "dropout": 0.0,
        "examples": 256,
        "pictures": 40,
        "original": {"batch": 4, "steps": 16},
        "ours": [{"batch_tokens": 1024, "steps": 24}],
        "warm": 4,
        "workers": 0,
    },
    "xl": {
        "vision": {"hidden_size": 1408, "intermediate_size": 6144, "num_hidden_layers": 39, "num_attention_heads": 16},
        "qformer": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        "text": {"d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32, "vocab_size": 32128},
        "dropout": 0.1,
        "examples": 6000,
        "pictures": 1000,
        "original": {"batch": 16, "steps": 6},
        "ours": [
            {"batch_tokens": 8192, "steps": 12},
            {"batch_tokens": 16384, "steps": 12},
            {"batch_tokens": 24576, "steps": 10},
            {"batch_tokens": 32768, "steps": 8, "gradient_checkpointing": "selective"},
            {"batch_tokens": 16384, "steps": 12, "compile": True},
            {"batch_tokens": 32768, "steps": 8, "compile": True},
        ],
        "warm": 5,
        "workers": 8,
    },
}


def main() -> None:
    """Measure both ways, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--way", choices=("ours", "original"), help="Measure one way in this process, as JSON.")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    if options.way:
        print(json.dumps(list(_measured(options.size, options.folder, (options.way,), began))))
        return
    print("| size | way | samples/s | tokens/s | peak memory | share of the matmul peak |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _write_examples(Path(folder), SIZES[options.size]["examples"], SIZES[options.size]["pictures"])
        if torch.cuda.is_available():
            found = []
            for one in _measured(options.size, Path(folder), ("original", "ours"), began):
                found.append(one)
                print(_line(options.size, one), flush=True)
        else:
            found = _in_turns(options.size, folder)
            for one in found:
                print(_line(options.size, one))
    original, ours = (
        [one for one in found if one["way"].startswith(way) and "rate" in one] for way in ("original", "ours")
    )
    if original and ours:
        best = max(ours, key=lambda one: float(one["rate"]))
        print(f"\n{best['rate'] / original[0]['rate']:.1f} times as many samples a second ({best['way']})")
    for one in found:
        if one.get("parts"):
            print(f"\nA step of {one['way']}, {sum(one['parts'].values()):.0f} ms:")
            print(", ".join(f"{name} {spent:.1f}" for name, spent in one["parts"].items()))
    print(f"\n{time.perf_counter() - began:.0f} s in all")


def _in_turns(size: str, folder: str) -> list[dict[str, Any]]:
    """Measure each way in processes of its own, in turns, and return the medians."""
    found: dict[str, list[dict[str, Any]]] = {"original": [], "ours": []}
    for _ in range(ROUNDS):
        for way, runs in found.items():
            command = [sys.executable, "-m", "benchmarks.training", "--size", size, "--way", way, "--folder", folder]
            ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            runs += json.loads(ended.stdout.splitlines()[-1])
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


def _write_examples(folder: Path, count: int, pictures: int) -> None:
    """Write questions of 10 to 60 words about one to four pictures of 224 x 224, answers of one to eight words."""
    rng = random.Random(0)
    for number in range(pictures):
        pixels = np.random.default_rng(number).integers(0, 255, (28, 28, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((224, 224)).save(folder / f"{number}.jpg")
    lines = []
    for number in range(count):
        images = tuple(f"{rng.randrange(pictures)}.jpg" for _ in range(rng.choice((1, 1, 2, 3, 4))))
        question = " ".join(rng.choices(WORDS, k=rng.randint(10, 60)))
        ask: tuple[Part, ...] = (*(ImagePlace(index) for index in range(len(images))), question)
        answer = " ".join(rng.choices(WORDS, k=rng.randint(1, 8)))
        lines.append(to_json(Example(f"e{number}", "made", images, (Turn(ask, answer),))))
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")


def _measured(size: str, folder: Path, ways: Sequence[str], began: float) -> Iterator[dict[str, Any]]:
    """Measure the ways one after the other on one model, and yield what was found of each."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    PartialState(cpu=device.type == "cpu")
    peak = _matmul_peak() if device.type == "cuda" else None
    if peak:
        print(f"(matrix products of 8192 in bfloat16: {peak / 1e12:.0f} TFLOP/s)", file=sys.stderr)
    model, processor = _model(size, device), _processor()
    select(model, "paper")
    if device.type == "cuda":
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()
    rows = Rows(processor, decoder_only=False)
    files = [str(folder / "train.jsonl")]
    index = make_index(files, rows, max_tokens=PROMPT, max_pictures=SLOTS, left_out=None, allow_missing=0, workers=1)
    data = RowSet(files, index, rows)
    if "original" in ways:
        yield _original(size, model, processor, index, data, device, peak)
    if "ours" not in ways:
        return
    if device.type == "cpu":
        model.language_model.set_attn_implementation("eager")  # as training does
    features = open_features(folder / f"features-{size}", model)
    complete(features, model, sorted(index.images), lambda path: read_picture(path, processor))
    fuse(model.language_model)
    compiled = False
    for changes in SIZES[size]["ours"]:
        name = "ours, " + ", ".join(f"{key}: {value}" for key, value in changes.items() if key != "steps")
        if device.type == "cuda" and time.perf_counter() - began > DEADLINE:
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
    """Train some steps with the Trainer of `mmeval train`, without checkpoints; the last steps are divided up."""
    cuda = torch.cuda.is_available()
    warm, divided = SIZES[size]["warm"], 3
    config = Config(
        model="made",
        data=tuple(data.files),
        output=str(folder / "out"),
        trainable="paper",
        learning_rate=1e-5,
        workers=SIZES[size]["workers"],
        log_every=1_000_000,
        **{**changes, "steps": warm + changes["steps"] + divided},
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
    watch = Watch(trainer, warm, warm + changes["steps"])
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


class Watch(TrainerCallback):
    """Takes the rates of the steps from `warm` to `end`, and divides the time of those after `end`."""

    def __init__(self, trainer: MmiclTrainer, warm: int, end: int) -> None:
        self.trainer, self.warm, self.end = trainer, warm, end
        self.rates: dict[str, float] = {}
        self.marks: list[tuple[str, Any]] = []
        model = trainer.model
        parts: list[tuple[str, nn.Module]] = [("vision", model.vision_model), ("Q-Former", model.qformer)]
        parts += [("encoder", model.language_model.encoder), ("decoder", model.language_model.decoder)]
        self.hooks = []
        for name, module in parts:
            self.hooks.append(module.register_forward_pre_hook(lambda *_: self.mark("embedding, copies")))
            self.hooks.append(module.register_forward_hook(lambda *_, name=name: self.mark(name)))
        self.loss = trainer.compute_loss

        def compute_loss(*given: Any, **named: Any) -> Tensor:
            loss = self.loss(*given, **named)
            self.mark("head and loss")
            return loss

        trainer.compute_loss = compute_loss  # type: ignore[method-assign]

    def close(self) -> None:
        """Take the hooks off."""
        for hook in self.hooks:
            hook.remove()
        self.trainer.compute_loss = self.loss  # type: ignore[method-assign]

    def mark(self, name: str) -> None:
        """Say that the time since the last mark was spent on that."""
        if self.trainer.state.global_step < self.end:
            return
        if torch.cuda.is_available():
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            self.marks.append((name, event))
        else:
            self.marks.append((name, time.perf_counter()))

    def parts(self) -> dict[str, float]:
        """Return the milliseconds of a step, by what they were spent on."""
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
        """Count what came before as the way back."""
        self.mark("backward, clipping")

    def on_optimizer_step(self, *_: Any, **__: Any) -> None:
        """Count the optimiser."""
        self.mark("optimiser")

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Take the rates at both ends of the measured steps."""
        step = self.trainer.state.global_step
        if step in (self.warm, self.end):
            self.rates = self.trainer.progress.rates()
        self.mark("the rest")


def _original(
    size: str,
    model: MmiclForConditionalGeneration,
    processor: MmiclProcessor,
    index: Index,
    data: RowSet,
    device: torch.device,
    peak: float | None,
) -> dict[str, Any]:
    """Train some steps the original's way; its pictures are read by workers, too."""
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
    done = sum(operations(model, features=False).of(numbers).values())
    return {
        "way": f"original, batch: {batch}",
        "rate": batch * steps / seconds,
        "tokens": (numbers[1] + numbers[2]) / seconds,
        "memory": memory,
        "share": done / seconds / peak if peak else None,
    }


def _padded_as_the_original(
    inputs: dict[str, Tensor], pictures: Tensor, processor: MmiclProcessor
) -> dict[str, Tensor]:
    """Pad to 512 tokens, 128 of the answer, 12 pictures a sample in memory; only real pictures are encoded."""

    def wide(name: str, width: int, filler: int) -> Tensor:
        return nn.functional.pad(inputs[name], (0, width - inputs[name].shape[1]), value=filler)

    pixels = inputs["pixel_values"]
    every = torch.zeros(len(pictures), SLOTS, *pixels.shape[1:])
    places = (pictures >= 0).nonzero()
    every[places[:, 0], places[:, 1]] = pixels[pictures[pictures >= 0]]
    slots = torch.full((len(pictures), SLOTS), -1)
    slots[places[:, 0], places[:, 1]] = torch.arange(len(places))
    return {
        "input_ids": wide("input_ids", PROMPT, processor.settings.pad_id),
        "attention_mask": wide("attention_mask", PROMPT, 0),
        "labels": wide("labels", ANSWER, IGNORED),
        "pictures": slots,
        "pixel_values": every[places[:, 0], places[:, 1]],
        "counts": inputs["counts"],
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


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _model(size: str, device: torch.device) -> MmiclForConditionalGeneration:
    sizes, dropout = SIZES[size], SIZES[size]["dropout"]
    vision = {"model_type": "blip_2_vision_model", "image_size": 224, "patch_size": 14, "initializer_range": 0.02}
    qformer = {"model_type": "blip_2_qformer", "cross_attention_frequency": 2}
    qformer |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    text = {"model_type": "t5", "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0}
    text |= {"dropout_rate": dropout, "pad_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": False}
    config = MmiclConfig(
        vision_config={**vision, **sizes["vision"]},
        qformer_config={**qformer, **sizes["qformer"]},
        text_config={**text, **sizes["text"]},
        image_token_id=PLACEHOLDER,
    )
    with torch.device(device):
        return MmiclForConditionalGeneration(config)


def _processor() -> MmiclProcessor:
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 2, **{w: i + 3 for i, w in enumerate(WORDS)}}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    settings = ProcessorConfig(
        placeholder_id=PLACEHOLDER,
        tag_ids=tuple(range(PLACEHOLDER + 1, PLACEHOLDER + 1 + SLOTS)),
        tokens_per_picture=32,
        pad_id=0,
        eos_id=1,
        pad_left=False,
    )
    return MmiclProcessor(tokenizer.to_str(), BlipImageProcessorPil(size={"height": 224, "width": 224}), settings)


if __name__ == "__main__":
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    main()
