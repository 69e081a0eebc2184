"""Existence, count, position and color: pictures of things on a grid."""

from __future__ import annotations

from collections.abc import Sequence

from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import COLORS, KINDS, NUMBERS, SHAPES, Kind, Thing, caption, facts, laid_out, paint
from mmeval.embedded.world.view import Claim, Origin, View, plural, worded

EXISTENCE = (
    "Is there a {kind} in this image?",
    "Is there any {kind} in the picture?",
    "Does this image show a {kind}?",
)
COUNT = (
    "Can you see exactly {some} in this image?",
    "Does this picture show {some}?",
    "Is the number of {many} in the image {number}?",
)
COLOR = ("Is the {shape} {color}?", "Is the color of the {shape} {color}?", "Is there a {shape} that is {color}?")
BESIDE = ("Is the {one} {where} the {other}?", "Does the {one} stand {where} the {other}?")
SIDE = ("Is the {one} on the {side} side of this image?", "Does the {one} stand at the {side}?")
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above", "top": "bottom", "bottom": "top"}
WHERE = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}

Claims = tuple[Claim, Claim]
"""One that is true and one that nearly is."""


def existence(origin: Origin) -> View:
    """Is there a red circle? The no: the color in another shape, or the shape in another color."""
    rng = origin.rng()
    kinds = rng.shuffled(KINDS)[: 1 + rng.below(5)]
    things = laid_out(rng, kinds, origin.split)
    return _view(origin, rng, things, _exists(rng, things, 0), ())


def count(origin: Origin) -> View:
    """Are there three stars? The no: one more or one fewer. Which of two neighbours is true is a coin's choice."""
    rng = origin.rng()
    if rng.coin(0.3):
        what, low = "object", 1 + rng.below(4)
        number, wrong = rng.swapped(low, low + 1)
        kinds = [rng.pick(KINDS) for _ in range(number)]
    else:
        what, low = rng.pick(SHAPES), 1 + rng.below(3)
        number, wrong = rng.swapped(low, low + 1)
        others = [kind for kind in KINDS if kind.shape != what]
        kinds = [Kind(rng.pick(list(COLORS)), what) for _ in range(number)]
        kinds += [rng.pick(others) for _ in range(rng.below(6 - number))]
    things = laid_out(rng, kinds, origin.split)
    asked, extra = (_numbers(rng, what, number, wrong) for _ in range(2))
    return _view(origin, rng, things, asked, extra)


def position(origin: Origin) -> View:
    """Is the red circle to the left of the blue star? Is it on the left side? The no: the other direction."""
    rng = origin.rng()
    kinds = rng.shuffled(KINDS)[: 2 + rng.below(3)]
    things = laid_out(rng, kinds, origin.split)
    return _view(origin, rng, things, _stands(rng, things), _stands(rng, things))


def color(origin: Origin) -> View:
    """Is the circle red? The no: a color of something else in the picture, or any other."""
    rng = origin.rng()
    shapes = rng.shuffled(SHAPES)[: 2 + rng.below(3)]
    kinds = [Kind(rng.pick(list(COLORS)), shape) for shape in shapes]
    things = laid_out(rng, kinds, origin.split)
    return _view(origin, rng, things, _colored(rng, things), _colored(rng, things))


def claims(rng: Rng, things: Sequence[Thing], hard: float = 1.0) -> tuple[Claim, ...]:
    """As many true as false, of every sort that these things allow.

    What is false is so often (`hard`) made of what is there, where it can be: to know that there is red and that
    there is a star does not help, only to know whether the star is red.
    """
    made: tuple[Claim, ...] = _counted(rng, things)
    crossed = _crossed(rng, things) if rng.coin(hard) else ()
    made += crossed or _exists(rng, things, rng.below(len(things)))
    shapes = [thing.kind.shape for thing in things]
    if len(set(shapes)) == len(shapes):
        made += _colored(rng, things, 0.9 * hard)
    names = [thing.kind.name for thing in things]
    if len(things) > 1 and len(set(names)) == len(names):
        made += _stands(rng, things)
    return made


def _crossed(rng: Rng, things: Sequence[Thing]) -> tuple[Claim, ...]:
    """Something that is there, and one thing's color with another's shape; nothing where all of those are there."""
    there = {thing.kind for thing in things}
    crossed = {Kind(one.color, other.shape) for one in there for other in there}
    absent = sorted(crossed - there, key=lambda kind: kind.name)
    if not absent:
        return ()
    one, other = rng.pick(things).kind, rng.pick(absent)
    return _shows(rng, one), _shows(rng, other)


def _exists(rng: Rng, things: Sequence[Thing], index: int) -> Claims:
    there = [thing.kind for thing in things]
    absent = there[index].near(rng)
    while absent in there:
        absent = there[index].near(rng)
    return _shows(rng, there[index]), _shows(rng, absent)


def _shows(rng: Rng, kind: Kind) -> Claim:
    return worded(rng, EXISTENCE, ("there is", kind.name), kind=kind.name)


def _counted(rng: Rng, things: Sequence[Thing]) -> Claims:
    what = rng.pick([thing.kind.shape for thing in things])
    number = sum(thing.kind.shape == what for thing in things)
    more = number == 1 or (number < len(NUMBERS) - 1 and rng.coin())
    return _numbers(rng, what, number, number + 1 if more else number - 1)


def _numbers(rng: Rng, what: str, number: int, wrong: int) -> Claims:
    def claim(count: int) -> Claim:
        word, many = NUMBERS[count], plural(what)
        some = f"{word} {what if count == 1 else many}"
        return worded(rng, COUNT, ("count", what, word), some=some, many=many, number=word)

    return claim(number), claim(wrong)


def _colored(rng: Rng, things: Sequence[Thing], from_others: float = 0.5) -> Claims:
    """Ask of a thing's color. The false color is often that of another thing, where there is one; otherwise any."""
    kind = rng.pick(things).kind
    others = {thing.kind.color for thing in things} - {kind.color}
    wrong = rng.pick(sorted(others)) if others and rng.coin(from_others) else rng.other(COLORS, kind.color)

    def claim(color: str) -> Claim:
        return worded(rng, COLOR, ("color", kind.shape, color), shape=kind.shape, color=color)

    return claim(kind.color), claim(wrong)


def _stands(rng: Rng, things: Sequence[Thing]) -> Claims:
    """Beside another thing, or on a side of the picture where it stands at one."""
    one, other = rng.shuffled(things)[:2]
    name, beside = one.kind.name, other.kind.name
    sides = [side for side in one.sides if side in OPPOSITE]
    on_a_side = bool(sides) and rng.coin()
    way = rng.pick(sides if on_a_side else one.ways(other))

    def claim(way: str) -> Claim:
        if on_a_side:
            return worded(rng, SIDE, ("side", name, way), one=name, side=way)
        return worded(rng, BESIDE, (way, name, beside), one=name, where=WHERE[way], other=beside)

    return claim(way), claim(OPPOSITE[way])


def _view(origin: Origin, rng: Rng, things: Sequence[Thing], asked: Claims, extra: tuple[Claim, ...]) -> View:
    picture, marks = paint(rng, things)
    extra += _exists(rng, things, rng.below(len(things)))
    extra += _exists(rng, things, rng.below(len(things)))
    return View(
        origin=origin,
        picture=picture,
        caption=caption(things),
        facts=facts(things),
        asked=rng.swapped(*asked),
        probes=probes(rng, things),
        extra=extra,
        marks=marks,
    )


def probes(rng: Rng, things: Sequence[Thing]) -> tuple[tuple[str, str], ...]:
    """Open questions with short answers."""
    thing = rng.pick(things)
    shape = rng.pick([*(thing.kind.shape for thing in things), *SHAPES])
    shapes = [thing.kind.shape for thing in things]
    asked = [
        ("how many objects are there ?", NUMBERS[len(things)]),
        (f"how many {plural(shape)} are there ?", NUMBERS[shapes.count(shape)]),
        (f"what stands {thing.place} ?", thing.kind.name),
    ]
    for thing in rng.shuffled(things)[:2]:
        if [other.kind for other in things].count(thing.kind) == 1:
            asked.append((f"where is the {thing.kind.name} ?", thing.place))
        if shapes.count(thing.kind.shape) == 1:
            asked.append((f"what color is the {thing.kind.shape} ?", thing.kind.color))
    return tuple(asked[:6])
