"""How a question speaks of its pictures: by references, by numbers in its texts, or by their places in words."""

import re
from collections.abc import Callable, Iterable

from mmeval.controls.case import Inapplicable
from mmeval.types import Parts, Ref, Request, Sample, images

RELEVANT = "place of the relevant picture"
"""The tag of a record that holds it, from 1, where the question is about one of several pictures."""
NUMBERED = re.compile(r"\b((?:image|picture|photo|figure)s? #?)(\d{1,2})\b", re.IGNORECASE)
"""A picture spoken of by its number."""
PLACED = re.compile(
    r"\b(first|second|third|fourth|last|left|right|top|bottom|upper|lower|former|latter|next|previous|following)"
    r"(-hand)? (image|picture|photo|figure|frame|one)s?\b"
    r"|\b(image|picture|photo|figure)s? on the (left|right|top|bottom)\b",
    re.IGNORECASE,
)
"""A picture spoken of by its place, which a new order cannot rename."""


def texts(sample: Sample, request: Request) -> list[str]:
    """Return the texts of the prompt and of the options."""
    return [part for parts in (request.prompt, *sample.choices) for part in parts if isinstance(part, str)]


def base(found: Iterable[str], pictures: int) -> int | None:
    """Return the number of the first picture where texts speak of pictures by numbers: 0 or 1; None where none do.

    Raises Inapplicable where it cannot be told, and where a number is that of no picture.
    """
    numbers = {int(match[2]) for text in found for match in NUMBERED.finditer(text)}
    if not numbers:
        return None
    if max(numbers) > pictures or {0, pictures} <= numbers:
        raise Inapplicable("its text speaks of a picture that it does not show")
    if 0 in numbers:
        return 0
    if pictures in numbers:
        return 1
    raise Inapplicable("its text speaks of pictures by numbers, and not whether they begin with 0 or 1")


def renumbered(text: str, first: int | None, place: Callable[[int], int]) -> str:
    """Return the text with the numbers of pictures renamed, `place` giving the new place of each, from 0."""
    if first is None:
        return text
    return NUMBERED.sub(lambda match: f"{match[1]}{place(int(match[2]) - first) + first}", text)


def relevant(sample: Sample, request: Request) -> int | None:
    """Return the place, from 0, of the one picture that a question is about; None where it is not one of several.

    That is the only picture that the prompt refers to, or the one that the right option names by its number.
    """
    shown = len(images(request.prompt))
    refs = {part.image for part in request.prompt if isinstance(part, Ref)}
    if shown < 2:
        return None
    if len(refs) == 1:
        return next(iter(refs))
    right = _right_option(sample)
    match = NUMBERED.fullmatch(right.strip()) if right is not None else None
    if match is None:
        return None
    try:
        first = base(texts(sample, request), shown)
    except Inapplicable:
        return None
    return None if first is None else int(match[2]) - first


def _right_option(sample: Sample) -> str | None:
    letters = [chr(ord("A") + place) for place in range(len(sample.choices))]
    if len(sample.targets) != 1 or sample.targets[0] not in letters:
        return None
    option: Parts = sample.choices[letters.index(sample.targets[0])]
    return "".join(part for part in option if isinstance(part, str)) if not images(option) else None
