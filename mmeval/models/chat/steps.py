"""The steps of decoding: sample tokens, and limit the lengths of reasoning and answer separately.

transformers' `generate` itself stays greedy, so a sampled token depends on the request, never on the batch.
"""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from mmeval.reasoning import open_tag
from mmeval.types import Generation

BEGINNING = 24
"""Tokens within which reasoning must begin; a whole tag also fits into them."""

COLDEST = 1e-6
"""A lower temperature is taken as this one, at which the likeliest token is certain; 1e-39 makes scores infinite."""


class Finite(LogitsProcessor):
    """Records at each step whether a row's scores are finite; otherwise the largest is meaningless."""

    def __init__(self) -> None:
        self.steps: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores [B, V] unchanged."""
        self.steps.append(scores.amax(-1).isfinite())  # read at the end, to avoid a GPU wait at every step
        return scores


class Presence(LogitsProcessor):
    """Lowers the scores of tokens already in the answer, as OpenAI's and vLLM's `presence_penalty` does."""

    def __init__(self, penalty: float, start: int) -> None:
        """`start`: index of a row's first new token."""
        self._penalty, self._start = penalty, start

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores [B, V], lowered."""
        penalties = torch.zeros_like(scores).scatter(-1, input_ids[:, self._start :], self._penalty)
        return scores - penalties


class Draw(LogitsProcessor):
    """Samples a token as the largest of score + Gumbel noise, which has exactly the softmax probability.

    Each row has its own generator, so a request gets the same answer in any batch.
    """

    def __init__(self, seeds: Sequence[int], generation: Generation, device: torch.device) -> None:
        self._temperature = max(generation.temperature, COLDEST)
        self._top_p, self._top_k = generation.top_p, generation.top_k
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores [B, V] with noise; excluded tokens are -inf."""
        scores = scores.float() / self._temperature
        if 0 < self._top_k < scores.shape[-1]:
            least = scores.topk(self._top_k).values[:, -1:]
            scores = scores.masked_fill(scores < least, -torch.inf)
        if self._top_p < 1:
            ordered, order = scores.sort(-1, descending=True)
            before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
            beyond = (before >= self._top_p).scatter(-1, order, before >= self._top_p)
            beyond.scatter_(-1, order[:, :1], False)  # one token is always left
            scores = scores.masked_fill(beyond, -torch.inf)
        size, device = scores.shape[-1], scores.device
        noise = torch.stack([torch.rand(size, generator=generator, device=device) for generator in self._generators])
        return scores - (-noise.clamp(min=1e-20).log()).clamp(min=1e-20).log()


def seed_of(seed: int, request: str, sample: int) -> int:
    """Return the 63-bit seed of one answer, from the run's seed, the request's id and the sample's number."""
    text = f"{seed}/{sample}/{request}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


class Lengths(StoppingCriteria):
    """Ends a row `answer` tokens after its reasoning, or `thinking` tokens into reasoning that does not end."""

    def __init__(self, decode: Callable[[list[int]], str], opened: str, answer: int, thinking: int, start: int) -> None:
        """Take the reasoning tag that the prompt leaves open (`opened`) and the index of a row's first new token."""
        self._decode, self._opened, self._answer, self._thinking, self._start = decode, opened, answer, thinking, start
        self._answer_starts: dict[int, int] = {}  # row -> position, from 1, of its answer's first token
        self.ends: dict[int, int] = {}
        """Row -> its number of tokens when it was cut."""

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: object) -> Tensor:
        """Return whether each row of token ids [B, L] has ended [B]."""
        length = input_ids.shape[1] - self._start
        for row in range(len(input_ids)):
            if row in self.ends:
                continue
            if row not in self._answer_starts or length <= BEGINNING:
                self._look(row, input_ids[row, self._start :], length)
            answer_start = self._answer_starts.get(row)
            if length - answer_start + 1 >= self._answer if answer_start is not None else length >= self._thinking:
                self.ends[row] = length
        return torch.tensor([row in self.ends for row in range(len(input_ids))], device=input_ids.device)

    def _look(self, row: int, ids: Tensor, length: int) -> None:
        """Record whether a row reasons or answers, by the tags in its last tokens and the tag before them."""
        reasons = row not in self._answer_starts and length > 1
        before = (self._opened or "<think>") if reasons and length > BEGINNING else self._opened
        if open_tag(before + self._decode(ids[-BEGINNING:].tolist())):
            self._answer_starts.pop(row, None)
        else:
            self._answer_starts.setdefault(row, length + 1 if reasons else 1)


class NewTokens(BaseStreamer):
    """Calls `on_tokens` with all new tokens of the only row whenever there is another."""

    def __init__(self, on_tokens: Callable[[list[int]], object]) -> None:
        self._on_tokens = on_tokens
        self._tokens: list[int] | None = None

    def put(self, value: Tensor) -> None:
        """Take the prompt [1, L], and from then on each new token [1]."""
        if self._tokens is None:
            self._tokens = []
        else:
            self._tokens += value.tolist()
            self._on_tokens(self._tokens)

    def end(self) -> None:
        """Do nothing: `generate` returns all tokens."""
