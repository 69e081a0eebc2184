"""How a question refers to its pictures: by references, by numbers in its texts, or by position in words."""

import re
from collections.abc import Callable, Iterable

from mmeval.controls.case import Inapplicable
from mmeval.types import Parts, Ref, Request, Sample, images

RELEVANT = "place of the relevant picture"
"""The tag that holds this place, from 1, if the question is about one of several pictures."""
NUMBERED = re.compile(r"\b((?:image|picture|photo|figure)s? #?)(\d{1,2})\b", re.IGNORECASE)
"""A mention of a picture by number."""
PLACED = re.compile(
    r"\b(first|second|third|fourth|last|left|right|top|bottom|upper|lower|former|latter|next|previous|following)"
    r"(-hand)? (image|picture|photo|figure|frame|one)s?\b"
    r"|\b(image|picture|photo|figure)s? on the (left|right|top|bottom)\b",
    re.IGNORECASE,
)
"""A mention of a picture by position, which cannot be renamed for another order."""


def texts(sample: Sample, request: Request) -> list[str]:
    """Return the texts of the prompt and of the options."""
    return [part for parts in (request.prompt, *sample.choices) for part in parts if isinstance(part, str)]


def base(texts_of_prompt: Iterable[str], pictures: int) -> int | None:
    """Return the number of the first picture, 0 or 1, if texts mention pictures by number; else None.

    Raises Inapplicable if the base is ambiguous or a number belongs to no picture.
    """
    numbers = {int(match[2]) for text in texts_of_prompt for match in NUMBERED.finditer(text)}
    if not numbers:
        return None
    if max(numbers) > pictures or {0, pictures} <= numbers:
        raise Inapplicable("its text mentions a picture that it does not show")
    if 0 in numbers:
        return 0
    if pictures in numbers:
        return 1
    raise Inapplicable("its text numbers the pictures, but it is unclear whether from 0 or 1")


def renumbered(text: str, first: int | None, new_index: Callable[[int], int]) -> str:
    """Renumber the pictures mentioned in a text; `place` maps an old place to the new one, from 0."""
    if first is None:
        return text
    return NUMBERED.sub(lambda match: f"{match[1]}{new_index(int(match[2]) - first) + first}", text)


def relevant(sample: Sample, request: Request) -> int | None:
    """Return the place, from 0, of the picture that a question is about, or None if it is not one of several.

    It is the only picture that the prompt refers to, or the picture whose number is the correct option.
    """
    count = len(images(request.prompt))
    refs = {part.image for part in request.prompt if isinstance(part, Ref)}
    if count < 2:
        return None
    if len(refs) == 1:
        return next(iter(refs))
    option = _right_option(sample)
    match = NUMBERED.fullmatch(option.strip()) if option is not None else None
    if match is None:
        return None
    try:
        first = base(texts(sample, request), count)
    except Inapplicable:
        return None
    return None if first is None else int(match[2]) - first


def _right_option(sample: Sample) -> str | None:
    letters = [chr(ord("A") + index) for index in range(len(sample.choices))]
    if len(sample.targets) != 1 or sample.targets[0] not in letters:
        return None
    option: Parts = sample.choices[letters.index(sample.targets[0])]
    return "".join(part for part in option if isinstance(part, str)) if not images(option) else None
