"""The speed of a training run: samples and tokens per second, and the share of a GPU's peak that is used."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mmeval.mmicl.modeling import MmiclForConditionalGeneration

COUNTED = ("rows", "prompt tokens", "learned tokens", "pictures shown", "distinct pictures")
"""The entries of a batch's `counts`."""

PEAKS = {
    "B200": 2250e12, "H200": 989e12, "H100 PCIe": 756e12, "H100 NVL": 835e12, "H100": 989e12, "A100": 312e12,
    "A40": 149.7e12, "A30": 165e12, "A10": 125e12, "L40S": 362e12, "L40": 181e12, "L4": 121e12,
    "RTX 4090": 165e12, "RTX 3090": 71e12,
}  # fmt: skip
"""Part of a GPU's name -> bfloat16 operations per second in dense matrix products, from NVIDIA's data sheets."""

NOT_MULTIPLIED = re.compile(r"embed|shared|relative_attention_bias|word_embeddings|position_embedding|lm_head")
QFORMER_TEXT = re.compile(r"layer\.\d+\.(intermediate|output)\.")
"""Weights that only a Q-Former's text passes through."""
FROM_PICTURE = re.compile(r"crossattention\.attention\.(key|value)\.")
FROM_PROMPT = re.compile(r"EncDecAttention\.(k|v)\.")


@dataclass(frozen=True)
class Operations:
    """Floating-point operations of a training step, per token or picture: forward, backward, and weight gradients.

    Each weight of a matrix takes two per token forward, two more if a gradient passes, and two more if the weight
    learns. Attention products, norms and padding are left out, so the share of the peak is never overstated.
    """

    picture: float
    """The vision encoder, per distinct picture; 0 if its features are kept."""
    queries: float
    """The Q-Former and the projection, per distinct picture."""
    prompt: float
    """Per token of the prompt."""
    answer: float
    """Per learned token of the answer: a T5's decoder, and every model's head."""

    def of(self, counts: Sequence[float]) -> dict[str, float]:
        """Return the operations of each part for the given COUNTED numbers."""
        _, prompt, answer, _, pictures = counts
        return {
            "vision": self.picture * pictures,
            "Q-Former": self.queries * pictures,
            "language model": self.prompt * prompt + self.answer * answer,
        }


def operations(model: MmiclForConditionalGeneration, features: bool) -> Operations:
    """Count the operations of a model with its current trainable set; `features`: the vision encoder does not run."""
    config = model.config
    vision = config.vision_config
    states = (vision.image_size // vision.patch_size) ** 2 + 1
    vision_flows = _learns(model.vision_model) and not features
    qformer_flows = vision_flows or _learns(model.qformer) or model.query_tokens.requires_grad
    projection_flows = qformer_flows or _learns(model.language_projection)
    projection = _per_token(model.language_projection, qformer_flows)
    queries = _per_token(
        model.qformer, qformer_flows, lambda name: not (QFORMER_TEXT.search(name) or FROM_PICTURE.search(name))
    )
    from_picture = _per_token(model.qformer, vision_flows, lambda name: FROM_PICTURE.search(name) is not None)
    language = model.language_model
    flows = projection_flows or _learns(language)
    head = _per_token(language.lm_head, flows)
    if config.decoder_only:
        prompt, answer = _per_token(language.model, flows), head
    else:
        prompt = _per_token(language.encoder, flows)
        prompt += _per_token(language.decoder, flows, lambda name: FROM_PROMPT.search(name) is not None)
        answer = head + _per_token(language.decoder, flows, lambda name: not FROM_PROMPT.search(name))
    return Operations(
        picture=0.0 if features else states * _per_token(model.vision_model, vision_flows),
        queries=config.num_query_tokens * (queries + projection) + states * from_picture,
        prompt=prompt,
        answer=answer,
    )


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def _per_token(module: nn.Module, flows: bool, selects: Callable[[str], bool] = lambda name: True) -> float:
    matrices = [
        parameter
        for name, parameter in module.named_parameters()
        if parameter.dim() == 2 and selects(name) and not NOT_MULTIPLIED.search(name)
    ]
    total = sum(parameter.numel() for parameter in matrices)
    learned = sum(parameter.numel() for parameter in matrices if parameter.requires_grad)
    return 2.0 * total + (2.0 * total if flows else 0.0) + 2.0 * learned


@dataclass
class Progress:
    """Count what the steps process, without waiting for a GPU, and compute rates on request."""

    operations: Operations
    device: torch.device
    processes: int
    sum_over_processes: Callable[[Tensor], Tensor]
    counts: Tensor = field(init=False)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.counts = torch.zeros(len(COUNTED), dtype=torch.long, device=self.device)
        self.began = time.perf_counter()
        self.peak = peak_of(self.device)

    def add(self, counts: Tensor) -> None:
        """Add a batch's `counts`."""
        self.counts += counts

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave time that is not training out of the rates: evaluations and checkpoints."""
        paused_at = time.perf_counter()
        yield
        self.began += time.perf_counter() - paused_at

    def rates(self) -> dict[str, float]:
        """Return rates since the last call: samples and tokens per second, peak memory in GiB, share of the GPU's peak.

        Every process must call it. The share is included if the GPU's peak is known.
        """
        counts = self.sum_over_processes(self.counts).tolist()  # waits for the GPU
        seconds, self.began = time.perf_counter() - self.began, time.perf_counter()
        self.counts.zero_()
        result = {"samples_per_second": counts[0] / seconds, "tokens_per_second": (counts[1] + counts[2]) / seconds}
        if self.device.type == "cuda":
            result["memory_gib"] = torch.cuda.max_memory_allocated(self.device) / 2**30
        if self.peak is not None:
            total = sum(self.operations.of(counts).values())
            result["share_of_peak"] = total / seconds / self.peak / self.processes
        return result


def peak_of(device: torch.device) -> float | None:
    """Return a GPU's nominal bfloat16 operations per second, or None if unknown."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for part, peak in PEAKS.items() if part in name), None)


def in_words(rates: Mapping[str, float]) -> str:
    """Format rates like `310 samples/s, 41,000 tokens/s, 58.2 GiB, 41% of the peak`."""
    parts = [f"{rates['samples_per_second']:.3g} samples/s, {rates['tokens_per_second']:,.0f} tokens/s"]
    if "memory_gib" in rates:
        parts.append(f"{rates['memory_gib']:.1f} GiB")
    if "share_of_peak" in rates:
        parts.append(f"{rates['share_of_peak']:.0%} of the peak")
    return ", ".join(parts)


def time_in_words(seconds: float) -> str:
    """Format a time like `3 h 20 min`."""
    hours, remaining = divmod(round(seconds), 3600)
    if hours:
        return f"{hours} h {remaining // 60} min"
    return f"{remaining // 60} min" if remaining >= 120 else f"{remaining} s"
