"""Log-likelihoods of candidates from a server: exact from vLLM, of first tokens from most others.

vLLM returns the log-probability of every prompt token (`prompt_logprobs`) and can treat the last message as the
beginning of an answer (`continue_final_message`). Others return only the likeliest first tokens (`top_logprobs`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from mmeval.models.server_replies import count
from mmeval.servers.client import Refused
from mmeval.servers.gathering import gather_or_cancel
from mmeval.types import InputError, plural

Post = Callable[[dict[str, Any]], Coroutine[Any, Any, tuple[dict[str, Any], float]]]
"""Sends a body; returns the reply and its seconds."""
Likelihoods = tuple[tuple[float, ...], int, float]
"""One log-likelihood per candidate; tokens of the prompt without a candidate; seconds."""

LEAST, MOST = -1e6, 1e-2
"""Limits of a token's log-probability: servers write -9999 for 0, and rounding may make 1 a little larger."""
LOG_ZERO = -3.4028234663852886e38
"""The smallest 32-bit float, which llama.cpp writes for the logarithm of 0."""
TOP = 20
"""First tokens requested: the maximum of OpenAI's servers and of vLLM's default."""
_SPACES = " \t\r\n\u2581\u0120\u010a"
"""White space, also in the forms that tokenizers write."""


class NoLikelihood(Exception):
    """The candidates of one request have no likelihood; the cause is the request, not the server."""


async def whole(post: Post, messages: list[dict[str, Any]], candidates: Sequence[str]) -> Likelihoods:
    """Return the summed log-probability of each candidate's tokens after the prompt.

    A candidate's tokens are those that follow the prompt's own tokens when the candidate is appended. Raises
    InputError if the server returns no prompt likelihoods, NoLikelihood if the chat template changes the prompt.
    """
    settings = {"prompt_logprobs": 0, "max_tokens": 1, "temperature": 0}
    continuing = {"add_generation_prompt": False, "continue_final_message": True}
    bodies: list[dict[str, Any]] = [{"messages": messages, **settings}]
    bodies += [
        {"messages": [*messages, {"role": "assistant", "content": candidate}], **settings, **continuing}
        for candidate in candidates
    ]
    advice = "use vLLM, or --scoring first-token for multiple choice, or --scoring text"
    replies = await _replies(post, bodies, ("prompt_logprobs", "continue_final_message"), advice)
    prompt, *continued = [_prompt_tokens(reply, advice) for reply, _ in replies]
    size = len(prompt)
    for candidate, tokens in zip(candidates, continued, strict=True):
        if len(tokens) <= size or [token for token, _ in tokens[:size]] != [token for token, _ in prompt]:
            raise NoLikelihood(
                f"the candidate '{candidate[:40]}' does not continue the prompt token by token in the model's chat "
                "template, so it has no likelihood of its own"
            )
    values = tuple(math.fsum(value for _, value in tokens[size:]) for tokens in continued)
    return values, size + 1, sum(seconds for _, seconds in replies)  # the first token has no likelihood


async def first_tokens(post: Post, messages: list[dict[str, Any]], candidates: Sequence[str]) -> Likelihoods:
    """Return the log-probability of each candidate, a letter, as the answer's first token, with or without a blank.

    A candidate that is not among the likeliest tokens gets its upper bound, just below the least likely of them, so it
    is never chosen over one that is listed. Raises InputError if the server returns no likelihoods, NoLikelihood if no
    candidate is listed.
    """
    body = {"messages": messages, "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": TOP}
    advice = "use --scoring text"
    ((reply, seconds),) = await _replies(post, [body], ("logprobs", "top_logprobs"), advice)
    try:
        top = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        likeliest = [(str(entry["token"]).strip(_SPACES), _logarithm(entry["logprob"])) for entry in top]
        least = min(value for _, value in likeliest)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"the server returns no likelihoods (top_logprobs); {advice}") from error
    shares = [
        math.fsum(math.exp(value) for token, value in likeliest if token == candidate) for candidate in candidates
    ]
    if not any(shares):
        raise NoLikelihood(
            f"none of {', '.join(candidates)} is among the {plural(len(likeliest), 'likeliest first token')}"
        )
    values = tuple(math.log(share) if share else math.nextafter(least, -math.inf) for share in shares)
    return values, count(reply, "prompt_tokens"), seconds


async def _replies(
    post: Post, bodies: Sequence[dict[str, Any]], names: Sequence[str], advice: str
) -> list[tuple[dict[str, Any], float]]:
    try:
        return await gather_or_cancel(map(post, bodies))
    except Refused as error:
        if any(name in str(error) for name in names):
            raise InputError(f"the server returns no likelihoods ({error}); {advice}") from error
        raise


def _prompt_tokens(reply: dict[str, Any], advice: str) -> list[tuple[str, float]]:
    """Return id and log-probability of each prompt token except the first, which has none."""
    rows: Any = reply.get("prompt_logprobs")
    if rows is None:  # some servers ignore the parameter
        choices = reply.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        rows = first.get("prompt_logprobs") if isinstance(first, dict) else None
    try:
        tokens = [next(iter(row.items())) for row in rows[1:]]
        return [(str(token), _logarithm(value["logprob"])) for token, value in tokens]
    except (TypeError, AttributeError, KeyError, StopIteration, ValueError) as error:
        raise InputError(f"the server returns no likelihoods (prompt_logprobs); {advice}") from error


def _logarithm(value: Any) -> float:
    """Return the logarithm of a probability. Raises TypeError if it is not a number, NoLikelihood if it cannot be."""
    if value == LOG_ZERO:
        return LEAST
    if not LEAST <= value <= MOST:
        raise NoLikelihood(f"the server returned an invalid log-probability: {str(value)[:20]}")
    return float(value)
