"""The Q-Former of BLIP-2, and that of InstructBLIP, which reads the question."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.tiny.attention import attend
from experiments.tiny.sizes import Sizes


class Attention(nn.Module):
    """BERT's attention with its residual and norm; `keys` is the width of the attended states."""

    def __init__(self, width: int, heads: int, keys: int) -> None:
        super().__init__()
        self.heads = heads
        sizes = {"query": width, "key": keys, "value": keys}
        self.attention = nn.ModuleDict({name: nn.Linear(size, width) for name, size in sizes.items()})
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)})

    def forward(self, states: Tensor, attended: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let states [B, Q, D] attend to `attended` [B, K, D'] where the mask [B, 1, 1, K] is True."""
        query, key, value = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in zip(self.attention.values(), (states, attended, attended), strict=True)
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
        queried = self.crossattention(states[:, :queries], vision)
        queried = _feed(queried, self.intermediate_query, self.output_query)
        if states.shape[1] == queries:
            return queried
        return torch.cat([queried, _feed(states[:, queries:], self.intermediate, self.output)], dim=1)


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
            positions = torch.arange(text.shape[1], device=text.device)
            words = self.embeddings["word_embeddings"](text) + self.embeddings["position_embeddings"](positions)
            states = self.embeddings["layernorm"](torch.cat([queries, words], dim=1))
            queries_seen = torch.ones(queries.shape[:2], dtype=torch.bool, device=text.device)
            mask = torch.cat([queries_seen, text != 0], dim=1)[:, None, None]
        else:
            states = (self.embeddings["layernorm"] if hasattr(self, "embeddings") else self.layernorm)(queries)
        for layer in self.layers:
            states = layer(states, vision, queries.shape[1], mask)
        return cast(Tensor, states[:, : queries.shape[1]])
