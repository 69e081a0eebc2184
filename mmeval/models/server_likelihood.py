"""Log-likelihoods of candidates from a server: exact ones from vLLM, those of first tokens from most others.

vLLM returns the log-probability of every token of a prompt (`prompt_logprobs`), and lets the last message be the
beginning of an answer (`continue_final_message`). Others return the likeliest first tokens (`top_logprobs`) at most.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mmeval.client import Refused
from mmeval.types import InputError

Post = Callable[[dict[str, Any]], Awaitable[tuple[dict[str, Any], float]]]
"""Sends a body; returns the reply and the seconds that it took."""
Likelihoods = tuple[tuple[float, ...], int, float]
"""One a candidate; tokens of the prompt without a candidate; seconds."""

TOP = 20
"""First tokens that are asked for: the most that OpenAI's servers and vLLM's default allow."""
_SPACES = " \t\r\n\u2581\u0120\u010a"
"""White space, and how tokenizers write it."""


class NoLikelihood(Exception):
    """The candidates of one request have no likelihood, for a reason that is the request's own."""


async def whole(post: Post, messages: list[dict[str, Any]], candidates: Sequence[str]) -> Likelihoods:
    """Return the sum over each candidate's tokens, given the prompt and, for each token, those before it.

    A candidate's tokens are those that stand in its prompt behind the tokens of the prompt without it. Raises
    InputError for a server that returns no likelihoods of a prompt, NoLikelihood where a template changes the prompt.
    """
    how = {"prompt_logprobs": 0, "max_tokens": 1, "temperature": 0}
    go_on = {"add_generation_prompt": False, "continue_final_message": True}
    bodies: list[dict[str, Any]] = [{"messages": messages, **how}]
    bodies += [
        {"messages": [*messages, {"role": "assistant", "content": candidate}], **how, **go_on}
        for candidate in candidates
    ]
    advice = "use vLLM, or --scoring first-token for multiple choice, or --scoring text"
    replies = await _replies(post, bodies, ("prompt_logprobs", "continue_final_message"), advice)
    prompt, *continued = [_of_prompt(reply, advice) for reply, _ in replies]
    size = len(prompt)
    for candidate, tokens in zip(candidates, continued, strict=True):
        if len(tokens) <= size or [token for token, _ in tokens[:size]] != [token for token, _ in prompt]:
            raise NoLikelihood(
                f"the candidate '{candidate[:40]}' does not continue the prompt token by token in the model's chat "
                "template, so that it has no likelihood of its own"
            )
    values = tuple(math.fsum(value for _, value in tokens[size:]) for tokens in continued)
    return values, size, sum(seconds for _, seconds in replies)


async def first_tokens(post: Post, messages: list[dict[str, Any]], candidates: Sequence[str]) -> Likelihoods:
    """Return the log-probability that the answer's first token is each candidate, a letter, with a blank or without.

    A candidate that is not among the likeliest tokens is given just less than the least of these, its upper bound: it
    is never chosen over one that is. Raises InputError for a server that returns no likelihoods, NoLikelihood where no
    candidate is among them.
    """
    body = {"messages": messages, "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": TOP}
    advice = "use --scoring text"
    ((reply, seconds),) = await _replies(post, [body], ("logprobs", "top_logprobs"), advice)
    try:
        top = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        found = [(str(one["token"]).strip(_SPACES), float(one["logprob"])) for one in top]
        least = min(value for _, value in found)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"the server returns no likelihoods (top_logprobs); {advice}") from error
    shares = [math.fsum(math.exp(value) for token, value in found if token == candidate) for candidate in candidates]
    if not any(shares):
        raise NoLikelihood(f"none of {', '.join(candidates)} is among the {len(found)} likeliest first tokens")
    usage = reply.get("usage")
    size = usage.get("prompt_tokens") if isinstance(usage, dict) else 0
    values = tuple(math.log(share) if share else math.nextafter(least, -math.inf) for share in shares)
    return values, size if isinstance(size, int) else 0, seconds


async def _replies(
    post: Post, bodies: Sequence[dict[str, Any]], names: Sequence[str], advice: str
) -> list[tuple[dict[str, Any], float]]:
    try:
        return list(await asyncio.gather(*map(post, bodies)))
    except Refused as error:
        if any(name in str(error) for name in names):
            raise InputError(f"the server returns no likelihoods ({error}); {advice}") from error
        raise


def _of_prompt(reply: dict[str, Any], advice: str) -> list[tuple[str, float]]:
    """Return the prompt's tokens, the first left out, which has no likelihood: id and log-probability of each."""
    rows: Any = reply.get("prompt_logprobs")
    if rows is None:  # as from a server that does not know the word, and says nothing
        choices = reply.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        rows = first.get("prompt_logprobs") if isinstance(first, dict) else None
    try:
        tokens = [next(iter(row.items())) for row in rows[1:]]
        return [(str(token), float(value["logprob"])) for token, value in tokens]
    except (TypeError, AttributeError, KeyError, StopIteration, ValueError) as error:
        raise InputError(f"the server returns no likelihoods (prompt_logprobs); {advice}") from error
