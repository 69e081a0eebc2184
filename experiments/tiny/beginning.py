"""The weights that the tiny family begins with: random, but for heads that look back and heads that look up.

What is set by hand is a start and no rule: learning may change it.
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
    weights preserve a vector's length. `wired`: two heads of the first layer start by looking back (`_look_back`),
    and two of the second by looking up what followed the present token before (`_look_up`).
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
            for head, back in ((0, 1), (1, 2)):
                _look_back(model, head, back)
            if sizes.layers > 1:
                _look_up(model, (0, 1))


def _look_back(model: TinyMmicl, head: int, back: int, gap: float = 5.0, noise: float = 0.3) -> None:
    """Make a head of the first layer start out attending `back` tokens back, by position alone.

    Query and key get biases that rotary positions turn into a peak at that distance, `gap` above the farthest.
    """
    layer, rows = _layer(model, 0), _rows(model, head)
    speeds, width = _speeds(model), rows.stop - rows.start
    used = (speeds > FAST).float()
    size = math.sqrt(gap * math.sqrt(width) / float((used * (1 - speeds.cos())).sum()))
    for name in ("q_proj", "k_proj"):
        layer[name].weight[rows] *= noise
    layer["k_proj"].bias[rows] = torch.cat([size * used, 0 * used])
    layer["q_proj"].bias[rows] = torch.cat([size * used * (speeds * back).cos(), -size * used * (speeds * back).sin()])


def _look_up(model: TinyMmicl, heads: tuple[int, ...], score: float = 16.0, copy: float = 0.5) -> None:
    """Make heads of the second layer start out copying what followed the present token when it stood there before.

    The first layer's first head, which looks back one token, writes what it sees (`seen`) into directions of its own
    (`kept`). The heads attend where these hold what the present token is, at any distance (an induction head, Olsson
    et al. 2022), and copy that place's token to the output.
    """
    first, second = _layer(model, 0), _layer(model, 1)
    width = _rows(model, 0).stop
    slow = (_speeds(model) < SLOW).float().repeat(2)[:, None]
    gain = 1.6 * math.sqrt(score * math.sqrt(width) / float(slow.sum()))
    seen, kept = _directions(model).T, _directions(model)
    first["v_proj"].weight[_rows(model, 0)] = seen
    first["o_proj"].weight[:, _rows(model, 0)] = kept / math.sqrt(width)
    for head in heads:
        rows, copied = _rows(model, head), _directions(model)
        second["q_proj"].weight[rows] = gain * slow * seen
        second["k_proj"].weight[rows] = gain * slow * kept.T
        second["v_proj"].weight[rows] = copied.T
        second["o_proj"].weight[:, rows] = copy * copied


def _directions(model: TinyMmicl) -> Tensor:
    """Return as many random orthogonal unit vectors as a head is wide: [D, D / heads]."""
    sizes = model.sizes
    return cast(Tensor, torch.linalg.qr(torch.randn(sizes.language, sizes.language // sizes.heads))[0])


def _layer(model: TinyMmicl, place: int) -> dict[str, nn.Linear]:
    layer = cast(LlamaLayer, cast(nn.ModuleList, model.parts["layers"])[place])
    return {name: cast(nn.Linear, part) for name, part in layer.self_attn.items()}


def _rows(model: TinyMmicl, head: int) -> slice:
    width = model.sizes.language // model.sizes.heads
    return slice(head * width, (head + 1) * width)


def _speeds(model: TinyMmicl) -> Tensor:
    """Return how fast each pair of a head's dimensions turns: [D / heads / 2], radians a token."""
    half = model.sizes.language // model.sizes.heads // 2
    return cast(Tensor, model.sizes.rope_theta ** (-torch.arange(half).float() / half))
