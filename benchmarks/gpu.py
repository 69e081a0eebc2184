"""Speed of MMICL and InstructBLIP at Flan-T5-XL's size on one GPU: the whole, its parts, the share of the peak.

`make bench-gpu`. MME's shape is 2,374 questions about 1,187 JPEGs of 500 x 400 pixels; MMBench's is questions with
four options, each asked at four rotations. Weights are random and made on the device, so nothing is downloaded. Answers
end only at the token limit. Every row is printed as soon as it is measured. `--size small` runs anywhere.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image as PILImage
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers.initialization import no_init_weights
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.engine import pictures
from mmeval.engine.device import PORTIONS, cores
from mmeval.engine.transformer import TransformerModel
from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.context import CONTEXTS
from mmeval.mmicl.fused import fuse
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig
from mmeval.types import Generation, Image, Request, Response

WORDS = [f"w{number}" for number in range(20_000)]
PLACEHOLDER, TAGS = 32_100, 20
SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "vision": {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4},
        "qformer": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4},
        "text": {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4},
        "pictures": 40,
        "turned": 12,
    },
    "xl": {
        "vision": {"hidden_size": 1408, "intermediate_size": 6144, "num_hidden_layers": 39, "num_attention_heads": 16},
        "qformer": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        "text": {"d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32},
        "pictures": 1187,
        "turned": 1164,
    },
}
ASKED = (("3 tokens", 3), ("16 tokens", 16), ("likelihood", 0))


def main() -> None:
    """Measure, and print each row at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="xl")
    parser.add_argument("--batch-tokens", type=int, help="padded prompt tokens in a batch")
    parser.add_argument(
        "--threads", type=lambda text: [int(one) for one in text.split(",")], default=[], help="of decoding, as 4,8,16"
    )
    parser.add_argument("--compile", action="store_true", help="also compile the vision encoder's layers")
    arguments = parser.parse_args()
    size, device = SIZES[arguments.size], torch.device("cuda" if torch.cuda.is_available() else "cpu")
    began = time.perf_counter()
    bench = Bench(size, device, arguments.batch_tokens)
    peak = matmul_peak(device)
    say(f"{bench.machine()}; made in {time.perf_counter() - began:.1f} s")
    say(f"bfloat16 matrix products: {peak / 1e12:.0f} TFLOP/s" if peak else "no GPU: float32, no share of a peak")
    bench.parts(peak)
    say("\n| model | asked | seconds | questions/s | share of the peak |\n|---|---|---|---|---|")
    for name in ("mmicl", "instructblip"):
        for label, tokens in ASKED:
            bench.whole(name, bench.questions, label, tokens, peak)
    for label, tokens in (ASKED[0], ASKED[2]):
        bench.whole("mmicl", bench.turned(size["turned"]), f"MMBench's rotations, {label}", tokens, peak)
    for threads in arguments.threads:
        bench.threads(threads, peak)
    bench.waits()
    if device.type == "cuda":
        say(f"\npeak memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
    if arguments.compile:
        bench.compiled(peak)


class Bench:
    """A model with random weights, run by two adapters, and data of MME's shape."""

    def __init__(self, size: dict[str, Any], device: torch.device, batch_tokens: int | None) -> None:
        self.device, self.dtype = device, torch.bfloat16 if device.type == "cuda" else torch.float32
        self.portions = PORTIONS[device.type]
        if batch_tokens is not None:
            self.portions = type(self.portions)(**{**vars(self.portions), "batch_tokens": batch_tokens})
        self.model, self.processor = random_model(size, device, self.dtype), made_processor()
        self.jpegs = jpegs(size["pictures"])
        rng = random.Random(0)
        self.questions = [
            Request(f"{number}#{which}", (image, words(rng, 16, 38)), candidates=("w1", "w2"))
            for number, image in enumerate(self.jpegs)
            for which in (1, 2)
        ]

    def machine(self) -> str:
        """Describe the machine and the model."""
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else "a CPU"
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        parameters = sum(p.numel() for p in self.model.parameters()) / 1e9
        return f"{name}, {cores()} cores, {versions}; {parameters:.2f} B parameters, {self.dtype}"

    def turned(self, count: int) -> list[Request]:
        """Return questions with four options, each at four rotations."""
        rng, asked = random.Random(1), []
        for number in range(count):
            question, options = words(rng, 10, 40), [words(rng, 1, 10) for _ in range(4)]
            for turn in range(4):
                order = options[turn:] + options[:turn]
                text = " ".join([question, *(f"w{i} {option}" for i, option in enumerate(order))])
                image = self.jpegs[number % len(self.jpegs)]
                asked.append(Request(f"{number}/{turn}", (image, text), candidates=("w0", "w1", "w2", "w3")))
        return asked

    def adapter(self, name: str) -> TransformerModel:
        """Return the model as an adapter runs it, without anything kept from earlier runs."""
        reads = name == "instructblip"
        introduce = CONTEXTS["plain" if reads else "declaration"]
        return TransformerModel(
            self.model, self.processor, name=name, introduce=introduce, max_images=None, reads_instructions=reads,
            portions=self.portions,
        )  # fmt: skip

    def whole(self, name: str, asked: list[Request], label: str, tokens: int, peak: float) -> None:
        """Measure a stream of questions from the first to the last answer, and print its row."""
        list(run(self.adapter(name), asked[:256], tokens))  # warm up: kernels are chosen, memory is allocated
        model = self.adapter(name)
        seconds = self._timed(lambda: check(run(model, iter(asked), tokens), len(asked)))
        flops = model.pictures.encoded * self._vision_flops() + sum(
            self._language_flops(len(model.prompts.prepare(request).tokens.ids), max(1, tokens)) for request in asked
        )
        share = f"{flops / seconds / peak:.0%}" if peak else "-"
        say(f"| {name} | {label} | {seconds:.2f} | {len(asked) / seconds:.0f} | {share} |")

    def parts(self, peak: float) -> None:
        """Measure each part of the whole separately."""
        model = self.adapter("mmicl")
        with ThreadPoolExecutor(min(16, cores())) as pool:
            seconds = self._timed(lambda: list(pool.map(model._values, self.jpegs)))
            values = list(pool.map(model._values, self.jpegs))
        say("\n| part | seconds | share of the peak |\n|---|---|---|")
        say(f"| decode and resize {len(values):,} pictures, {cores()} cores | {seconds:.2f} | |")
        prepared = self._timed(lambda: [model.prompts.prepare(request) for request in self.questions])
        say(f"| hash and tokenize {len(self.questions):,} prompts | {prepared:.2f} | |")

        def see() -> None:
            with torch.inference_mode():
                for start in range(0, len(values), self.portions.pictures):
                    model._encode(torch.stack(values[start : start + self.portions.pictures]))

        self._part("vision encoder and Q-Former", see, len(values) * self._vision_flops(), peak)
        for attention in ("sdpa", "eager"):
            self.model.vision_model.set_attn_implementation(attention)
            self._part(f"the same, {attention} attention", see, len(values) * self._vision_flops(), peak)
        self.model.vision_model.set_attn_implementation("sdpa")
        blind = self.adapter("mmicl")
        texts = [Request(r.id, (words(random.Random(r.id), 56, 78),), candidates=r.candidates) for r in self.questions]
        for label, tokens in ASKED:
            flops = sum(self._language_flops(len(blind.prompts.prepare(r).tokens.ids), max(1, tokens)) for r in texts)

            def answer(tokens: int = tokens) -> None:
                check(run(blind, iter(texts), tokens), len(texts))

            self._part(f"language model, equally long prompts without pictures: {label}", answer, flops, peak)

    def threads(self, count: int, peak: float) -> None:
        """Measure three tokens and likelihoods with `count` threads that decode pictures."""
        usual = pictures.WORKERS
        try:
            pictures.WORKERS = count
            for label, tokens in (ASKED[0], ASKED[2]):
                self.whole("mmicl", self.questions, f"{count} threads decode, {label}", tokens, peak)
        finally:
            pictures.WORKERS = usual

    def waits(self) -> None:
        """Print where the program waits for the GPU during a batch; each such place loses time."""
        if self.device.type != "cuda":
            return
        model = self.adapter("mmicl")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            list(run(model, self.questions[:512], 3))
            torch.cuda.set_sync_debug_mode("default")
        places: dict[str, int] = {}
        for one in caught:
            where = f"{'/'.join(one.filename.split('/')[-3:])}:{one.lineno}"
            places[where] = places.get(where, 0) + 1
        say("\nwaits for the GPU in 512 questions: " + ("; ".join(f"{n} x {w}" for w, n in places.items()) or "none"))

    def compiled(self, peak: float) -> None:
        """Compile the vision encoder's layers, and measure again."""
        began = time.perf_counter()
        for layer in self.model.vision_model.encoder.layers:
            layer.compile()
        list(run(self.adapter("mmicl"), self.questions[:256], 3))
        say(f"\nvision encoder compiled in {time.perf_counter() - began:.1f} s")
        for label, tokens in ASKED:
            self.whole("mmicl", self.questions, f"compiled, {label}", tokens, peak)

    def _part(self, name: str, work: Callable[[], None], flops: float, peak: float) -> None:
        self._timed(work)
        seconds = self._timed(work)
        say(f"| {name} | {seconds:.2f} | {f'{flops / seconds / peak:.0%}' if peak else '-'} |")

    def _timed(self, work: Callable[[], object]) -> float:
        wait(self.device)
        began = time.perf_counter()
        work()
        wait(self.device)
        return time.perf_counter() - began

    def _vision_flops(self) -> float:
        """Count the operations for one picture: two per weight and position, plus attention's own."""
        vision = self.model.config.vision_config
        places = (vision.image_size // vision.patch_size) ** 2 + 1
        weights = sum(p.numel() for p in self.model.vision_model.parameters())
        found: float = 2.0 * weights * places + 4.0 * vision.num_hidden_layers * places**2 * vision.hidden_size
        return found

    def _language_flops(self, prompt: int, answer: int) -> float:
        """Count the operations for one prompt and its answer."""
        language = self.model.language_model
        encoder = sum(p.numel() for p in language.encoder.block.parameters())
        decoder = sum(p.numel() for p in language.decoder.block.parameters()) + language.lm_head.weight.numel()
        found: float = 2.0 * (encoder * prompt + decoder * answer)
        return found


def run(model: TransformerModel, asked: Iterable[Request], tokens: int) -> Iterator[Response]:
    """Ask for answers of `tokens` tokens, or, if 0, for likelihoods."""
    return model.generate(asked, Generation(tokens)) if tokens else model.loglikelihood(asked)


def check(responses: Iterable[Response], expected: int) -> None:
    """Read all responses. Exits if one is an error or missing."""
    found = list(responses)
    errors = [response.error for response in found if response.error]
    if errors or len(found) != expected:
        sys.exit(f"{len(found)} of {expected} answers, {len(errors)} errors: {errors[:1]}")


def random_model(size: dict[str, Any], device: torch.device, dtype: torch.dtype) -> MmiclForConditionalGeneration:
    """Make a model with random weights on its device."""
    vision = {"model_type": "instructblip_vision_model", "image_size": 224, "patch_size": 14}
    qformer = {"model_type": "instructblip_qformer", "cross_attention_frequency": 2, "vocab_size": 30_523}
    text = {"model_type": "t5", "vocab_size": 32_128, "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0}
    config = MmiclConfig(
        vision_config={**vision, **size["vision"]},
        qformer_config={**qformer, **size["qformer"]},
        text_config={**text, **size["text"], "tie_word_embeddings": False, "pad_token_id": 0, "eos_token_id": 1},
        image_token_id=PLACEHOLDER,
    )
    with torch.device(device), no_init_weights():
        model: Any = MmiclForConditionalGeneration._from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    model.tie_weights()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.02)
            else:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
        model.language_model.lm_head.weight[1] = 0  # no answer ends before its limit
        model.language_model.lm_head.weight[0] = 0
    fuse(model)
    return model  # type: ignore[no-any-return]


def made_processor() -> MmiclProcessor:
    """Make a processor whose tokenizer has one token per word."""
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2, **{word: i + 3 for i, word in enumerate(WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    settings = ProcessorConfig(
        placeholder_id=PLACEHOLDER, tag_ids=tuple(range(PLACEHOLDER + 1, PLACEHOLDER + 1 + TAGS)),
        tokens_per_picture=32, pad_id=0, eos_id=1, pad_left=False,
    )  # fmt: skip
    pictures = BlipImageProcessorPil(size={"height": 224, "width": 224})
    return MmiclProcessor(tokenizer.to_str(), pictures, settings, tokenizer.to_str())


def jpegs(count: int) -> list[Image]:
    """Make pictures with the grain of photographs."""

    def made(number: int) -> Image:
        rng, out = np.random.default_rng(number), io.BytesIO()
        coarse = PILImage.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).resize((500, 400))
        fine = np.asarray(coarse, np.int16) + rng.integers(-12, 13, (400, 500, 1), dtype=np.int16)
        PILImage.fromarray(fine.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
        return Image(out.getvalue(), f"{number}.jpg")

    with ThreadPoolExecutor(min(16, cores())) as pool:
        return list(pool.map(made, range(count)))


def words(rng: random.Random, least: int, most: int) -> str:
    """Return a text of `least` to `most` words, each a token."""
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most)))


def matmul_peak(device: torch.device) -> float:
    """Return floating-point operations per second of large bfloat16 matrix products; 0 without a GPU."""
    if device.type != "cuda":
        return 0.0
    one = torch.randn(8192, 8192, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        one @ one
    wait(device)
    began = time.perf_counter()
    for _ in range(20):
        one @ one
    wait(device)
    return 20 * 2 * 8192.0**3 / (time.perf_counter() - began)


def wait(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
