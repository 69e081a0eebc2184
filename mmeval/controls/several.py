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
    current, positions = mentions.relevant(case.sample, case.request), _own_positions(case)
    if current is None or current not in positions:
        raise Inapplicable("it is not about one of several pictures")
    if place >= len(positions):
        raise Inapplicable(f"it has fewer than {plural(place + 1, 'picture')}")
    index = positions.index(current)

    def permute(count: int) -> list[int]:
        others = [other for other in range(count) if other != index]
        return [*others[:place], index, *others[place:]]

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
    positions = _own_positions(case)
    if len(positions) < 2:
        raise Inapplicable("it has no second picture")
    left_out = {*positions} - {positions[which]}
    count = len(images(case.request.prompt))
    remaining = [old for old in range(count) if old not in left_out]
    new_index = {old: new for new, old in enumerate(remaining)}
    renumbers = any(old != new for old, new in new_index.items())
    if renumbers and any(mentions.NUMBERED.search(text) for text in mentions.texts(case.sample, case.request)):
        raise Inapplicable("its text numbers the pictures")
    prompt: list[Part] = []
    index = 0
    for part in case.request.prompt:
        if isinstance(part, Image):
            prompt += [part] if index in new_index else []
            index += 1
        elif isinstance(part, Ref):
            prompt.append(Ref(new_index[part.image]) if part.image in new_index else NOT_SHOWN)
        else:
            prompt.append(part)
    return case.sample, replace(case.request, prompt=merged([tuple(prompt)]))


def _own_positions(case: Case) -> list[int]:
    """Return the positions, among all pictures of the prompt, of those that are not options."""
    own_ids = {id(image) for image in case.own_images}
    return [index for index, image in enumerate(images(case.request.prompt)) if id(image) in own_ids]


def _reordered(case: Case, permute: Callable[[int], Sequence[int]]) -> Changed:
    """Put the question's own picture `permute(count)[i]` at place i; references follow."""
    sample, request = case.sample, case.request
    positions, pictures = _own_positions(case), images(request.prompt)
    if len(positions) < 2:
        raise Inapplicable("it has no second picture")
    named = {part.image for part in request.prompt if isinstance(part, Ref)}  # "image 0 is the left image" stays true
    if not named >= {*positions} and any(mentions.PLACED.search(text) for text in mentions.texts(sample, request)):
        raise Inapplicable("its text names pictures by position")
    first = mentions.base(mentions.texts(sample, request), len(pictures))
    source = list(range(len(pictures)))
    for index, source_index in zip(positions, permute(len(positions)), strict=True):
        source[index] = positions[source_index]
    new = {old: index for index, old in enumerate(source)}
    reordered = iter(pictures[old] for old in source)

    def renamed(part: Part) -> Part:
        if isinstance(part, Image):
            return next(reordered)
        return Ref(new[part.image]) if isinstance(part, Ref) else mentions.renumbered(part, first, new.__getitem__)

    def words(parts: Parts) -> Parts:
        return tuple(part if isinstance(part, Image) else renamed(part) for part in parts)

    choices = tuple(words(choice) for choice in sample.choices)
    candidates = tuple(mentions.renumbered(text, first, new.__getitem__) for text in request.candidates)
    changed = replace(request, prompt=tuple(map(renamed, request.prompt)), candidates=candidates)
    return replace(sample, choices=choices), changed


def _deranged(count: int, seed: str) -> list[int]:
    """Return a random cycle: an order in which no item keeps its place."""
    cycle = random.Random(seed.encode("utf-8", "backslashreplace")).sample(range(count), count)
    new = dict(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True))
    return [new[index] for index in range(count)]


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
