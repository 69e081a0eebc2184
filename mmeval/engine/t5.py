"""T5's decoder for evaluation: the prompts' keys and values are computed once, and nothing waits for a GPU.

transformers' own forward reads the values of the masks at every step, and each time waits for the GPU. The parts of
each layer are transformers' own; only the attention between them is written here (T5: Raffel et al., arXiv 1910.10683).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from mmeval.mmicl.fused import aligned
from mmeval.mmicl.modeling import additive


@dataclass
class _Memory:
    """Keys and values of one layer, each [B, H, length, D/H]."""

    prompt: tuple[Tensor, Tensor]
    answer: tuple[Tensor, Tensor] | None = None

    def rows(self, chosen: Tensor | None) -> _Memory:
        """Return a memory of these rows, or of all."""
        if chosen is None:
            return _Memory(self.prompt, self.answer)
        return _Memory(_chosen(self.prompt, chosen), None if self.answer is None else _chosen(self.answer, chosen))


class T5Decoder:
    """A T5 that has read a batch of prompts and decodes answers to them."""

    def __init__(self, language: PreTrainedModel, bias: Tensor, memories: list[_Memory], length: int = 0) -> None:
        """`bias` [B, 1, 1, L] is added to the prompt's attention scores; `length` tokens of the answer are read."""
        self._language: Any = language
        self._bias, self._memories, self._length = bias, memories, length

    @classmethod
    def after(cls, language: PreTrainedModel, embeds: Tensor, mask: Tensor) -> T5Decoder:
        """Read prompts [B, L, D]; `mask` [B, L] is 0 for padding."""
        model: Any = language
        bias = aligned(additive(mask, embeds.dtype))
        states = model.encoder(inputs_embeds=embeds, attention_mask=bias).last_hidden_state
        crossing = (block.layer[1].EncDecAttention for block in model.decoder.block)
        memories = [
            _Memory((_heads(attention, attention.k, states), _heads(attention, attention.v, states)))
            for attention in crossing
        ]
        return cls(language, bias, memories)

    def step(self, tokens: Tensor | None) -> Tensor:
        """Return the logits [B, V] after these tokens [B], or after the start token if None."""
        if tokens is None:
            tokens = torch.full((len(self._bias),), start(self._language), device=self._bias.device)
        return self.read(tokens[:, None])[:, -1]

    def read(self, tokens: Tensor) -> Tensor:
        """Read the next tokens [B, S] of the answers, the start token first; return the logits [B, S, V] after each."""
        decoder = self._language.decoder
        states = decoder.embed_tokens(tokens)
        bias = self._causal(tokens.shape[1], states.dtype)
        for block, memory in zip(decoder.block, self._memories, strict=True):
            self_block, cross_block, feed_forward = block.layer
            attention, normal = self_block.SelfAttention, self_block.layer_norm(states)
            key, value = _heads(attention, attention.k, normal), _heads(attention, attention.v, normal)
            if memory.answer is not None:
                key, value = torch.cat([memory.answer[0], key], 2), torch.cat([memory.answer[1], value], 2)
            memory.answer = key, value
            states = _finite(states + _attended(attention, normal, memory.answer, bias))
            normal = cross_block.layer_norm(states)
            states = _finite(states + _attended(cross_block.EncDecAttention, normal, memory.prompt, self._bias))
            states = _finite(feed_forward(states))
        self._length += tokens.shape[1]
        states = decoder.final_layer_norm(states)
        if self._language.config.scale_decoder_outputs:
            states = states * self._language.model_dim**-0.5
        logits: Tensor = self._language.lm_head(states)
        return logits

    def rows(self, chosen: Tensor | None) -> T5Decoder:
        """Return a decoder of these rows, which may repeat, or of all; this one stays as it is."""
        bias = self._bias if chosen is None else aligned(self._bias[chosen])
        return T5Decoder(self._language, bias, [memory.rows(chosen) for memory in self._memories], self._length)

    def _causal(self, new: int, dtype: torch.dtype) -> Tensor:
        """Return what is added to the scores of `new` tokens [1, H, S, length]: their distances' bias, and the mask."""
        attention: Any = self._language.decoder.block[0].layer[0].SelfAttention
        length, device = self._length + new, self._bias.device
        bias: Tensor = attention.compute_bias(new, length, device=device, past_seen_tokens=self._length).to(dtype)
        if new > 1:
            later = torch.ones(new, length, dtype=torch.bool, device=device).triu(self._length + 1)
            bias = bias.masked_fill(later, torch.finfo(dtype).min)
        return aligned(bias)


def start(language: PreTrainedModel) -> int:
    """Return the decoder's start token."""
    config = language.generation_config
    token = None if config is None else config.decoder_start_token_id
    return int(language.config.decoder_start_token_id if token is None else token)


def _heads(attention: Any, project: Any, states: Tensor) -> Tensor:
    """Project states [B, S, D] as heads [B, H, S, D/H]."""
    split = (*states.shape[:2], attention.n_heads, attention.key_value_proj_dim)
    heads: Tensor = project(states).view(split).transpose(1, 2)
    return heads


def _attended(attention: Any, states: Tensor, memory: tuple[Tensor, Tensor], bias: Tensor) -> Tensor:
    """Attend from states [B, S, D] to keys and values; return [B, S, D]."""
    query = _heads(attention, attention.q, states)
    mixed = functional.scaled_dot_product_attention(query, *memory, attn_mask=bias, scale=attention.scaling)
    attended: Tensor = attention.o(mixed.transpose(1, 2).flatten(2))
    return attended


def _finite(states: Tensor) -> Tensor:
    """Clamp infinite states of float16, as T5Block does; other dtypes have room enough."""
    if states.dtype != torch.float16:
        return states
    most = torch.finfo(states.dtype).max
    limit = torch.where(states.isinf().any(), most - 1000, most)
    return states.clamp(min=-limit, max=limit)


def _chosen(memory: tuple[Tensor, Tensor], rows: Tensor) -> tuple[Tensor, Tensor]:
    return memory[0].index_select(0, rows), memory[1].index_select(0, rows)
