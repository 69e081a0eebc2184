"""Decode answers to embedded prompts, or compute candidates' log-likelihoods.

Both read a prompt once. They wait for a GPU only to see which rows had ended some steps ago.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache, GenerationConfig, LogitsProcessorList, PreTrainedModel

from mmeval.engine.device import copy_to_cpu_async
from mmeval.engine.t5 import T5Decoder, start
from mmeval.mmicl.modeling import placed
from mmeval.mmicl.processing import padded
from mmeval.types import Generation

PLAIN = {
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "transformers_version",
    "use_cache",
    "_from_model_config",
}
"""Settings of a generation config that do not affect greedy decoding."""
END_CHECKS = {"cpu": (1, 0), "cuda": (4, 1)}
"""Steps between checks for finished rows, and how many checks the result may lag.

On a GPU the result is read one check later, so decoding does not wait.
"""


@dataclass(frozen=True)
class Written:
    """The new tokens of each row."""

    ids: Tensor
    """[B, S], int64: new tokens, padding after a row's end."""
    finite: Tensor
    """[B, S], bool: whether the scores at each token were finite."""


def write(
    language: PreTrainedModel,
    embeds: Tensor,
    mask: Tensor,
    generation: Generation,
    on_token: Callable[[int], object] | None = None,
) -> Written:
    """Write answers to prompts [B, L, D], floating-point, greedy or by beam search.

    `mask` [B, L], int64, is 0 for padding.

    Greedy decoding calls `on_token` with each token of the first row as it is chosen.
    """
    config = language.generation_config
    shaped = (generation.min_new_tokens, generation.repetition_penalty) != (0, 1.0)
    if generation.beams == 1 and not shaped and config is not None and _plain(config):
        return _greedy(language, embeds, mask, generation.max_new_tokens, on_token)
    finite: list[Tensor] = []

    def look(_: Tensor, scores: Tensor) -> Tensor:
        finite.append(scores.amax(-1).isfinite())
        return scores

    ids = language.generate(  # type: ignore[operator]
        inputs_embeds=embeds, attention_mask=mask, logits_processor=LogitsProcessorList([look]),
        do_sample=False, num_beams=generation.beams, max_new_tokens=generation.max_new_tokens,
        min_new_tokens=generation.min_new_tokens or None, repetition_penalty=generation.repetition_penalty,
        **({"length_penalty": generation.length_penalty} if generation.beams > 1 else {}),
    )  # fmt: skip
    valid = torch.stack(finite, 1).view(len(embeds), -1, len(finite)).all(1)  # [B, beams, S] -> [B, S]
    return Written(ids[:, 1:] if language.config.is_encoder_decoder else ids, valid)  # T5 rows begin with a start token


def _plain(config: GenerationConfig) -> bool:
    """Tell whether a checkpoint's generation config does not affect greedy decoding."""
    settings = config.to_diff_dict()
    return {name for name, value in settings.items() if value is not None and value is not False} <= PLAIN


def _greedy(
    language: PreTrainedModel, embeds: Tensor, mask: Tensor, limit: int, on_token: Callable[[int], object] | None
) -> Written:
    """Write the most likely token at each step. Ended rows are removed once they are half of all."""
    config = language.generation_config
    assert config is not None
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    pad = ends[0] if config.pad_token_id is None else config.pad_token_id
    ids = torch.full((len(embeds), limit), pad, device=embeds.device)
    finite = torch.ones((len(embeds), limit), dtype=torch.bool, device=embeds.device)
    rows = torch.arange(len(embeds), device=embeds.device)
    ended = torch.zeros(len(embeds), dtype=torch.bool, device=embeds.device)
    t5 = language.config.is_encoder_decoder
    state = T5Decoder.after(language, embeds, mask) if t5 else _Continued(language, mask, embeds)
    interval, lag = END_CHECKS[embeds.device.type]
    checks: deque[Callable[[], list[list[bool]]]] = deque()
    tokens = None
    for step in range(limit):
        logits = state.step(tokens)  # [B, V]
        tokens = logits.argmax(-1).masked_fill(ended, pad)
        ids[rows, step], finite[rows, step] = tokens, logits.amax(-1).isfinite()
        if on_token is not None:
            on_token(int(tokens[0]))
        for end in ends:
            ended = ended | (tokens == end)
        if (step + 1) % interval or step + 1 == limit:
            continue
        checks.append(copy_to_cpu_async(ended))
        if len(checks) <= lag:
            continue
        (over,) = checks.popleft()()
        remaining = [row for row, is_over in enumerate(over) if not is_over]
        if not remaining:
            return Written(ids[:, : step + 1], finite[:, : step + 1])
        if len(remaining) <= len(over) // 2:
            kept_rows = placed(torch.tensor(remaining), embeds.device)
            rows, tokens, ended, state = rows[kept_rows], tokens[kept_rows], ended[kept_rows], state.rows(kept_rows)
            checks.clear()  # they are of all rows
    return Written(ids, finite)


class _Continued:
    """A decoder-only model that continues a batch of prompts."""

    def __init__(
        self, language: PreTrainedModel, mask: Tensor, embeds: Tensor | None, cache: DynamicCache | None = None
    ) -> None:
        """`mask` [B, L] of what is read so far; before the first step, `embeds` [B, L, D] and no cache."""
        self._language, self._mask, self._embeds = language, mask, embeds
        self._cache_name = cache_name(language)
        self._cache = DynamicCache() if cache is None else cache

    def step(self, tokens: Tensor | None) -> Tensor:
        """Return the logits [B, V] after these tokens [B], or after the prompts if None."""
        if tokens is None:
            inputs: dict[str, Any] = {"inputs_embeds": self._embeds, "position_ids": positions(self._mask)}
        else:
            self._mask = functional.pad(self._mask, (0, 1), value=1)
            inputs = {"input_ids": tokens[:, None], "position_ids": positions(self._mask)[:, -1:]}
        inputs[self._cache_name] = self._cache
        output = self._language(**inputs, attention_mask=self._mask, use_cache=True, logits_to_keep=1)
        return output.logits[:, -1]  # type: ignore[no-any-return]

    def rows(self, chosen: Tensor) -> _Continued:
        """Return a model that continues these rows."""
        return _Continued(self._language, self._mask[chosen], None, _of_rows(self._cache, chosen))


def compare(
    language: PreTrainedModel, embeds: Tensor, mask: Tensor, candidates: Sequence[Sequence[Sequence[int]]], budget: int
) -> Tensor:
    """Return the log-likelihoods [C], float32, of all prompts' candidates, given as tokens, in order.

    `embeds` [B, L, D] are the prompts, floating-point; `mask` [B, L], int64, is 0 for padding.

    Each prompt is read once. Candidates that differ only in their last token share a row. At most `budget` tokens,
    including those of the prompts, are processed at once.
    """
    heads: dict[tuple[int, tuple[int, ...]], int] = {}  # prompt and all tokens but the last -> row
    row_of_candidate = [
        heads.setdefault((prompt, tuple(ids[:-1])), len(heads))
        for prompt, options in enumerate(candidates)
        for ids in options
    ]
    tokens = [list(ids) for options in candidates for ids in options]
    candidates_by_row: dict[int, list[int]] = {}
    for candidate, row in enumerate(row_of_candidate):
        candidates_by_row.setdefault(row, []).append(candidate)
    longest = max(map(len, tokens))
    most = max(1, budget // (embeds.shape[1] + longest - 1))
    portion = -(-len(heads) // -(-len(heads) // most))  # equal parts, and no small one at the end
    scored = (_after_t5 if language.config.is_encoder_decoder else _after_prefix)(language, embeds, mask)
    sums = torch.empty(len(tokens), device=embeds.device)
    keys = list(heads)
    for begin in range(0, len(keys), portion):
        part = range(begin, min(begin + portion, len(keys)))
        logits = scored([keys[row][0] for row in part], [keys[row][1] for row in part])
        chances = logits.float().log_softmax(-1)  # [R, S, V]
        numbers = [candidate for row in part for candidate in candidates_by_row[row]]
        ids = padded([tokens[number] for number in numbers])  # [K, S]
        real = padded([[1] * len(tokens[number]) for number in numbers])
        rows = torch.tensor([row_of_candidate[number] - begin for number in numbers])
        ids, real, rows, order = (placed(tensor, embeds.device) for tensor in (ids, real, rows, torch.tensor(numbers)))
        steps = torch.arange(ids.shape[1], device=embeds.device)
        token_scores = chances[rows[:, None], steps, ids]  # [K, S]
        sums.index_copy_(0, order, token_scores.masked_fill(real == 0, 0).sum(1))
    return sums


Scored = Callable[[list[int], list[tuple[int, ...]]], Tensor]
"""Returns the logits [R, S, V] after each prompt, given by its place in the batch, and after each of further tokens."""


def _after_t5(language: PreTrainedModel, embeds: Tensor, mask: Tensor) -> Scored:
    decoder = T5Decoder.after(language, embeds, mask)

    def scored(prompts: list[int], answers: list[tuple[int, ...]]) -> Tensor:
        in_order = prompts == list(range(len(embeds)))  # the usual case, which needs no copies
        rows = None if in_order else placed(torch.tensor(prompts), embeds.device)
        inputs = placed(padded([[start(language), *answer] for answer in answers]), embeds.device)  # [R, S]
        return decoder.rows(rows).read(inputs)

    return scored


def _after_prefix(language: PreTrainedModel, embeds: Tensor, mask: Tensor) -> Scored:
    cache, name = DynamicCache(), cache_name(language)
    output = language(
        inputs_embeds=embeds, attention_mask=mask, position_ids=positions(mask), use_cache=True, logits_to_keep=1,
        **{name: cache},
    )  # fmt: skip
    first = output.logits[:, -1]  # [B, V]

    def scored(prompts: list[int], answers: list[tuple[int, ...]]) -> Tensor:
        rows = placed(torch.tensor(prompts), embeds.device)
        logits: Tensor = first[rows, None]
        if not any(answers):
            return logits
        ids, real = padded(answers), padded([[1] * len(answer) for answer in answers])
        full_mask = torch.cat([mask[rows], placed(real, embeds.device)], 1)
        output = language(
            input_ids=placed(ids, embeds.device), attention_mask=full_mask,
            position_ids=positions(full_mask)[:, -real.shape[1] :], use_cache=True, **{name: _of_rows(cache, rows)},
        )  # fmt: skip
        return torch.cat([logits, output.logits], 1)

    return scored


def cache_name(model: nn.Module) -> str:
    """Return the name of the cache in a model's arguments and output; transformers renamed it in 5.24."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"


def positions(mask: Tensor) -> Tensor:
    """Return the position [B, L], int64, of each token in its row, not counting padding; `mask` [B, L], int64."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def _of_rows(cache: DynamicCache, rows: Tensor) -> DynamicCache:
    """Return a new cache with these rows of another."""
    chosen = DynamicCache()
    layers: Any = cache.layers
    for number, layer in enumerate(layers):
        chosen.update(layer.keys[rows], layer.values[rows], number)
    return chosen
