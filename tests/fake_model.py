"""A model for tests, without torch, whose answers are a function of the request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mmeval.types import Generation, Request, Response, images


@dataclass
class FakeModel:
    """Answers `write(request)`; gives the first candidate the probability `yes(request)` and the others equal ones."""

    write: Callable[[Request], str] = lambda request: "yes"
    yes: Callable[[Request], float] = lambda request: 0.5
    max_images: int | None = None
    name: str = "fake"
    asked: list[Request] = field(default_factory=list)

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            self.asked.append(request)
            for image in images(request.prompt):
                image.decode()
            yield Response(request.id, text=self.write(request), finish_reason="stop", sent=str(request.prompt))

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        import math

        for request in requests:
            self.asked.append(request)
            first = self.yes(request)
            rest = (1 - first) / (len(request.candidates) - 1)
            shares = (first, *[rest] * (len(request.candidates) - 1))
            logs = tuple(math.log(max(share, 1e-9)) for share in shares)
            yield Response(request.id, loglikelihoods=logs, sent=str(request.prompt))

    def preview(self, request: Request) -> Response:
        return Response(request.id, sent=str(request.prompt))


@dataclass
class StreamingFake(FakeModel):
    """Streams its answer word by word, calling `wait` between words, or breaks off after `breaks_after` words."""

    wait: Callable[[], object] = lambda: None
    breaks_after: int | None = None

    def stream(self, request: Request, generation: Generation, on_text: Callable[[str], object]) -> Response:
        (response,) = self.generate([request], generation)
        words = (response.text or "").split()
        for number, word in enumerate(itertools.islice(words, self.breaks_after)):
            if number:
                self.wait()
            on_text(f" {word}" if number else word)
        return response if self.breaks_after is None else Response(request.id, error="the answer broke off")


def color(request: Request) -> str:
    """Return the color of the last picture: red, blue or grey."""
    red, green, blue = images(request.prompt)[-1].decode().getpixel((4, 4))  # type: ignore[misc]
    if red == green == blue:
        return "grey"
    return "red" if red > blue else "blue"
