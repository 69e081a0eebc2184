"""The sampling parameters of a request to a server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmeval.models.model_args import read_model_args
from mmeval.servers.client import Refused, names_parameter
from mmeval.types import Generation, InputError

ALL_TOKENS: dict[str, dict[str, Any]] = {
    "llamacpp": {"top_k": 0, "min_p": 0.0},
    "me": {"top_k": 0, "min_p": 0.0},  # llama-cpp-python
    "vllm": {"top_k": -1, "min_p": 0.0},
    "sglang": {"top_k": -1, "min_p": 0.0},
    "lmdeploy": {"top_k": 0, "min_p": 0.0},
}
"""Engine, as its list of models names it -> the parameters with which it samples from all tokens.

By default, llama.cpp drops unlikely tokens, vLLM, SGLang and LMDeploy apply the limits in the checkpoint's
generation_config.json, and LMDeploy otherwise takes 50 tokens. Sources: the protocol of llama.cpp's server, vLLM 0.32's
and SGLang 0.5.23's protocol.py, and LMDeploy 0.18's serve/core/generation_config.py and messages.py.
"""


OPTIONS = {
    "temperature": "--temperature", "top_p": "--top-p", "top_k": "--top-k", "presence_penalty": "--presence-penalty",
    "n": "--samples", "seed": "--seed", "max_tokens": "--max-new-tokens", "max_completion_tokens": "--max-new-tokens",
}  # fmt: skip
"""Parameter -> the option of a run that sets it."""
RESERVED = (
    *("model", "messages", "stream", "stream_options", "logprobs", "top_logprobs", "prompt_logprobs"),
    *("add_generation_prompt", "continue_final_message"),
)
"""Parameters that mmeval sets itself."""


def settings(model_args: str | None, thinking: str) -> dict[str, Any]:
    """Return the parameters of every request: those in `--model-args`, and whether the model is to reason.

    Raises InputError for a parameter that is set otherwise.
    """
    given = read_model_args(model_args)
    for name in given:
        if name in OPTIONS:
            raise InputError(f"--model-args has '{name}', which has an option of its own; use {OPTIONS[name]}")
        if name in RESERVED:
            raise InputError(f"--model-args has '{name}', which mmeval sets itself; leave it out")
    template = given.get("chat_template_kwargs", {})
    if not isinstance(template, dict):
        raise InputError(
            '--model-args: chat_template_kwargs must be a JSON object; write chat_template_kwargs={"KEY":VALUE}'
        )
    if thinking != "auto":
        on = thinking == "on"
        given["chat_template_kwargs"] = {**template, "enable_thinking": on, "thinking": on}
    return given


def parameters(generation: Generation, *, thinking: bool) -> dict[str, Any]:
    """Return the parameters, named as in vLLM and SGLang if OpenAI's API has none. Raises InputError for beams."""
    if generation.beams > 1:
        raise InputError("servers have no beam search; remove --beams")
    sampling: dict[str, Any] = {"max_tokens": generation.max_new_tokens, "temperature": generation.temperature}
    if generation.temperature:
        sampling |= {"top_p": generation.top_p, "n": generation.samples, "seed": generation.seed}
    if generation.temperature and generation.top_k:
        sampling["top_k"] = generation.top_k
    if generation.presence_penalty:
        sampling["presence_penalty"] = generation.presence_penalty
    if thinking:
        sampling["max_tokens"] += generation.thinking_tokens
    return sampling


def with_all_tokens(sampling: dict[str, Any], engines: Iterable[str]) -> dict[str, Any]:
    """Add the parameters with which the servers' engine samples from all tokens; nothing if the engines differ."""
    names = {engine.partition(" ")[0] for engine in engines}
    defaults = ALL_TOKENS.get(names.pop(), {}) if len(names) == 1 and sampling["temperature"] else {}
    return {**defaults, **sampling}


def check_temperature(error: Refused, temperature: float) -> None:
    """Raise InputError if a server refuses to decode greedily, as OpenAI's reasoning models do."""
    if not temperature and names_parameter(error, "temperature"):
        raise InputError(
            f"the server refuses temperature 0: {error}; sample with --temperature 1, perhaps several --samples"
        ) from error


def check_samples(error: Refused, samples: int) -> None:
    """Raise InputError if a server refuses a request because of its number of answers."""
    if samples > 1 and names_parameter(error, "n"):
        raise InputError(
            f"the server refuses {samples} answers to a question: {error}; lower --samples, or start it with room for "
            f"them, such as llama.cpp with --parallel {samples}"
        ) from error
