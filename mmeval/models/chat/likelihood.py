"""Log-likelihoods of candidates after a prompt, for any decoder-only chat model: the prompt is computed once."""

import copy
import inspect
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from mmeval.engine.decoding import cache_name

Tokens = tuple[int, ...]
Inputs = Mapping[str, Any]
"""A processor's tensors of prompts [B, L], padded on the left."""


def compare(model: Any, inputs: Inputs, candidates: Sequence[Sequence[Tokens]], pad: int) -> list[dict[Tokens, float]]:
    """Return, for each of B prompts, the sum of log-probabilities of each candidate's tokens, in float32.

    The prompt predicts the first token. For the others, the candidate is appended to the prompt's cache, one candidate
    per prompt at a time, so memory does not grow with the number of candidates.
    """
    inputs = {**inputs, **_positions(model, inputs)}
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
    appended = [_prefixes(options) for options in candidates]
    if any(appended):  # as `generate` does: some models make no cache themselves
        inputs[cache_name(model)] = DynamicCache(config=model.config.get_text_config(decoder=True))
    prompt = model(**inputs, use_cache=any(appended), **({"logits_to_keep": 1} if keeps else {}))
    first = prompt.logits[:, -1].float().log_softmax(-1)  # [B, V]
    sums: list[dict[Tokens, float]] = [
        {tokens: float(first[row, tokens[0]]) for tokens in options if len(tokens) == 1}
        for row, options in enumerate(candidates)
    ]
    for column in zip_longest(*appended, fillvalue=()):
        scores = _after(model, inputs, copy.deepcopy(prompt[cache_name(model)]), column, pad)
        for row, prefix in enumerate(column):
            for tokens in candidates[row]:
                if len(tokens) > 1 and tokens[:-1] == prefix[: len(tokens) - 1]:
                    following = torch.tensor(tokens[1:], device=scores.device)
                    later = scores[row, : len(following)].gather(-1, following[:, None]).sum()
                    sums[row][tokens] = float(first[row, tokens[0]] + later)
    return sums


def _after(model: Any, inputs: Inputs, cache: Any, column: Sequence[Tokens], pad: int) -> Tensor:
    """Return log-probabilities [B, S, V] of the token after each of the tokens [B, S] appended to the prompts."""
    mask, positions = inputs["attention_mask"], inputs.get("position_ids")
    longest = max(map(len, column))
    ids = mask.new_full((len(column), longest), pad)
    real = torch.zeros_like(ids)
    for row, tokens in enumerate(column):
        ids[row, : len(tokens)] = torch.tensor(tokens, device=ids.device)
        real[row, : len(tokens)] = 1
    more: dict[str, Any] = {}
    if positions is not None:
        more["position_ids"] = positions[..., -1:] + torch.arange(1, longest + 1, device=positions.device)
    if "cross_attention_mask" in inputs:  # Mllama's, [B, L, pictures, tiles]: an answer sees what the prompt's end sees
        more["cross_attention_mask"] = inputs["cross_attention_mask"][:, -1:].expand(-1, longest, -1, -1)
    mask = torch.cat([mask, real], 1)
    more[cache_name(model)] = cache
    output = model(input_ids=ids, attention_mask=mask, use_cache=True, **more)
    scores: Tensor = output.logits.float().log_softmax(-1)
    return scores


def _positions(model: Any, inputs: Inputs) -> dict[str, Tensor]:
    """Return the positions of the prompts' tokens, [B, L] or [axes, B, L], as `generate` computes them.

    Pictures may have fewer positions than tokens, and padding has none. Only the model knows.
    """
    if "position_ids" not in inspect.signature(model.forward).parameters:
        return {}
    return {"position_ids": model._prepare_position_ids_for_generation(inputs["input_ids"], dict(inputs))}


def _prefixes(candidates: Sequence[Tokens]) -> list[Tokens]:
    """Return the token sequences to append to a prompt to predict every candidate's tokens.

    The prompt alone predicts a candidate of one token, such as an option's letter.
    """
    prefixes = dict.fromkeys(tokens[:-1] for tokens in candidates if len(tokens) > 1)
    return [
        prefix
        for prefix in prefixes
        if not any(longer[: len(prefix)] == prefix and longer != prefix for longer in prefixes)
    ]
