"""A model that always says the same: the floor of every table, and a run without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmeval.models import Checkpoint, ModelOptions
from mmeval.types import Generation, Image, Ref, Request, Response


@dataclass(frozen=True)
class Constant:
    """Says `answer` to everything and finds every candidate equally likely."""

    answer: str
    name: str = "constant"
    max_images: int | None = None

    def generate(self, requests: Sequence[Request], generation: Generation) -> Iterator[Response]:
        """The answer, once a request."""
        for request in requests:
            sent = self.preview(request)
            yield Response(request.id, text=self.answer, sent=sent.sent, input_tokens=sent.input_tokens)

    def loglikelihood(self, requests: Sequence[Request]) -> Iterator[Response]:
        """The same for every candidate."""
        for request in requests:
            yield Response(request.id, loglikelihoods=(0.0,) * len(request.candidates))

    def preview(self, request: Request) -> Response:
        """The prompt with `<picture>` for each picture, in words."""
        said = [_say(part) for shot in request.shots for part in (*shot.prompt, shot.answer, "\n")]
        sent = "".join([*said, *map(_say, request.prompt)])
        return Response(request.id, sent=sent, input_tokens=len(sent.split()))


def load(checkpoint: Checkpoint, settings: ModelOptions) -> Constant:
    """`constant` says yes; `constant:no` says no."""
    return Constant(answer=checkpoint.source or "yes", name=checkpoint.name)


def _say(part: str | Image | Ref) -> str:
    if isinstance(part, Image):
        return "<picture>"
    return f"image {part.image}" if isinstance(part, Ref) else part
