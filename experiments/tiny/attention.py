"""Attention for all parts of the tiny models, fast on GPUs and CPUs."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """Let queries [B, H, Q, D] read values [B, H, K, D]: where `mask` [B, 1, 1, K] is True, or at earlier positions.

    Written out in bfloat16 on a CPU, where torch's fused attention is slow, most of all backward.
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        scores = scores + scores.new_zeros(mask.shape).masked_fill(~mask, -math.inf)
    return cast(Tensor, scores.softmax(-1).to(value.dtype) @ value)
