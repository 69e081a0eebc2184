"""A question under a control: the control's input, and the exception for a question that it cannot act on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmeval.types import Image, Parts, Request, Sample, Shot, images

Changed = tuple[Sample, Request]
"""The sample as recorded, and the request sent to the model."""


class Inapplicable(Exception):
    """A control cannot act on a question; the message is a clause with the reason."""


@dataclass(frozen=True)
class Case:
    """A sample, its request without the control, and further inputs of a control."""

    sample: Sample
    request: Request
    render: Callable[[Sample], Request]
    """Renders a changed sample with the same prompt."""
    donors: Mapping[str, Sequence[Image]] = field(default_factory=dict)
    """Sample id -> the pictures of another sample, as many as its own; for swap controls."""

    @property
    def own_images(self) -> list[Image]:
        """The pictures of the question itself, without those that are options."""
        options = {id(image) for choice in self.sample.choices for image in images(choice)}
        return [image for image in images(self.request.prompt) if id(image) not in options]


Act = Callable[[Case], Changed]
"""Implements a control. Raises Inapplicable if it cannot act."""


def on_request(change: Callable[[Request], Request]) -> Act:
    """Return a control that changes only the request; the recorded sample stays the same."""
    return lambda case: (case.sample, change(case.request))


def with_pictures(request: Request, change: Callable[[Image], Image]) -> Request:
    """Change every picture of the request, including demonstrations. Raises Inapplicable if there is none."""
    pictures = [*images(request.prompt), *(image for shot in request.shots for image in images(shot.prompt))]
    if not pictures:
        raise Inapplicable("it shows no picture")
    changed: dict[int, Image] = {id(image): change(image) for image in pictures}

    def with_changed(parts: Parts) -> Parts:
        return tuple(changed[id(part)] if isinstance(part, Image) else part for part in parts)

    shots = tuple(Shot(with_changed(shot.prompt), shot.answer) for shot in request.shots)
    return replace(request, prompt=with_changed(request.prompt), shots=shots)
