"""A model that always gives the same answer: a baseline, and a run without torch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mmeval.models import Checkpoint, ModelOptions
from mmeval.types import Generation, Image, Ref, Request, Response


@dataclass(frozen=True)
class Constant:
    """Answers everything with `answer` and finds every candidate equally likely."""

    answer: str
    name: str = "constant"
    max_images: int | None = None

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield the answer for each request."""
        words = len(self.answer.split())
        for request in requests:
            yield replace(self.preview(request), text=self.answer, finish_reason="stop", output_tokens=words)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the same likelihood for every candidate."""
        for request in requests:
            if not request.candidates:
                yield Response(request.id, error="there is nothing to compare; give at least one candidate")
                continue
            yield replace(self.preview(request), loglikelihoods=(0.0,) * len(request.candidates))

    def preview(self, request: Request) -> Response:
        """Write the prompt with `<picture>` for each picture. Prompt and answer lengths are in words."""
        shots = [_text_of(part) for shot in request.shots for part in (*shot.prompt, shot.answer, "\n")]
        sent = "".join([*shots, *map(_text_of, request.prompt)])
        return Response(request.id, sent=sent, input_tokens=len(sent.split()))


def load(checkpoint: Checkpoint, options: ModelOptions) -> Constant:
    """Make the model: `constant` answers yes; `constant:no` answers no."""
    return Constant(answer=checkpoint.source or "yes", name=checkpoint.name)


def _text_of(part: str | Image | Ref) -> str:
    if isinstance(part, Image):
        return "<picture>"
    return f"image {part.image}" if isinstance(part, Ref) else part
