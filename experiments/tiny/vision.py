"""The vision encoder: BLIP-2's layers after a convolutional stem."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.tiny.attention import attend
from experiments.tiny.sizes import Sizes


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
