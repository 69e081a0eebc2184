"""Controls of questions with several pictures: their order, the references to them, and which are shown.

References follow the pictures, including mentions in the text ("image 2"). A question that names pictures by position
("the left picture") without a reference to each cannot be reordered and is left out. Pictures that are options stay in
place.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from mmeval.controls import mentions
from mmeval.controls.case import Act, Case, Changed, Inapplicable
from mmeval.scoring.readings.choices import merged
from mmeval.types import Image, Part, Parts, Ref, images, plural

PLACES = 4
"""Number of places that the relevant picture is moved to."""
NOT_SHOWN = "a picture that is not shown"
"""The words for a reference to a picture that is left out. Its number would be that of another picture."""


def order(case: Case) -> Changed:
    """Show the pictures in another order and rename the references: answers should not change."""
    return _reordered(case, lambda count: _deranged(count, f"order {case.sample.id}"))


def moved(place: int, case: Case) -> Changed:
    """Move the relevant picture to that place, from 0; the others keep their order."""
    own = mentions.relevant(case.sample, case.request)
    if own is None or not _own_places(case) or own not in (places := _own_places(case)):
        raise Inapplicable("it is not about one of several pictures")
    if place >= len(places):
        raise Inapplicable(f"it has fewer than {plural(place + 1, 'picture')}")
    at = places.index(own)

    def permute(count: int) -> list[int]:
        rest = [index for index in range(count) if index != at]
        return [*rest[:place], at, *rest[place:]]

    return _reordered(case, permute)


def swapped_references(case: Case) -> Changed:
    """Keep the pictures and point every reference to another one: answers should change."""
    count = len(images(case.request.prompt))
    if not any(isinstance(part, Ref) for part in case.request.prompt):
        raise Inapplicable("it refers to no picture")
    if count < 2:
        raise Inapplicable("it has no second picture")
    other = _deranged(count, f"references {case.sample.id}")
    prompt = tuple(Ref(other[part.image]) if isinstance(part, Ref) else part for part in case.request.prompt)
    return case.sample, replace(case.request, prompt=prompt)


def only(which: int, case: Case) -> Changed:
    """Show only one of the question's pictures (0: the first, -1: the last), plus those that are options.

    A reference to another picture becomes NOT_SHOWN. Texts that number the pictures must stay true.
    """
    places = _own_places(case)
    if len(places) < 2:
        raise Inapplicable("it has no second picture")
    left_out = {*places} - {places[which]}
    count = len(images(case.request.prompt))
    new = {old: place for place, old in enumerate(old for old in range(count) if old not in left_out)}
    moved = any(old != place for old, place in new.items())
    if moved and any(mentions.NUMBERED.search(text) for text in mentions.texts(case.sample, case.request)):
        raise Inapplicable("its text numbers the pictures")
    prompt: list[Part] = []
    seen = 0
    for part in case.request.prompt:
        if isinstance(part, Image):
            prompt += [part] if seen in new else []
            seen += 1
        elif isinstance(part, Ref):
            prompt.append(Ref(new[part.image]) if part.image in new else NOT_SHOWN)
        else:
            prompt.append(part)
    return case.sample, replace(case.request, prompt=merged([tuple(prompt)]))


def _own_places(case: Case) -> list[int]:
    """Return the places, among all pictures of the prompt, of those that are not options."""
    own = {id(image) for image in case.own_images}
    return [place for place, image in enumerate(images(case.request.prompt)) if id(image) in own]


def _reordered(case: Case, permute: Callable[[int], Sequence[int]]) -> Changed:
    """Put the question's own picture `permute(count)[i]` at place i; references follow."""
    sample, request = case.sample, case.request
    places, shown = _own_places(case), images(request.prompt)
    if len(places) < 2:
        raise Inapplicable("it has no second picture")
    named = {part.image for part in request.prompt if isinstance(part, Ref)}  # "image 0 is the left image" stays true
    if not named >= {*places} and any(mentions.PLACED.search(text) for text in mentions.texts(sample, request)):
        raise Inapplicable("its text names pictures by position")
    first = mentions.base(mentions.texts(sample, request), len(shown))
    source = list(range(len(shown)))
    for place, taken in zip(places, permute(len(places)), strict=True):
        source[place] = places[taken]
    new = {old: place for place, old in enumerate(source)}
    pictures = iter(shown[old] for old in source)

    def over(part: Part) -> Part:
        if isinstance(part, Image):
            return next(pictures)
        return Ref(new[part.image]) if isinstance(part, Ref) else mentions.renumbered(part, first, new.__getitem__)

    def words(parts: Parts) -> Parts:
        return tuple(part if isinstance(part, Image) else over(part) for part in parts)

    choices = tuple(words(choice) for choice in sample.choices)
    candidates = tuple(mentions.renumbered(text, first, new.__getitem__) for text in request.candidates)
    changed = replace(request, prompt=tuple(map(over, request.prompt)), candidates=candidates)
    return replace(sample, choices=choices), changed


def _deranged(count: int, seed: str) -> list[int]:
    """Return a random cycle: an order in which no item keeps its place."""
    cycle = random.Random(seed.encode("utf-8", "backslashreplace")).sample(range(count), count)
    new = dict(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True))
    return [new[place] for place in range(count)]


CONTROLS: dict[str, tuple[str, Act]] = {
    "order": ("the pictures are in another order, with references renamed", order),
    "references": ("every reference points to another picture", swapped_references),
    "only-first": ("only the first of several pictures is shown", partial(only, 0)),
    "only-last": ("only the last of several pictures is shown", partial(only, -1)),
    **{
        f"place{place + 1}": (f"the picture asked about is moved to place {place + 1}", partial(moved, place))
        for place in range(PLACES)
    },
}
