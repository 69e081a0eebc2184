"""Controls of questions about several pictures: their order, what is said of them, and which of them are shown.

References follow the pictures, in the words of the prompt, too ("image 2"). A question that names pictures by their
place ("the left picture") without a reference to each cannot be put into another order, and is left out. Pictures that
are options stay in place.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from mmeval.controls import mentions
from mmeval.controls.case import Act, Case, Changed, Inapplicable, joined
from mmeval.types import Image, Part, Parts, Ref, images

PLACES = 4
"""Places that the relevant picture is moved to."""


def order(case: Case) -> Changed:
    """Show the pictures in another order, references renamed: answers should not change."""
    return _reordered(case, lambda count: _deranged(count, f"order {case.sample.id}"))


def moved(place: int, case: Case) -> Changed:
    """Show the relevant picture at that place, from 0, the others in their order around it."""
    own = mentions.relevant(case.sample, case.request)
    if own is None or not _own_places(case) or own not in (places := _own_places(case)):
        raise Inapplicable("it is not about one of several pictures")
    if place >= len(places):
        raise Inapplicable(f"it has no {place + 1} pictures")
    at = places.index(own)

    def permute(count: int) -> list[int]:
        rest = [index for index in range(count) if index != at]
        return [*rest[:place], at, *rest[place:]]

    return _reordered(case, permute)


def swapped_references(case: Case) -> Changed:
    """Leave the pictures and let every reference name another one: answers should change."""
    count = len(images(case.request.prompt))
    if not any(isinstance(part, Ref) for part in case.request.prompt):
        raise Inapplicable("it refers to no picture")
    if count < 2:
        raise Inapplicable("it has no second picture")
    other = _deranged(count, f"references {case.sample.id}")
    prompt = tuple(Ref(other[part.image]) if isinstance(part, Ref) else part for part in case.request.prompt)
    return case.sample, replace(case.request, prompt=prompt)


def only(which: int, case: Case) -> Changed:
    """Show one of the pictures alone (0: the first, -1: the last), and those that are options."""
    places = _own_places(case)
    if len(places) < 2:
        raise Inapplicable("it has no second picture")
    left_out = {*places} - {places[which]}
    count = len(images(case.request.prompt))
    new = {old: place for place, old in enumerate(old for old in range(count) if old not in left_out)}
    prompt: list[Part] = []
    seen = 0
    for part in case.request.prompt:
        if isinstance(part, Image):
            prompt += [part] if seen in new else []
            seen += 1
        elif isinstance(part, Ref):
            prompt.append(Ref(new[part.image]) if part.image in new else f"image {part.image}")
        else:
            prompt.append(part)
    return case.sample, replace(case.request, prompt=joined(prompt))


def _own_places(case: Case) -> list[int]:
    """Return the places, among all pictures of the prompt, of those that are no options."""
    own = {id(image) for image in case.own_images}
    return [place for place, image in enumerate(images(case.request.prompt)) if id(image) in own]


def _reordered(case: Case, permute: Callable[[int], Sequence[int]]) -> Changed:
    """Show at place i of the question's own pictures the one from `permute(count)[i]`; references go with them."""
    sample, request = case.sample, case.request
    places, shown = _own_places(case), images(request.prompt)
    if len(places) < 2:
        raise Inapplicable("it has no second picture")
    named = {part.image for part in request.prompt if isinstance(part, Ref)}  # "image 0 is the left image" moves along
    if not named >= {*places} and any(mentions.PLACED.search(text) for text in mentions.texts(sample, request)):
        raise Inapplicable("its words name pictures by their place")
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
    """Return an order in which nothing is at its place: a random cycle."""
    cycle = random.Random(seed.encode("utf-8", "backslashreplace")).sample(range(count), count)
    new = dict(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True))
    return [new[place] for place in range(count)]


CONTROLS: dict[str, tuple[str, Act]] = {
    "order": ("the pictures are in another order, references to them renamed", order),
    "references": ("every reference names another of the pictures", swapped_references),
    "only-first": ("of several pictures the first is shown alone", partial(only, 0)),
    "only-last": ("of several pictures the last is shown alone", partial(only, -1)),
    **{
        f"place{place + 1}": (f"the picture asked about is moved to place {place + 1}", partial(moved, place))
        for place in range(PLACES)
    },
}
