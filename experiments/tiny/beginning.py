"""The weights that the tiny family begins with: random, but for heads that look back, look up and compare.

What is set by hand is a start and no rule: learning may change it. After a head of the first layer that looks back one
token, two heads of the second look up what followed the present token when it stood there before (an induction head,
Olsson et al. 2022), a third keeps that apart, and the third layer compares it with the word that is said instead.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from experiments.tiny.network import LlamaLayer, TinyMmicl

QUIET = 0.1
"""How loud the random parts of the language model begin, so that what is looked up is heard."""
FAST, SLOW = 0.15, 0.1
"""Rotary speeds, in radians a token, over which position is told, and below which content is compared."""


def begin(model: TinyMmicl, *, wired: bool = True) -> None:
    """Initialise the weights with torch's generator, except the vision encoder's.

    A transformer of this size that starts with weights of 0.02 attends to everything alike for a long time; these
    weights preserve a vector's length. `wired`: some heads start as the module says; models of fewer than four layers
    only look back.
    """
    sizes = model.sizes
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.startswith("vision_model.") or "norm" in name.lower():
                continue
            if weight.dim() == 1:
                drawn = wired and name.endswith(("q_proj.bias", "k_proj.bias"))
                weight.normal_(std=0.01) if drawn else weight.zero_()
                continue
            std = weight.shape[-1] ** -0.5
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                std = (QUIET if wired else 1.0) * sizes.language**-0.5 / math.sqrt(2 * sizes.layers)
            weight.normal_(std=1.0 if name == "query_tokens" else std)
        if wired:
            _look_back(model, 0, head=0, back=1)
            _look_back(model, 0, head=1, back=2)
            if sizes.layers > 3:
                _wire(model)


def _look_back(model: TinyMmicl, place: int, head: int, back: int, gap: float = 5.0, noise: float = 0.3) -> None:
    """Make a head of that layer start out attending `back` tokens back, by position alone.

    Query and key get biases that rotary positions turn into a peak at that distance, `gap` above the farthest.
    """
    layer, rows = _attention(model, place), _rows(model, head)
    speeds = _speeds(model)
    used = (speeds > FAST).float()
    size = math.sqrt(gap * math.sqrt(2 * len(speeds)) / float((used * (1 - speeds.cos())).sum()))
    for name in ("q_proj", "k_proj"):
        layer[name].weight[rows] *= noise
    layer["k_proj"].bias[rows] = torch.cat([size * used, 0 * used])
    layer["q_proj"].bias[rows] = torch.cat([size * used * (speeds * back).cos(), -size * used * (speeds * back).sin()])


def _wire(model: TinyMmicl, score: float = 16.0, copy: float = 0.25, flag: float = 1.0) -> None:
    """Make looking up and comparing the start of the first three layers.

    The residual stream is divided into four parts of a head's width each: what a token is, what the token before is,
    what is expected next, and what was expected here. The third layer's gated units multiply the first part with the
    last, so that one direction tells how far the present token is the one that was expected.
    """
    width = _rows(model, 0).stop
    one, before, expected, here = torch.split(_orthogonal(model), width, dim=1)[:4]  # [D, width] each
    first, second, third = (_attention(model, place) for place in range(3))
    rows = _rows(model, 0)
    first["v_proj"].weight[rows] = one.T
    first["o_proj"].weight[:, rows] = 2 * before / math.sqrt(width)
    slow = (_speeds(model) < SLOW).float().repeat(2)[:, None]
    gain = 1.6 * math.sqrt(score * math.sqrt(width) / float(slow.sum()))
    for head in range(3):
        rows = _rows(model, head)
        second["q_proj"].weight[rows] = gain * slow * one.T
        second["k_proj"].weight[rows] = gain * slow * before.T
        copied = _orthogonal(model)[:, :width] if head < 2 else one
        second["v_proj"].weight[rows] = copied.T
        second["o_proj"].weight[:, rows] = copy * copied if head < 2 else 4 * expected / math.sqrt(width)
    _look_back(model, 2, head=0, back=1)
    rows = _rows(model, 0)
    third["v_proj"].weight[rows] = expected.T
    third["o_proj"].weight[:, rows] = 0.7 * here
    units = cast(LlamaLayer, cast(nn.ModuleList, model.parts["layers"])[2]).mlp
    gate, up, down = (cast(nn.Linear, units[name]).weight for name in ("gate_proj", "up_proj", "down_proj"))
    match = _orthogonal(model)[:, :1]
    for half, sign in enumerate((1, -1)):  # silu(x) y + silu(-x) (-y) = x y
        rows = slice(half * width, (half + 1) * width)
        gate[rows], up[rows], down[:, rows] = sign * here.T, sign * one.T, flag * match / math.sqrt(width)


def _orthogonal(model: TinyMmicl) -> Tensor:
    """Return random orthogonal unit vectors: [D, D]."""
    return cast(Tensor, torch.linalg.qr(torch.randn(model.sizes.language, model.sizes.language))[0])


def _attention(model: TinyMmicl, place: int) -> dict[str, nn.Linear]:
    layer = cast(LlamaLayer, cast(nn.ModuleList, model.parts["layers"])[place])
    return {name: cast(nn.Linear, part) for name, part in layer.self_attn.items()}


def _rows(model: TinyMmicl, head: int) -> slice:
    width = model.sizes.language // model.sizes.heads
    return slice(head * width, (head + 1) * width)


def _speeds(model: TinyMmicl) -> Tensor:
    """Return how fast each pair of a head's dimensions turns: [D / heads / 2], radians a token."""
    half = model.sizes.language // model.sizes.heads // 2
    return model.sizes.rope_theta ** (-torch.arange(half).float() / half)
