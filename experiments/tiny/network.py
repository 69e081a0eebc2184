"""The tiny MMICL as it is trained: plain modules whose weights have the names that `mmeval.mmicl` loads.

Only torch is needed, so training runs wherever torch does. The arithmetic is that of transformers' BLIP-2,
InstructBLIP and LLaMA (a test compares them). Prompts, loading and generation belong to `mmeval.mmicl`.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.tiny.attention import attend
from experiments.tiny.qformer import QFormer
from experiments.tiny.sizes import Sizes
from experiments.tiny.vision import Vision


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
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)


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

        `rows` [B, L] are token ids, or, from the vocabulary's size on, positions among the visual tokens [P, T, D].
        """
        embeddings = self.table
        if visual is not None:
            embeddings = torch.cat([embeddings, visual.flatten(0, 1).to(embeddings.dtype)])
        states = embeddings.index_select(0, rows.flatten()).view(*rows.shape, -1)
        turns = (self.cosines[: rows.shape[1]], self.sines[: rows.shape[1]])
        for layer in self.layers:
            states = layer(states, turns)
        return cast(Tensor, self.parts["norm"](states))
