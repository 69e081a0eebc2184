"""A language model's activation, norm and attention in fewer, larger operations, for evaluation and training.

transformers splits T5's and LLaMA's into several operations that each read and write the whole tensor. On a GPU they
cost more than the matrix products between them. The results are the same within rounding.
"""

from contextlib import nullcontext
from typing import Any

import torch
import transformers.models.auto.modeling_auto  # noqa: F401  # before any model's module: MMICL registers itself after it
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import NewGELUActivation
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.t5.modeling_t5 import T5Attention, T5DenseActDense, T5DenseGatedActDense, T5LayerNorm

ALIGNMENT = 8
"""Numbers in 16 bytes of bfloat16 or float16."""
CACHES = ("past_key_values", "cache")
"""The argument that is a cache, before transformers 5.24 and since."""


class FusedT5LayerNorm(T5LayerNorm):
    """T5's root-mean-square norm (Zhang and Sennrich, arXiv 1910.07467): no mean is subtracted, no bias is added."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Normalize [..., D]; the mean of squares is in float32 whatever the dtype."""
        return _rms_norm(hidden_states, self.weight, self.variance_epsilon)


class FusedLlamaRMSNorm(LlamaRMSNorm):
    """LLaMA's norm, the same as T5's if the states and the weight have the same dtype."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Normalize [..., D] as T5's does."""
        if hidden_states.dtype != self.weight.dtype:
            return super().forward(hidden_states)
        return _rms_norm(hidden_states, self.weight, self.variance_epsilon)


def _rms_norm(states: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    kind = states.device.type
    # under autocast a GPU's rms_norm would get float32 copies and return float32
    plain = torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()
    with plain:
        if states.dtype == weight.dtype:
            return functional.rms_norm(states, weight.shape, weight, epsilon)
        normal = functional.rms_norm(states.float(), weight.shape, None, epsilon)
        return weight * (normal if weight.dtype.itemsize == 4 else normal.to(weight.dtype))


class FusedT5Attention(T5Attention):
    """T5's attention, which adds the mask to the position bias once per stack instead of in every layer.

    It applies if attention is `sdpa` and no cache is kept; otherwise transformers' own code runs.
    """

    def forward(  # type: ignore[override]  # the name of the cache depends on transformers
        self,
        hidden_states: Tensor,
        mask: Tensor | None = None,
        key_value_states: Tensor | None = None,
        position_bias: Tensor | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor | None, None]:
        """Attend from [B, Q, D] to itself or to `key_value_states` [B, K, D]; return bias and mask added together."""
        supported = mask is None or mask.dim() == 4
        cached = any(options.get(name) is not None for name in CACHES)
        if cached or self.config._attn_implementation != "sdpa" or not supported:
            return super().forward(hidden_states, mask, key_value_states, position_bias, **options)  # type: ignore[no-any-return]
        source = hidden_states if key_value_states is None else key_value_states
        query, key, value = (
            project(states).unflatten(-1, (self.n_heads, self.key_value_proj_dim)).transpose(1, 2)
            for project, states in ((self.q, hidden_states), (self.k, source), (self.v, source))
        )  # [B, H, Q or K, D/H]
        if position_bias is None:  # the first layer of its stack; the others reuse this one's
            position_bias = self._bias(mask, query, key)
        attended = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=position_bias,
            dropout_p=self.dropout if self.training else 0.0,
            scale=self.scaling,
        )
        return self.o(attended.transpose(1, 2).flatten(2)), position_bias, None

    def _bias(self, mask: Tensor | None, query: Tensor, key: Tensor) -> Tensor:
        """Make the tensor that is added to the scores, [B or 1, H or 1, Q, K], in the query's dtype."""
        lengths = query.shape[-2], key.shape[-2]
        if mask is None and self.is_causal:
            mask = query.new_ones(lengths, dtype=torch.bool).tril()[None, None]
        if mask is not None and mask.dtype == torch.bool:
            mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill(~mask, torch.finfo(query.dtype).min)
        if not self.has_relative_attention_bias:
            return query.new_zeros(1, 1, *lengths) if mask is None else mask.to(query.dtype)
        bias: Tensor = self.compute_bias(*lengths, device=query.device)  # type: ignore[no-untyped-call]
        if mask is None or torch.compiler.is_compiling():  # torch's compiler aligns by itself
            return (bias if mask is None else bias + mask).to(query.dtype)
        room = (0, -lengths[1] % ALIGNMENT)
        total = functional.pad(bias, room) + functional.pad(mask, room)  # aligned without copying the large sum
        return total.to(query.dtype)[..., : lengths[1]]


def aligned(bias: Tensor) -> Tensor:
    """Return a bias [..., K] with rows that begin at multiples of 16 bytes.

    A GPU's attention kernels need them; torch would copy any other bias in every layer.
    """
    return functional.pad(bias, (0, -bias.shape[-1] % ALIGNMENT))[..., : bias.shape[-1]]


def fuse(module: nn.Module) -> None:
    """Replace activations, norms and attention in every part of a module; parameters and their names do not change."""
    for part in module.modules():
        if type(part) in FUSED:
            part.__class__ = FUSED[type(part)]
        elif isinstance(part, (T5DenseActDense, T5DenseGatedActDense)) and isinstance(part.act, NewGELUActivation):
            part.act = nn.GELU(approximate="tanh")


FUSED: dict[type, type] = {
    T5LayerNorm: FusedT5LayerNorm,
    LlamaRMSNorm: FusedLlamaRMSNorm,
    T5Attention: FusedT5Attention,
}


def compile_blocks(module: nn.Module, **how: Any) -> None:
    """Compile every block of a language model with torch, once for all lengths; identical blocks share the result.

    `how` goes to torch.compile.
    """
    for part in module.modules():
        if isinstance(part, GradientCheckpointingLayer):
            part.compile(dynamic=True, **how)
