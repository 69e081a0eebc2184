"""The rows of the benchmark: whole streams of questions, and their parts alone."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.gpu.made import jpegs, made_processor, random_model, words
from benchmarks.gpu.profiling import places_of, profiled
from mmeval.engine import pictures, transformer
from mmeval.engine.device import Portions
from mmeval.engine.transformer import TransformerModel
from mmeval.machine import cores
from mmeval.mmicl.context import CONTEXTS
from mmeval.types import Generation, Image, Request, Response, images

Asked = tuple[str, int]
"""What is asked for: a label, and the number of new tokens; 0 for likelihoods."""
ASKED: tuple[Asked, Asked, Asked] = (("3 tokens", 3), ("16 tokens", 16), ("likelihood", 0))
WARM = 256
"""Questions asked before a row is measured: kernels are chosen, memory is allocated."""
WINDOW = 768
"""Questions of the row 'profile'."""


class Bench:
    """A model with random weights, run by two adapters, and data of MME's shape."""

    def __init__(self, size: dict[str, Any], device: torch.device, portions: Portions, peak: float) -> None:
        """`peak`: operations per second of large matrix products, 0 if they are not known."""
        self.device, self.dtype = device, torch.bfloat16 if device.type == "cuda" else torch.float32
        self.portions, self.peak = portions, peak
        self.model, self.processor = random_model(size, device, self.dtype), made_processor()
        self.jpegs = jpegs(size["pictures"])
        for image in self.jpegs:
            _ = image.digest  # kept by the picture; measured as a part
        rng = random.Random(0)
        self.questions = [
            Request(f"{number}#{which}", (image, words(rng, 16, 38)), candidates=("w1", "w2"))
            for number, image in enumerate(self.jpegs)
            for which in (1, 2)
        ]
        self.turned = self._turned(size["turned"])

    def machine(self) -> str:
        """Describe the machine and the model."""
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else "a CPU"
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        parameters = sum(p.numel() for p in self.model.parameters()) / 1e9
        return f"{name}, {cores()} cores, {versions}; {parameters:.2f} B parameters, {self.dtype}"

    def whole(self, name: str, requests: list[Request], asked: Asked, title: str = "") -> None:
        """Measure a stream of questions from the first to the last answer, and print its row."""
        label, tokens = asked
        model = self._warm(name, requests, tokens)
        seconds = self._timed(lambda: check(run(model, iter(requests), tokens), len(requests)))
        language = sum(
            self._language_flops(len(model.prompts.prepare(request).tokens.ids), max(1, tokens)) for request in requests
        )
        seen = len({image.digest for request in requests for image in images(request.prompt)})
        share = self._share(seen * self._vision_flops() + language, seconds)
        say(f"| {title or name} | {label} | {seconds:.2f} | {len(requests) / seconds:.0f} | {share} |")

    def with_portions(self, changes: dict[str, int], asked: Asked) -> None:
        """Measure a stream with other portions of work."""
        with self._set(self, "portions", replace(self.portions, **changes)):
            title = ", ".join(f"{name} {value}" for name, value in changes.items())
            self.whole("mmicl", self.questions, asked, f"mmicl, {title}")

    def with_threads(self, count: int, asked: Asked) -> None:
        """Measure a stream with `count` threads that decode pictures."""
        with self._set(pictures, "WORKERS", count):
            self.whole("mmicl", self.questions, asked, f"mmicl, {count} threads decode")

    def without_priority(self, asked: Asked) -> None:
        """Measure a stream if the language model's kernels do not go before those of pictures."""
        with self._set(transformer, "PRIORITY", 0):
            self.whole("mmicl", self.questions, asked, "mmicl, no priority")

    def compiled(self) -> None:
        """Compile the vision encoder's layers, then the language model's encoder, too, and measure again."""
        parts = {
            "vision encoder": self.model.vision_model.encoder.layers,
            "encoders": self.model.language_model.encoder.block,
        }
        for name, layers in parts.items():
            began = time.perf_counter()
            for layer in layers:
                layer.compile(dynamic=True)
            list(run(self.adapter("mmicl"), self.questions[:WARM], 3))
            say(f"\n{name} compiled in {time.perf_counter() - began:.1f} s")
            for asked in (ASKED[2], ASKED[0]):
                self.whole("mmicl", self.questions, asked, f"mmicl, {name} compiled")

    def picture_parts(self) -> None:
        """Measure decoding, tokenization and the vision encoder, each alone."""
        model = self.adapter("mmicl")
        with ThreadPoolExecutor(min(pictures.WORKERS, cores())) as pool:
            seconds = self._timed(lambda: list(pool.map(model._values, self.jpegs)))
            values = list(pool.map(model._values, self.jpegs))
        say(f"| alone: decode and resize {len(values):,} pictures | {cores()} cores | {seconds:.2f} | | |")
        hashed = self._timed(lambda: [Image(image.data).digest for image in self.jpegs])
        say(f"| alone: hash the pictures | | {hashed:.2f} | | |")
        prepared = self._timed(lambda: [model.prompts.prepare(request) for request in self.questions])
        say(f"| alone: tokenize {len(self.questions):,} prompts | | {prepared:.2f} | | |")

        def see() -> None:
            with torch.inference_mode():
                for start in range(0, len(values), self.portions.pictures):
                    model._encode(torch.stack(values[start : start + self.portions.pictures]))

        self._part("vision encoder and Q-Former", "", see, len(values) * self._vision_flops())

    def language_part(self, asked: Asked) -> None:
        """Measure the language model alone, with prompts as long as those with pictures."""
        label, tokens = asked
        model = self.adapter("mmicl")
        texts = [Request(r.id, (words(random.Random(r.id), 56, 78),), candidates=r.candidates) for r in self.questions]
        flops = sum(self._language_flops(len(model.prompts.prepare(r).tokens.ids), max(1, tokens)) for r in texts)
        self._part("language model", label, lambda: check(run(model, iter(texts), tokens), len(texts)), flops)

    def waits(self) -> None:
        """Print where the program waits for the GPU during a batch; each such place loses time."""
        if self.device.type != "cuda":
            return
        model = self.adapter("mmicl")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                for tokens in (3, 0):
                    list(run(model, self.questions[:512], tokens))
            finally:
                torch.cuda.set_sync_debug_mode("default")
        say(f"\nwaits for the GPU in 512 questions, twice: {places_of(caught)}")

    def profile(self, file: Path) -> None:
        """Write what the GPU does in answering some questions to a file."""
        if self.device.type != "cuda":
            return
        texts = []
        for label, tokens in ASKED:
            model, asked = self._warm("mmicl", self.questions, tokens), self.questions[:WINDOW]
            texts.append(f"== {label}, {len(asked)} questions\n" + profiled(lambda: list(run(model, asked, tokens))))  # noqa: B023
        file.write_text("\n\n".join(texts) + "\n")
        say(f"\nprofile: {file}")

    def adapter(self, name: str) -> TransformerModel:
        """Return the model as an adapter runs it, without anything kept from earlier runs."""
        reads = name == "instructblip"
        introduce = CONTEXTS["plain" if reads else "declaration"]
        return TransformerModel(
            self.model, self.processor, name=name, introduce=introduce, max_images=None, reads_instructions=reads,
            portions=self.portions,
        )  # fmt: skip

    def _warm(self, name: str, requests: list[Request], tokens: int) -> TransformerModel:
        """Return an adapter that has answered some questions, and has forgotten their pictures.

        Each adapter has its own streams, and these their own memory.
        """
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        model = self.adapter(name)
        list(run(model, requests[:WARM], tokens))
        model.pictures.begin()
        model.pictures._spare.take_all()
        return model

    def _turned(self, count: int) -> list[Request]:
        """Return questions with four options, each at four rotations."""
        rng, requests = random.Random(1), []
        for number in range(count):
            question, options = words(rng, 10, 40), [words(rng, 1, 10) for _ in range(4)]
            for turn in range(4):
                order = options[turn:] + options[:turn]
                text = " ".join([question, *(f"w{i} {option}" for i, option in enumerate(order))])
                image = self.jpegs[number % len(self.jpegs)]
                requests.append(Request(f"{number}/{turn}", (image, text), candidates=("w0", "w1", "w2", "w3")))
        return requests

    @staticmethod
    @contextmanager
    def _set(owner: Any, name: str, value: object) -> Iterator[None]:
        usual = getattr(owner, name)
        setattr(owner, name, value)
        try:
            yield
        finally:
            setattr(owner, name, usual)

    def _part(self, name: str, label: str, work: Callable[[], None], flops: float) -> None:
        self._timed(work)
        seconds = self._timed(work)
        say(f"| alone: {name} | {label} | {seconds:.2f} | | {self._share(flops, seconds)} |")

    def _share(self, flops: float, seconds: float) -> str:
        return f"{flops / seconds / self.peak:.0%}" if self.peak else "-"

    def _timed(self, work: Callable[[], object]) -> float:
        wait(self.device)
        began = time.perf_counter()
        work()
        wait(self.device)
        return time.perf_counter() - began

    def _vision_flops(self) -> float:
        """Count the operations for one picture: two per weight and position, plus attention's own."""
        vision = self.model.config.vision_config
        positions = (vision.image_size // vision.patch_size) ** 2 + 1
        weights = sum(p.numel() for p in self.model.vision_model.parameters())
        attention = 4.0 * vision.num_hidden_layers * positions**2 * vision.hidden_size
        operations: float = 2.0 * weights * positions + attention
        return operations

    def _language_flops(self, prompt: int, answer: int) -> float:
        """Count the operations for one prompt and its answer."""
        language = self.model.language_model
        encoder = sum(p.numel() for p in language.encoder.block.parameters())
        decoder = sum(p.numel() for p in language.decoder.block.parameters()) + language.lm_head.weight.numel()
        operations: float = 2.0 * (encoder * prompt + decoder * answer)
        return operations


def run(model: TransformerModel, requests: Iterable[Request], tokens: int) -> Iterator[Response]:
    """Ask for answers of `tokens` tokens, or, if 0, for likelihoods."""
    return model.generate(requests, Generation(tokens)) if tokens else model.loglikelihood(requests)


def check(responses: Iterable[Response], expected: int) -> None:
    """Read all responses. Raises RuntimeError if one is an error or missing."""
    received = list(responses)
    errors = [response.error for response in received if response.error]
    if errors or len(received) != expected:
        raise RuntimeError(f"{len(received)} of {expected} answers, {len(errors)} errors: {errors[:1]}")


def matmul_peak(device: torch.device) -> float:
    """Return floating-point operations per second of large bfloat16 matrix products; 0 without a GPU."""
    if device.type != "cuda":
        return 0.0
    matrix = torch.randn(8192, 8192, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        matrix @ matrix
    wait(device)
    began = time.perf_counter()
    for _ in range(20):
        matrix @ matrix
    wait(device)
    return 20 * 2 * 8192.0**3 / (time.perf_counter() - began)


def wait(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
