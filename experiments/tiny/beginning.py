"""The initial weights of the tiny family: random, except for heads that look back, look up and compare.

These heads are only a start; learning may change them. A head of the first layer looks back one token. With it, two
heads of the second layer look up what followed the present token at its earlier occurrence (an induction head, Olsson
et al. 2022). A third keeps that result apart, and the third layer compares it with the word that is actually there.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from experiments.tiny.network import LlamaLayer, TinyMmicl

QUIET = 0.1
"""Initial scale of the language model's random parts, small, so looked-up tokens stand out."""
FAST, SLOW = 0.15, 0.1
"""Rotary speeds, in radians per token: position is read above FAST, content is compared below SLOW."""


def begin(model: TinyMmicl) -> None:
    """Initialize the weights with torch's generator, except the vision encoder's.

    A transformer of this size that starts with weights of 0.02 attends to everything equally for a long time; these
    weights preserve a vector's length. Some heads start as the module says; models with fewer than four layers only
    look back.
    """
    sizes = model.sizes
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.startswith("vision_model.") or "norm" in name.lower():
                continue
            if weight.dim() == 1:
                drawn = name.endswith(("q_proj.bias", "k_proj.bias"))
                weight.normal_(std=0.01) if drawn else weight.zero_()
                continue
            std = weight.shape[-1] ** -0.5
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                std = QUIET * sizes.language**-0.5 / math.sqrt(2 * sizes.layers)
            weight.normal_(std=1.0 if name == "query_tokens" else std)
        _look_back(model, 0, head=0, back=1)
        _look_back(model, 0, head=1, back=2)
        if sizes.layers > 3:
            _wire(model)


def _look_back(model: TinyMmicl, index: int, head: int, back: int, gap: float = 5.0, noise: float = 0.3) -> None:
    """Make a head of that layer start out attending `back` tokens back, by position alone.

    Query and key get biases that rotary positions turn into a peak at that distance, `gap` above the farthest.
    """
    layer, rows = _attention(model, index), _rows(model, head)
    speeds = _speeds(model)
    used = (speeds > FAST).float()
    size = math.sqrt(gap * math.sqrt(2 * len(speeds)) / float((used * (1 - speeds.cos())).sum()))
    for name in ("q_proj", "k_proj"):
        layer[name].weight[rows] *= noise
    layer["k_proj"].bias[rows] = torch.cat([size * used, 0 * used])
    layer["q_proj"].bias[rows] = torch.cat([size * used * (speeds * back).cos(), -size * used * (speeds * back).sin()])


def _wire(model: TinyMmicl, score: float = 16.0, copy: float = 0.25, flag: float = 1.0) -> None:
    """Make the first three layers start with looking up and comparing.

    The residual stream is divided into four parts, each as wide as a head: the token, the token before, the token
    expected next, and the token that was expected here. The third layer's gated units multiply the first part by the
    last, so one direction tells how well the present token matches the expected one. A head of the fourth layer looks
    back one token, to where a claim ended.
    """
    width = _rows(model, 0).stop
    token, before, expected, expected_here = torch.split(_orthogonal(model), width, dim=1)[:4]  # [D, width] each
    first, second, third = (_attention(model, index) for index in range(3))
    rows = _rows(model, 0)
    first["v_proj"].weight[rows] = token.T
    first["o_proj"].weight[:, rows] = 2 * before / math.sqrt(width)
    slow = (_speeds(model) < SLOW).float().repeat(2)[:, None]
    gain = 1.6 * math.sqrt(score * math.sqrt(width) / float(slow.sum()))
    for head in range(3):
        rows = _rows(model, head)
        second["q_proj"].weight[rows] = gain * slow * token.T
        second["k_proj"].weight[rows] = gain * slow * before.T
        copied = _orthogonal(model)[:, :width] if head < 2 else token
        second["v_proj"].weight[rows] = copied.T
        second["o_proj"].weight[:, rows] = copy * copied if head < 2 else 4 * expected / math.sqrt(width)
    _look_back(model, 2, head=0, back=1)
    rows = _rows(model, 0)
    third["v_proj"].weight[rows] = expected.T
    third["o_proj"].weight[:, rows] = 0.7 * expected_here
    units = cast(LlamaLayer, model.layers[2]).mlp
    gate, up, down = (cast(nn.Linear, units[name]).weight for name in ("gate_proj", "up_proj", "down_proj"))
    _look_back(model, 3, head=0, back=1)
    match = _orthogonal(model)[:, :1]
    for half, sign in enumerate((1, -1)):  # silu(x) y + silu(-x) (-y) = x y
        rows = slice(half * width, (half + 1) * width)
        gate[rows], up[rows], down[:, rows] = sign * expected_here.T, sign * token.T, flag * match / math.sqrt(width)


def _orthogonal(model: TinyMmicl) -> Tensor:
    """Return random orthogonal unit vectors: [D, D]."""
    return cast(Tensor, torch.linalg.qr(torch.randn(model.sizes.language, model.sizes.language))[0])


def _attention(model: TinyMmicl, index: int) -> dict[str, nn.Linear]:
    layer = cast(LlamaLayer, model.layers[index])
    return {name: cast(nn.Linear, part) for name, part in layer.self_attn.items()}


def _rows(model: TinyMmicl, head: int) -> slice:
    width = model.sizes.language // model.sizes.heads
    return slice(head * width, (head + 1) * width)


def _speeds(model: TinyMmicl) -> Tensor:
    """Return the rotation speed of each pair of a head's dimensions: [D / heads / 2], radians per token."""
    half = model.sizes.language // model.sizes.heads // 2
    return model.sizes.rope_theta ** (-torch.arange(half).float() / half)
