"""Stage II's samples a second: our batches against the original's, on the same model and the same examples.

`make bench-train`. The original pads every prompt to 512 tokens, every answer to 128 and every sample to 12 pictures,
and encodes every picture at every step (facts: its collator, `training_preprocess=True`); ours pads to the longest of
a batch of equals and reads the frozen encoder's features from disk. Each way runs in a process of its own, in turns;
the median rate and the peak memory of each are printed. `--size xl` has Flan-T5-XL's and EVA ViT-g's sizes with
random weights, for a GPU, and prints the share of the GPU's measured matmul peak.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.context import ImagePlace, Part
from mmeval.mmicl.examples import Example, Turn, to_json
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig
from mmeval.mmicl.training.data import Collator, LengthBatches, RowSet, read_picture
from mmeval.mmicl.training.features import complete, open_features
from mmeval.mmicl.training.index import make_index
from mmeval.mmicl.training.rows import IGNORED, Rows
from mmeval.mmicl.training.trainable import select

WORDS = [f"w{number}" for number in range(900)]
PLACEHOLDER = 910
SLOTS, PROMPT, ANSWER = 12, 512, 128
"""The original's fixed sizes: pictures, prompt tokens, answer tokens."""
ROUNDS = 3

SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "vision": {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 6},
        "qformer": {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 6},
        "text": {"d_model": 256, "d_kv": 64, "d_ff": 512, "num_layers": 4, "num_heads": 4},
        "batch": 4,
        "steps": 16,
    },
    "xl": {
        "vision": {"hidden_size": 1408, "intermediate_size": 6144, "num_hidden_layers": 39, "num_attention_heads": 16},
        "qformer": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        "text": {"d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32},
        "batch": 16,
        "steps": 12,
    },
}


def main() -> None:
    """Measure both ways in turns, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--way", choices=("ours", "original"))
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(_measure(arguments.size, arguments.way, arguments.folder)))
        return
    found: dict[str, list[dict[str, float]]] = {"ours": [], "original": []}
    with tempfile.TemporaryDirectory() as folder:
        _write_examples(Path(folder))
        for _ in range(ROUNDS):
            for way in ("original", "ours"):
                command = [sys.executable, "-m", "benchmarks.training", "--size", arguments.size]
                ended = subprocess.run(
                    [*command, "--way", way, "--folder", folder], stdout=subprocess.PIPE, text=True, check=True
                )
                found[way].append(json.loads(ended.stdout.splitlines()[-1]))
    rate = {way: statistics.median(run["rate"] for run in runs) for way, runs in found.items()}
    memory = {way: max(run["memory"] for run in runs) for way, runs in found.items()}
    print("| size | way | samples/s | peak memory |\n|---|---|---|---|")
    for way in ("original", "ours"):
        print(f"| {arguments.size} | {way} | {rate[way]:.2f} | {memory[way] / 2**30:.2f} GiB |")
    print(f"\n{rate['ours'] / rate['original']:.1f} times as many samples a second")
    if torch.cuda.is_available():
        shares = [run["share"] for run in found["ours"]]
        print(f"{statistics.median(shares):.0%} of the GPU's measured bfloat16 matmul peak")


def _write_examples(folder: Path, count: int = 64) -> None:
    """Write questions of 10 to 60 words about one to four pictures of 224 x 224, answers of one to eight words."""
    rng = random.Random(0)
    for number in range(40):
        pixels = np.random.default_rng(number).integers(0, 255, (224, 224, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png", compress_level=1)
    lines = []
    for number in range(count):
        images = tuple(f"{rng.randrange(40)}.png" for _ in range(rng.choice((1, 1, 2, 3, 4))))
        question = " ".join(rng.choices(WORDS, k=rng.randint(10, 60)))
        ask: tuple[Part, ...] = (*(ImagePlace(index) for index in range(len(images))), question)
        answer = " ".join(rng.choices(WORDS, k=rng.randint(1, 8)))
        lines.append(to_json(Example(f"e{number}", "made", images, (Turn(ask, answer),))))
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")


def _measure(size: str, way: str, folder: Path) -> dict[str, float]:
    """Return samples a second over the steps, peak memory in bytes, and on a GPU the share of its peak."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model, processor = _model(size, device), _processor()
    select(model, "paper")
    model.train()
    files = [str(folder / "train.jsonl")]
    rows = Rows(processor, decoder_only=False)
    index = make_index(files, rows, max_tokens=PROMPT, max_pictures=SLOTS, left_out=None, allow_missing=0, workers=1)
    data = RowSet(files, index, rows)
    batch, steps = SIZES[size]["batch"], SIZES[size]["steps"]
    features = None
    if way == "ours":
        if device.type == "cpu":
            model.language_model.set_attn_implementation("eager")  # as training does
        features = open_features(folder / f"features-{size}", model)
        complete(features, model, sorted(index.images), lambda path: read_picture(path, processor))
    collate = Collator(processor, data, features)
    order = [numbers for numbers in LengthBatches(index, batch, 0) if len(numbers) == batch]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    flops = 0.0
    for step in range(steps + 1):
        if step == 1:
            _wait(device)
            start = time.perf_counter()
        inputs = collate([data[number] for number in order[step % len(order)]])
        if way == "original":
            inputs = _padded_as_the_original(inputs, processor.settings.pad_id)
        inputs = {key: value.to(device) for key, value in inputs.items()}
        with torch.autocast(device.type, torch.bfloat16):
            loss = model(**inputs).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step:
            flops += _flops(model, inputs)
    _wait(device)
    seconds = time.perf_counter() - start
    if device.type == "cuda":
        memory = float(torch.cuda.max_memory_allocated())
        return {"rate": batch * steps / seconds, "memory": memory, "share": flops / seconds / _matmul_peak()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    return {"rate": batch * steps / seconds, "memory": memory}


def _padded_as_the_original(inputs: dict[str, torch.Tensor], pad: int) -> dict[str, torch.Tensor]:
    """Pad to 512 tokens, 128 of the answer, 12 pictures a sample in memory; only real pictures are encoded."""

    def wide(name: str, width: int, filler: int) -> torch.Tensor:
        return torch.nn.functional.pad(inputs[name], (0, width - inputs[name].shape[1]), value=filler)

    slots, pixels = inputs["pictures"], inputs["pixel_values"]
    every = torch.zeros(len(slots), SLOTS, *pixels.shape[1:])
    real = slots[slots >= 0]
    places = (slots >= 0).nonzero()
    every[places[:, 0], places[:, 1]] = pixels[real]
    shown = torch.arange(len(real))
    pictures = torch.full((len(slots), SLOTS), -1)
    pictures[places[:, 0], places[:, 1]] = shown
    return {
        "input_ids": wide("input_ids", PROMPT, pad),
        "attention_mask": wide("attention_mask", PROMPT, 0),
        "labels": wide("labels", ANSWER, IGNORED),
        "pictures": pictures,
        "pixel_values": every[places[:, 0], places[:, 1]],
    }


def _flops(model: MmiclForConditionalGeneration, inputs: dict[str, torch.Tensor]) -> float:
    """Count those of the language model alone: two per weight and token forward, two back (it is all but frozen)."""
    encoder = sum(p.numel() for p in model.language_model.encoder.block.parameters())
    decoder = sum(p.numel() for p in model.language_model.decoder.block.parameters())
    head = model.language_model.lm_head.weight.numel()
    prompt, answer = int(inputs["attention_mask"].sum()), int((inputs["labels"] != IGNORED).sum())
    return 4.0 * float(encoder * prompt + (decoder + head) * answer)


def _matmul_peak() -> float:
    """Return floating-point operations per second of large bfloat16 matrix products on this GPU."""
    one = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    for _ in range(3):
        one @ one
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(20):
        one @ one
    torch.cuda.synchronize()
    seconds: float = time.perf_counter() - start
    return 20 * 2 * 8192.0**3 / seconds


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _model(size: str, device: torch.device) -> MmiclForConditionalGeneration:
    sizes = SIZES[size]
    vision = {"model_type": "blip_2_vision_model", "image_size": 224, "patch_size": 14, "initializer_range": 0.02}
    qformer = {"model_type": "blip_2_qformer", "cross_attention_frequency": 2}
    text = {"model_type": "t5", "vocab_size": 1024, "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0}
    config = MmiclConfig(
        vision_config={**vision, **sizes["vision"]},
        qformer_config={**qformer, **sizes["qformer"]},
        text_config={**text, **sizes["text"], "dropout_rate": 0.0, "pad_token_id": 0, "eos_token_id": 1},
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
    main()
