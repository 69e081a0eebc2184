"""Decode answers to embedded prompts, or compute candidates' log-likelihoods.

Both read a prompt once. The only wait for a GPU is an occasional check whether all rows have ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import DynamicCache, EncoderDecoderCache, GenerationConfig, LogitsProcessorList, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from mmeval.mmicl.processing import padded
from mmeval.types import Generation

PLAIN = {
    *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"),
    *("transformers_version", "use_cache", "_from_model_config"),
}
"""Settings of a generation config that do not affect greedy decoding."""
LOOK = 4
"""Steps between checks on a GPU whether all rows have ended; each check waits for the GPU."""


@dataclass(frozen=True)
class Written:
    """The new tokens of each row."""

    ids: Tensor
    """[B, S]: new tokens, padding after a row's end."""
    finite: Tensor
    """[B, S]: whether the scores at each token were finite."""


def write(
    language: PreTrainedModel,
    embeds: Tensor,
    mask: Tensor,
    generation: Generation,
    on_token: Callable[[int], object] | None = None,
) -> Written:
    """Write answers to prompts [B, L, D], greedy or by beam search; `mask` [B, L] is 0 for padding.

    Greedy decoding calls `on_token` with each token of the first row as it is chosen.
    """
    own = language.generation_config
    shaped = (generation.min_new_tokens, generation.repetition_penalty) != (0, 1.0)
    if generation.beams == 1 and not shaped and own is not None and _plain(own):
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
    whole = torch.stack(finite, 1).view(len(embeds), -1, len(finite)).all(1)  # [B, beams, S] -> [B, S]
    return Written(ids[:, 1:] if language.config.is_encoder_decoder else ids, whole)  # T5 rows begin with a start token


def _plain(own: GenerationConfig) -> bool:
    """Tell whether a checkpoint's generation config does not affect greedy decoding."""
    said = own.to_diff_dict()
    return {name for name, value in said.items() if value is not None and value is not False} <= PLAIN


def _greedy(
    language: PreTrainedModel, embeds: Tensor, mask: Tensor, limit: int, on_token: Callable[[int], object] | None
) -> Written:
    """Write the most likely token at each step. Ended rows are removed once they are half of all."""
    own = language.generation_config
    assert own is not None
    ends = own.eos_token_id if isinstance(own.eos_token_id, list) else [own.eos_token_id]
    end, pad = torch.tensor(ends, device=embeds.device), own.pad_token_id
    pad = ends[0] if pad is None else pad
    ids = torch.full((len(embeds), limit), pad, device=embeds.device)
    finite = torch.ones((len(embeds), limit), dtype=torch.bool, device=embeds.device)
    rows = torch.arange(len(embeds), device=embeds.device)
    ended = torch.zeros(len(embeds), dtype=torch.bool, device=embeds.device)
    state = _State(language, embeds, mask)
    every = LOOK if embeds.is_cuda else 1
    tokens = None
    for step in range(limit):
        logits = state.step(tokens)  # [B, V]
        tokens = logits.argmax(-1).masked_fill(ended, pad)
        ids[rows, step], finite[rows, step] = tokens, logits.amax(-1).isfinite()
        if on_token is not None:
            on_token(int(tokens[0]))
        ended = ended | torch.isin(tokens, end)
        if step + 1 < limit and (step + 1) % every == 0:
            left = int(ended.numel() - ended.sum())
            if not left:
                return Written(ids[:, : step + 1], finite[:, : step + 1])
            if left <= len(ended) // 2:
                going = (~ended).nonzero().squeeze(1)
                rows, tokens, ended = rows[going], tokens[going], ended[going]
                state.keep(going)
    return Written(ids, finite)


class _State:
    """A language model while it decodes: its prompts, cache and encoder states."""

    def __init__(self, language: PreTrainedModel, embeds: Tensor, mask: Tensor) -> None:
        self._language, self._mask, self._embeds = language, mask, embeds
        self._states: Tensor | None = None
        self._cache: DynamicCache | EncoderDecoderCache = DynamicCache()
        if language.config.is_encoder_decoder:
            self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
            self._states = encoded(language, embeds, mask)

    def step(self, tokens: Tensor | None) -> Tensor:
        """Return the logits [B, V] after these tokens [B], or after the prompts if None."""
        if self._states is not None:
            if tokens is None:
                start = _start(self._language)
                tokens = torch.full((len(self._mask),), start, device=self._mask.device)
            output = self._language(
                encoder_outputs=BaseModelOutput(last_hidden_state=self._states),
                attention_mask=self._mask, decoder_input_ids=tokens[:, None],
                past_key_values=self._cache, use_cache=True,
            )  # fmt: skip
            return output.logits[:, -1]  # type: ignore[no-any-return]
        places = positions(self._mask)
        if tokens is None:
            given = {"inputs_embeds": self._embeds, "position_ids": places}
        else:
            self._mask = functional.pad(self._mask, (0, 1), value=1)
            given = {"input_ids": tokens[:, None], "position_ids": positions(self._mask)[:, -1:]}
        output = self._language(
            **given, attention_mask=self._mask, past_key_values=self._cache, use_cache=True, logits_to_keep=1
        )
        return output.logits[:, -1]  # type: ignore[no-any-return]

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""
        self._cache.batch_select_indices(rows)
        self._mask = self._mask[rows]
        if self._states is not None:
            self._states = self._states[rows]


def compare(
    language: PreTrainedModel, embeds: Tensor, mask: Tensor, candidates: Sequence[Sequence[Sequence[int]]], budget: int
) -> Tensor:
    """Return the log-likelihoods [C] of all prompts' candidates, given as tokens, in order.

    Each prompt is read once. Candidates that differ only in their last token share a row. At most `budget` tokens,
    including those of the prompts, are processed at once.
    """
    heads: dict[tuple[int, tuple[int, ...]], int] = {}  # prompt and all tokens but the last -> row
    row_of = [
        heads.setdefault((prompt, tuple(ids[:-1])), len(heads)) for prompt, own in enumerate(candidates) for ids in own
    ]
    tokens = [list(ids) for own in candidates for ids in own]
    by_row: dict[int, list[int]] = {}
    for candidate, row in enumerate(row_of):
        by_row.setdefault(row, []).append(candidate)
    longest = max(map(len, tokens))
    portion = max(1, budget // (embeds.shape[1] + longest))
    encoder = language.config.is_encoder_decoder
    states = encoded(language, embeds, mask) if encoder else None
    first, cache = (None, None) if encoder else _prefilled(language, embeds, mask)
    found = torch.empty(len(tokens), device=embeds.device)
    keys = list(heads)
    for begin in range(0, len(keys), portion):
        part = range(begin, min(begin + portion, len(keys)))
        prompts = torch.tensor([keys[row][0] for row in part], device=embeds.device)
        inputs = padded([[0, *keys[row][1]] for row in part]).to(embeds.device)  # [R, S]; the first column is set below
        if states is not None:
            inputs[:, 0] = _start(language)
            output = language(
                encoder_outputs=BaseModelOutput(last_hidden_state=states[prompts]),
                attention_mask=mask[prompts], decoder_input_ids=inputs, use_cache=False,
            )  # fmt: skip
            logits = output.logits
        else:
            assert first is not None and cache is not None
            logits = first[prompts, None]
            if inputs.shape[1] > 1:
                real = padded([[1] * len(keys[row][1]) for row in part]).to(embeds.device)
                whole = torch.cat([mask[prompts], real], 1)
                output = language(
                    input_ids=inputs[:, 1:], attention_mask=whole, past_key_values=_of_rows(cache, prompts),
                    position_ids=positions(whole)[:, -real.shape[1] :], use_cache=True,
                )  # fmt: skip
                logits = torch.cat([logits, output.logits], 1)
        chances = logits.float().log_softmax(-1)  # [R, S, V]
        own = [candidate for row in part for candidate in by_row[row]]
        ids = padded([tokens[candidate] for candidate in own]).to(embeds.device)  # [K, S]
        real = padded([[1] * len(tokens[candidate]) for candidate in own]).to(embeds.device)
        rows = torch.tensor([row_of[candidate] - begin for candidate in own], device=embeds.device)
        places = torch.arange(ids.shape[1], device=embeds.device)
        each = chances[rows[:, None], places, ids]  # [K, S]
        found[torch.tensor(own, device=embeds.device)] = each.masked_fill(real == 0, 0).sum(1)
    return found


def encoded(language: PreTrainedModel, embeds: Tensor, mask: Tensor) -> Tensor:
    """Return the encoder's states [B, L, D]."""
    encoder = language.get_encoder()
    return encoder(inputs_embeds=embeds, attention_mask=mask).last_hidden_state  # type: ignore[no-any-return]


def positions(mask: Tensor) -> Tensor:
    """Return the position of each token in its row, not counting padding."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def _prefilled(language: PreTrainedModel, embeds: Tensor, mask: Tensor) -> tuple[Tensor, DynamicCache]:
    """Return the logits [B, V] after each prompt, and the cache of all prompts."""
    cache = DynamicCache()
    output = language(
        inputs_embeds=embeds, attention_mask=mask, position_ids=positions(mask), past_key_values=cache,
        use_cache=True, logits_to_keep=1,
    )  # fmt: skip
    return output.logits[:, -1], cache


def _of_rows(cache: DynamicCache, rows: Tensor) -> DynamicCache:
    """Return a new cache with these rows of another."""
    chosen = DynamicCache()
    layers: Any = cache.layers
    for number, layer in enumerate(layers):
        chosen.update(layer.keys[rows], layer.values[rows], number)
    return chosen


def _start(language: PreTrainedModel) -> int:
    """Return the decoder's start token."""
    own = language.generation_config
    found = None if own is None else own.decoder_start_token_id
    return int(language.config.decoder_start_token_id if found is None else found)
