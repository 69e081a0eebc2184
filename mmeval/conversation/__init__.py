"""Ask a model by hand: mixed pictures and words, demonstrations, earlier turns. Nothing is scored or saved.

The package is `conversation`, not `chat`: a submodule of that name would hide the function `mmeval.chat`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmeval import controls
from mmeval.conversation.messages import prompt_of
from mmeval.data import video
from mmeval.models import ModelOptions, find_model, load_model, pick_context
from mmeval.spec import check
from mmeval.types import (
    Generation,
    InputError,
    Model,
    Parts,
    Request,
    Response,
    Sample,
    Shot,
    StreamingModel,
    Unsupported,
    images,
    plural,
    replace_surrogates,
)

if TYPE_CHECKING:
    from mmeval.conversation.messages import PromptPart

MAX_NEW_TOKENS = 64


@dataclass(frozen=True)
class Reply:
    """A model's answer to one question."""

    text: str
    probabilities: Mapping[str, float]
    """Of the choices, if given; they add up to 1."""
    request: Request
    response: Response
    """The prompt that was sent, tokens in and out, seconds."""

    @classmethod
    def of(cls, request: Request, response: Response) -> Reply:
        """Return the answer in a response; of several choices, the likeliest. Raises InputError for an error."""
        if response.error is not None:
            raise InputError(response.error)
        by_choice = probabilities(request.candidates, response)
        text = max(by_choice, key=lambda choice: by_choice[choice]) if by_choice else (response.text or "").strip()
        return cls(text, by_choice, request, response)


@dataclass
class Chat:
    """A conversation with a loaded model. Earlier questions and answers precede each new question."""

    model: Model
    generation: Generation = field(default_factory=lambda: Generation(MAX_NEW_TOKENS))
    shots: Sequence[Shot] = ()
    """Demonstrations, shown before everything else."""
    frames: int = video.FRAMES
    """Frames shown of each video."""
    history: list[Shot] = field(default_factory=list)

    def ask(
        self,
        *parts: PromptPart,
        choices: Sequence[str] = (),
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        """Ask about pictures and words, in this order, and remember question and answer.

        A path is a picture or a video; a PIL picture is shown as it is. With `choices`, the likeliest one is the
        answer. `on_text` is called, in any thread, with each piece of the answer as it is written, or once if the model
        cannot stream.

        Raises InputError for a file that is not a picture or video and if the model refuses, Unsupported for more
        pictures than it takes. The conversation is then unchanged.
        """
        reply = self._reply(self.request(*parts, choices=choices), on_text)
        self.history.append(Shot(reply.request.prompt, reply.text))
        return reply

    def again(self, asked: Request, control: str) -> Reply:
        """Repeat an earlier request, changed by a control; nothing is remembered. Raises as `ask` and `changed` do."""
        return self._reply(self.changed(asked, control))

    def changed(self, asked: Request, control: str) -> Request:
        """Return a request, changed by a control of `mmeval.controls`.

        A control acts on the whole prompt: `grey` also hides the pictures of earlier turns. Raises InputError if it
        cannot act on the request.
        """
        if controls.expand([control]) != [control]:
            raise InputError(f"'{control}' names several controls; choose one")
        question = (_sample(asked), asked, _as_request)
        try:
            _, changed = controls.Applied(control, lambda: [question])(*question)
        except controls.Inapplicable as reason:
            raise InputError(f"the control '{control}' cannot act: {reason}") from reason
        if control == controls.TEXT:
            raise InputError("the control 'text' cannot act: ask the language model itself, as in --model text-tiny")
        return changed

    def request(self, *parts: PromptPart, choices: Sequence[str] = ()) -> Request:
        """Return the request: demonstrations, earlier turns and the question. Raises as `ask` does."""
        prompt = self.prompt(*parts)
        if not any(isinstance(part, str) and part.strip() for part in prompt):
            raise InputError("there is no question; add some words")
        if choices and len({*choices}) < max(2, len(choices)):
            raise InputError("choices: give two or more, all different")
        before = (*self.shots, *self.history)
        request = Request("question", prompt, before, tuple(map(replace_surrogates, choices)))
        picture_count = len(images(prompt)) + sum(len(images(shot.prompt)) for shot in before)
        most = self.model.max_images
        if most is not None and picture_count > most:
            raise Unsupported(
                f"{self.model.name} takes {plural(most, 'picture')} and the prompt has {picture_count}; "
                "show fewer, or start a new conversation"
            )
        return request

    def prompt(self, *parts: PromptPart) -> Parts:
        """Return the parts of a prompt, with this conversation's number of frames. Raises as `messages.prompt_of`."""
        return prompt_of(parts, self.frames)

    def demonstration(self, *parts: PromptPart, answer: str) -> Shot:
        """Return a demonstration: a prompt of pictures and words, and its answer."""
        return Shot(self.prompt(*parts), replace_surrogates(answer))

    def forget(self) -> None:
        """Begin a new conversation; the demonstrations stay."""
        self.history.clear()

    def respond(self, requests: Iterable[Request], *, choosing: bool) -> Iterator[Response]:
        """Yield the responses to requests that all have choices, or all have none. Raises InputError."""
        if not choosing:
            return iter(self.model.generate(requests, self.generation))
        if not hasattr(self.model, "loglikelihood"):
            raise InputError(f"{self.model.name} has no log-likelihoods; ask without choices")
        return iter(self.model.loglikelihood(requests))

    def _reply(self, request: Request, on_text: Callable[[str], object] | None = None) -> Reply:
        if on_text is not None and not request.candidates and isinstance(self.model, StreamingModel):
            return Reply.of(request, self.model.stream(request, self.generation, on_text))
        responses = list(self.respond([request], choosing=bool(request.candidates)))
        if len(responses) != 1:
            raise InputError(
                f"{self.model.name} gives {len(responses)} answers to one question; fix the adapter (docs/adapters.md)"
            )
        reply = Reply.of(request, responses[0])
        if on_text is not None and reply.text:
            on_text(reply.text)
        return reply


def chat(
    model: str = "mmicl-tiny",
    *,
    context: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    max_new_tokens: int = MAX_NEW_TOKENS,
    beams: int = 1,
    shots: Sequence[tuple[Sequence[PromptPart], str]] = (),
    frames: int = video.FRAMES,
) -> Chat:
    """Load a model and begin a conversation: `chat("mmicl-tiny").ask(Path("a.png"), "what is this ?").text`.

    `shots` are demonstrations: the parts of each prompt, and its answer. Raises InputError as `evaluate` does.
    """
    check(model=model, device=device, dtype=dtype, max_new_tokens=max_new_tokens, beams=beams, frames=frames)
    checkpoint = find_model(model)
    options = ModelOptions(pick_context(checkpoint, context), device, dtype)
    loaded = load_model(checkpoint, options)
    conversation = Chat(loaded, Generation(max_new_tokens, beams), frames=frames)
    conversation.shots = [conversation.demonstration(*parts, answer=answer) for parts, answer in shots]
    return conversation


def probabilities(choices: Sequence[str], response: Response) -> dict[str, float]:
    """Return the probability of each choice from the log-likelihoods, or nothing if there are none."""
    if response.loglikelihoods is None:
        return {}
    if not all(map(math.isfinite, response.loglikelihoods)):
        raise InputError("the model's likelihoods are not finite numbers; try --dtype float32")
    most = max(response.loglikelihoods)
    weights = [math.exp(value - most) for value in response.loglikelihoods]
    return {choice: weight / sum(weights) for choice, weight in zip(choices, weights, strict=True)}


def _sample(request: Request) -> Sample:
    """Return a question asked by hand as a sample without a right answer."""
    return Sample(request.id, request.prompt, (), tuple((choice,) for choice in request.candidates), request.shots)


def _as_request(sample: Sample) -> Request:
    offered = tuple(str(part) for choice in sample.choices for part in choice)
    return Request(sample.id, sample.prompt, sample.shots, offered)
