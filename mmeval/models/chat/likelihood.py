"""Log-likelihoods of candidates after a prompt, for any decoder-only chat model."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Inputs = Mapping[str, Any]
"""What a processor makes of prompts, padded on the left."""

SUFFIX_TYPE = {"paligemma": 1}
"""Token type of an answer by model type, where it is not 0: PaliGemma reads type 0 in both directions."""


def rows_of(candidates: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return what must be appended to a prompt so that every candidate's tokens are predicted.

    That of one token is predicted by the prompt alone, so that letters of options need no row of their own.
    """
    longer = dict.fromkeys(tuple(tokens[:-1]) for tokens in candidates)
    return [own for own in longer if not any(other[: len(own)] == own and other != own for other in longer)]


def appended(inputs: Inputs, rows: Sequence[Sequence[int]], model_type: str, pad: int) -> dict[str, Any]:
    """Append tokens [S] to each prompt [R, L]; whatever has that shape becomes [R, L + S], padded on the right."""
    ids = inputs["input_ids"]
    longest = max(map(len, rows))
    suffix = ids.new_full((len(rows), longest), pad)
    real = torch.zeros_like(suffix)
    for row, tokens in enumerate(rows):
        suffix[row, : len(tokens)] = torch.tensor(tokens, dtype=suffix.dtype)
        real[row, : len(tokens)] = 1
    found = dict(inputs)
    for name, value in inputs.items():
        if not isinstance(value, Tensor) or value.shape[:2] != ids.shape:
            continue
        if name == "input_ids":
            more = suffix
        elif name == "attention_mask":
            more = real
        elif name == "cross_attention_mask":  # [R, L, pictures, tiles]: an answer sees what the prompt's end sees
            more = value[:, -1:].expand(-1, longest, *value.shape[2:])
        elif name == "token_type_ids":
            more = torch.full_like(suffix, SUFFIX_TYPE.get(model_type, 0))
        else:
            more = value.new_zeros((len(rows), longest, *value.shape[2:]))
        found[name] = torch.cat([value, more.to(value.dtype)], 1)
    return found


def log_probabilities(model: Any, inputs: Inputs, longest: int) -> Tensor:
    """Return log-probabilities [R, S + 1, V] of what follows the prompt and each of the `longest` (S) tokens after it.

    In float32, whatever the model's dtype.
    """
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
    more = {"logits_to_keep": longest + 1} if keeps else {}
    logits = model(**inputs, use_cache=False, **more).logits[:, -longest - 1 :]
    return logits.float().log_softmax(-1)


def summed(found: Tensor, rows: Sequence[tuple[int, ...]], candidates: Sequence[Sequence[int]]) -> list[float]:
    """Return each candidate's sum of log-probabilities [C] from those [R, S + 1, V] of one prompt's rows."""
    sums = []
    for tokens in candidates:
        row = next(place for place, own in enumerate(rows) if own[: len(tokens) - 1] == tuple(tokens[:-1]))
        places = torch.arange(len(tokens), device=found.device)
        sums.append(float(found[row, places, torch.tensor(tokens, device=found.device)].sum()))
    return sums
