"""The tiny MMICL as it is trained: plain modules whose weights have the names that `mmeval.mmicl` loads.

Only torch is needed, so training runs wherever torch does. The arithmetic is that of transformers' BLIP-2,
InstructBLIP and LLaMA (a test compares them). Prompts, loading and generation belong to `mmeval.mmicl`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Sizes:
    """The model's sizes: under eight million parameters, less than 15 MB in bfloat16."""

    vocabulary: int
    reads: bool = False
    """Whether the Q-Former reads the question (InstructBLIP's)."""
    picture: int = 96
    patch: int = 16
    stem: tuple[int, ...] = (32, 64, 128, 192)
    vision: int = 192
    vision_layers: int = 3
    vision_ffn: int = 576
    visual_tokens: int = 16
    query: int = 192
    query_layers: int = 2
    query_ffn: int = 512
    query_heads: int = 6
    longest: int = 1024
    language: int = 256
    layers: int = 5
    heads: int = 4
    ffn: int = 640
    rope_theta: float = 1000.0


def sizes_of(vocabulary: int, reads: bool, small: bool) -> Sizes:
    """Return the family's sizes; `small`: sizes that a CPU trains in a few hours."""
    sizes = Sizes(vocabulary, reads)
    if not small:
        return sizes
    queries = replace(sizes, visual_tokens=8, query=128, query_ffn=256, query_heads=4)
    return replace(queries, language=128, layers=4, ffn=384)


def attend(query: Tensor, key: Tensor, value: Tensor, seen: Tensor | None = None, causal: bool = False) -> Tensor:
    """Let queries [B, H, Q, D] read values [B, H, K, D]: where `seen` [B, 1, 1, K] is True, or at earlier places.

    Written out on a CPU: in bfloat16, torch's fused attention takes 2 to 7 times as long there, mostly backward.
    """
    if query.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=seen, is_causal=causal)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if seen is not None:
        scores = scores + scores.new_zeros(seen.shape).masked_fill(~seen, -math.inf)
    return cast(Tensor, scores.softmax(-1).to(value.dtype) @ value)


class Attention(nn.Module):
    """BERT's attention with its residual and norm; `keys` is the width of the attended states."""

    def __init__(self, width: int, heads: int, keys: int) -> None:
        super().__init__()
        self.heads = heads
        sizes = {"query": width, "key": keys, "value": keys}
        self.attention = nn.ModuleDict({name: nn.Linear(size, width) for name, size in sizes.items()})
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)})

    def forward(self, states: Tensor, seen: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let states [B, Q, D] attend to `seen` [B, K, D'] where the mask [B, 1, 1, K] is True."""
        query, key, value = (
            layer(of).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, of in zip(self.attention.values(), (states, seen, seen), strict=True)
        )
        read = attend(query, key, value, mask)
        return cast(Tensor, self.output["LayerNorm"](self.output["dense"](read.transpose(1, 2).flatten(2)) + states))


class QFormerLayer(nn.Module):
    """Queries and text attend to one another, and queries to the picture; each has its own feed-forward layer."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, ffn = sizes.query, sizes.query_ffn
        self.attention = Attention(width, sizes.query_heads, width)
        self.crossattention = Attention(width, sizes.query_heads, sizes.vision)
        self.intermediate_query = nn.ModuleDict({"dense": nn.Linear(width, ffn)})
        self.output_query = nn.ModuleDict({"dense": nn.Linear(ffn, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)})
        if sizes.reads:
            self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, ffn)})
            self.output = nn.ModuleDict({"dense": nn.Linear(ffn, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)})

    def forward(self, states: Tensor, vision: Tensor, queries: int, mask: Tensor | None) -> Tensor:
        """Transform states [B, Q + text, D], which begin with the `queries` queries."""
        states = self.attention(states, states, mask)
        asked = self.crossattention(states[:, :queries], vision)
        asked = _feed(asked, self.intermediate_query, self.output_query)
        if states.shape[1] == queries:
            return asked
        return torch.cat([asked, _feed(states[:, queries:], self.intermediate, self.output)], dim=1)


def _feed(states: Tensor, up: nn.ModuleDict, down: nn.ModuleDict) -> Tensor:
    return down["LayerNorm"](down["dense"](functional.gelu(up["dense"](states))) + states)  # type: ignore[no-any-return]


class QFormer(nn.Module):
    """BLIP-2's Q-Former, or InstructBLIP's."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        norm = nn.LayerNorm(sizes.query, eps=1e-12)
        if sizes.reads:
            self.embeddings = nn.ModuleDict(
                {
                    "word_embeddings": nn.Embedding(sizes.vocabulary, sizes.query),
                    "position_embeddings": nn.Embedding(sizes.longest, sizes.query),
                    "layernorm": norm,
                }
            )
        else:
            self.layernorm = norm
        layers = nn.ModuleList(QFormerLayer(sizes) for _ in range(sizes.query_layers))
        self.encoder = nn.ModuleDict({"layer": layers})

    @property
    def layers(self) -> nn.ModuleList:
        """Its layers."""
        return cast(nn.ModuleList, self.encoder["layer"])

    def forward(self, queries: Tensor, vision: Tensor, text: Tensor | None = None) -> Tensor:
        """Return the states of queries [P, T, D] over vision states [P, V, D'], reading text ids [P, Q] (0: none)."""
        mask = None
        if text is not None:
            places = torch.arange(text.shape[1], device=text.device)
            words = self.embeddings["word_embeddings"](text) + self.embeddings["position_embeddings"](places)
            states = self.embeddings["layernorm"](torch.cat([queries, words], dim=1))
            always = torch.ones(queries.shape[:2], dtype=torch.bool, device=text.device)
            mask = torch.cat([always, text != 0], dim=1)[:, None, None]
        else:
            states = (self.embeddings["layernorm"] if hasattr(self, "embeddings") else self.layernorm)(queries)
        for layer in self.layers:
            states = layer(states, vision, queries.shape[1], mask)
        return cast(Tensor, states[:, : queries.shape[1]])


class VisionLayer(nn.Module):
    """A pre-norm transformer layer, as in BLIP-2's vision encoder."""

    def __init__(self, width: int, ffn: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.self_attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "projection": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, ffn), "fc2": nn.Linear(ffn, width)})

    def forward(self, states: Tensor) -> Tensor:
        """Transform states [P, V, D]."""
        qkv = self.self_attn["qkv"](self.layer_norm1(states)).unflatten(-1, (3, self.heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        read = attend(query, key, value)
        states = states + self.self_attn["projection"](read.transpose(1, 2).flatten(2))
        return states + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.layer_norm2(states))))  # type: ignore[no-any-return]


class Vision(nn.Module):
    """BLIP-2's vision encoder after a convolutional stem."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, heads = sizes.vision, 6
        layers: list[nn.Module] = []
        for before, after in pairwise((3, *sizes.stem)):
            convolution = nn.Conv2d(before, after, 3, stride=2, padding=1)
            layers += [convolution, nn.GroupNorm(math.gcd(after, 8), after), nn.GELU()]
        self.embeddings = nn.ParameterDict(
            {
                "class_embedding": nn.Parameter(torch.randn(1, 1, width) * 0.02),
                "position_embedding": nn.Parameter(
                    torch.randn(1, (sizes.picture // sizes.patch) ** 2 + 1, width) * 0.02
                ),
            }
        )
        self.embeddings.patch_embedding = nn.Sequential(*layers, nn.Conv2d(sizes.stem[-1], width, 1))
        stack = nn.ModuleList(VisionLayer(width, sizes.vision_ffn, heads) for _ in range(sizes.vision_layers))
        self.encoder = nn.ModuleDict({"layers": stack})
        self.post_layernorm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode normalized pixels [P, 3, H, W] as states [P, V, D]."""
        patches = self.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2)  # type: ignore[operator]
        first = self.embeddings["class_embedding"].expand(len(pixels), -1, -1)
        states = torch.cat([first, patches], dim=1) + self.embeddings["position_embedding"]
        for layer in cast(nn.ModuleList, self.encoder["layers"]):
            states = layer(states)
        return self.post_layernorm(states)  # type: ignore[no-any-return]


class LlamaLayer(nn.Module):
    """LLaMA's layer, with biases in its attention."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, ffn = sizes.language, sizes.ffn
        self.heads = sizes.heads
        self.input_layernorm = nn.RMSNorm(width, eps=1e-6)
        self.post_attention_layernorm = nn.RMSNorm(width, eps=1e-6)
        names = ("q_proj", "k_proj", "v_proj", "o_proj")
        self.self_attn = nn.ModuleDict({name: nn.Linear(width, width) for name in names})
        self.mlp = nn.ModuleDict(
            {
                "gate_proj": nn.Linear(width, ffn, bias=False),
                "up_proj": nn.Linear(width, ffn, bias=False),
                "down_proj": nn.Linear(ffn, width, bias=False),
            }
        )

    def forward(self, states: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        """Transform states [B, L, D]; `turns` are the rotary cosines and sines [L, D / heads / 2]."""
        normed = self.input_layernorm(states)
        query, key, value = (
            self.self_attn[name](normed).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for name in ("q_proj", "k_proj", "v_proj")
        )
        read = attend(_turn(query, turns), _turn(key, turns), value, causal=True)
        states = states + self.self_attn["o_proj"](read.transpose(1, 2).flatten(2))
        normed = self.post_attention_layernorm(states)
        gated = functional.silu(self.mlp["gate_proj"](normed)) * self.mlp["up_proj"](normed)
        return states + self.mlp["down_proj"](gated)  # type: ignore[no-any-return]


def _turn(vectors: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    cosines, sines = (turn.to(vectors.dtype) for turn in turns)
    one, two = vectors.chunk(2, dim=-1)
    return torch.cat([one * cosines - two * sines, two * cosines + one * sines], dim=-1)


class TinyMmicl(nn.Module):
    """All parts; its state dict is that of `MmiclForConditionalGeneration`, without the tied head."""

    cosines: Tensor
    sines: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.vision_model = Vision(sizes)
        self.query_tokens = nn.Parameter(torch.zeros(1, sizes.visual_tokens, sizes.query))
        self.qformer = QFormer(sizes)
        self.language_projection = nn.Linear(sizes.query, sizes.language)
        layers = nn.ModuleList(LlamaLayer(sizes) for _ in range(sizes.layers))
        table = nn.Embedding(sizes.vocabulary, sizes.language)
        norm = nn.RMSNorm(sizes.language, eps=1e-6)
        self.language_model = nn.ModuleDict(
            {"model": nn.ModuleDict({"embed_tokens": table, "layers": layers, "norm": norm})}
        )
        half = sizes.language // sizes.heads // 2
        speeds = sizes.rope_theta ** (-torch.arange(half).float() / half)
        angles = torch.outer(torch.arange(2 * sizes.longest).float(), speeds)
        self.register_buffer("cosines", angles.cos(), persistent=False)
        self.register_buffer("sines", angles.sin(), persistent=False)

    @property
    def parts(self) -> nn.ModuleDict:
        """The language model's `embed_tokens`, `layers` and `norm`."""
        return cast(nn.ModuleDict, self.language_model["model"])

    @property
    def layers(self) -> nn.ModuleList:
        """The language model's layers."""
        return cast(nn.ModuleList, self.parts["layers"])

    @property
    def table(self) -> Tensor:
        """The token embeddings [W, D], tied to the output head."""
        return cast(nn.Embedding, self.parts["embed_tokens"]).weight

    def visual(self, states: Tensor, text: Tensor | None = None) -> Tensor:
        """Make visual tokens [P, T, D] of vision states [P, V, D']; a Q-Former that reads also gets text [P, Q]."""
        queries = self.query_tokens.expand(len(states), -1, -1)
        return self.language_projection(self.qformer(queries, states, text))  # type: ignore[no-any-return]

    def forward(self, rows: Tensor, visual: Tensor | None = None) -> Tensor:
        """Return the last states [B, L, D].

        `rows` [B, L] are token ids, or, from the vocabulary's size on, places among the visual tokens [P, T, D].
        """
        known = self.table
        if visual is not None:
            known = torch.cat([known, visual.flatten(0, 1).to(known.dtype)])
        states = known.index_select(0, rows.flatten()).view(*rows.shape, -1)
        turns = (self.cosines[: rows.shape[1]], self.sines[: rows.shape[1]])
        for layer in self.layers:
            states = layer(states, turns)
        return cast(Tensor, self.parts["norm"](states))
