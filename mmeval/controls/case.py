"""A question under a control: what a control is given, and how it says that it cannot act."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmeval.types import Image, Part, Parts, Request, Sample, Shot, images

Changed = tuple[Sample, Request]
"""The question as it is recorded, and what the model is asked."""


class Inapplicable(Exception):
    """A control cannot act on a question; the message says why, in a clause."""


@dataclass(frozen=True)
class Case:
    """A question, what would be asked of it, and what else a control may use."""

    sample: Sample
    request: Request
    render: Callable[[Sample], Request]
    """Puts another version of the sample into the same words."""
    donors: Mapping[str, Sequence[Image]] = field(default_factory=dict)
    """Id of a sample -> the pictures of another one, as many as its own; for the controls that swap."""

    @property
    def own_images(self) -> list[Image]:
        """The pictures of the question itself: those that are options left out."""
        options = {id(image) for choice in self.sample.choices for image in images(choice)}
        return [image for image in images(self.request.prompt) if id(image) not in options]


Act = Callable[[Case], Changed]
"""What a control does. Raises Inapplicable where it cannot."""


def on_request(change: Callable[[Request], Request]) -> Act:
    """Return the control that changes what is asked and nothing of what is recorded of the sample."""
    return lambda case: (case.sample, change(case.request))


def with_pictures(request: Request, change: Callable[[Image], Image]) -> Request:
    """Return the request with every picture changed, those of demonstrations, too. Raises Inapplicable without any."""
    shown = [*images(request.prompt), *(image for shot in request.shots for image in images(shot.prompt))]
    if not shown:
        raise Inapplicable("it shows no picture")
    changed: dict[int, Image] = {id(image): change(image) for image in shown}

    def over(parts: Parts) -> Parts:
        return tuple(changed[id(part)] if isinstance(part, Image) else part for part in parts)

    shots = tuple(Shot(over(shot.prompt), shot.answer) for shot in request.shots)
    return replace(request, prompt=over(request.prompt), shots=shots)


def joined(parts: Iterable[Part]) -> Parts:
    """Return the parts with texts that have come to stand side by side in one."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)
