"""The interface of a model: what it is given, how it decodes, and what it returns."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from mmeval.types.prompts import Request

FinishReason = Literal["stop", "length"]
"""The answer ended by itself (`stop`) or was cut at its maximum number of tokens (`length`)."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a Response and a Record share: a text, the log-likelihoods of the candidates, or an error."""

    text: str | None = None
    loglikelihoods: tuple[float, ...] | None = None
    """One per candidate: the sum of its tokens' natural-log probabilities."""
    error: str | None = None
    samples: tuple[str, ...] = ()
    """All answers, if several were sampled; the first is `text`."""
    reasoning: str = ""
    """The model's reasoning before its answer, if any."""
    finish_reason: FinishReason | None = None
    """Why the answer ended; None for likelihoods and errors."""
    sent: str = ""
    """The prompt as the model received it, with placeholders for pictures."""
    input_tokens: int = 0
    """Length of that prompt in the model's tokens, including pictures."""
    output_tokens: int = 0
    """Length of the answer in the model's tokens, including the end of sequence."""
    seconds: float = 0.0
    """Time for the answer; a batch's time is divided equally among its answers."""


@dataclass(frozen=True)
class Response(Output):
    """A model's answer to one request."""

    id: str


@dataclass(frozen=True)
class Generation:
    """The settings of decoding. They are part of a run's identity."""

    max_new_tokens: int = 16
    beams: int = 1
    temperature: float = 0.0
    """0 decodes greedily; otherwise tokens are sampled at this temperature."""
    top_p: float = 1.0
    """Sample from the fewest tokens that have this total probability."""
    top_k: int = 0
    """Sample from this many of the most likely tokens; 0 for all."""
    samples: int = 1
    """Sampled answers per request; `Response.text` is the first."""
    thinking_tokens: int = 4096
    """For models that reason: maximum length of the reasoning, in tokens, not counted in `max_new_tokens`."""
    seed: int = 0
    """With the request's id, determines the sampled answer, in any batch and after a resume."""
    min_new_tokens: int = 0
    """Minimum length of the answer, in tokens."""
    length_penalty: float = 1.0
    """A beam's log-probability is divided by its length to this power: below 0 favors short answers."""
    repetition_penalty: float = 1.0
    """Divides the scores of tokens that occurred before (Keskar et al., arXiv 1909.05858)."""
    presence_penalty: float = 0.0
    """Subtracted from the scores of tokens already in the answer, as OpenAI's and vLLM's servers do."""


class Model(Protocol):
    """A model adapter. It gets the requests of a whole run at once and may reorder, batch and share work.

    `requests` may not fit in memory. Pull from it only as far ahead as needed to keep busy, and yield each response as
    soon as it is ready. Let exceptions from iterating over it propagate.
    """

    @property
    def name(self) -> str:
        """Return the model's name in reports."""

    @property
    def max_images(self) -> int | None:
        """Return the maximum number of pictures in a prompt, including demonstrations; None for no limit."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield one response per request, in any order, as soon as each is ready. A bad request yields an error."""

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the log-likelihoods of each request's candidates, under the same rules as `generate`."""

    def preview(self, request: Request) -> Response:
        """Return the prompt that would be sent and its length in tokens, without running the model."""


@runtime_checkable
class StreamingModel(Protocol):
    """A Model that can show an answer while it is written (docs/adapters.md)."""

    def stream(self, request: Request, generation: Generation, on_text: Callable[[str], object]) -> Response:
        """Answer one request as `generate` does. Call `on_text`, in any thread, with each piece of the text.

        The pieces make up the answer, apart from whitespace around it. `mmeval.types.Pieces` makes them.
        """
