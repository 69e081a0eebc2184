"""A model for tests, without torch, whose answers are a function of the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mmeval.types import Generation, Request, Response, images


@dataclass
class FakeModel:
    """Writes `write(request)`; finds the first candidate `yes(request)` likely, and the others equally unlikely."""

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
            others = (1 - first) / (len(request.candidates) - 1)
            shares = (first, *[others] * (len(request.candidates) - 1))
            logs = tuple(math.log(max(share, 1e-9)) for share in shares)
            yield Response(request.id, loglikelihoods=logs, sent=str(request.prompt))

    def preview(self, request: Request) -> Response:
        return Response(request.id, sent=str(request.prompt))
