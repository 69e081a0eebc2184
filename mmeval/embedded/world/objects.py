"""Existence, count, position and color: pictures of things on a grid."""

from __future__ import annotations

from collections.abc import Sequence

from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import (
    COLORS,
    COLUMNS,
    KINDS,
    NUMBERS,
    ROWS,
    SHAPES,
    Kind,
    Thing,
    caption,
    facts,
    laid_out,
    near,
    paint,
)
from mmeval.embedded.world.view import Claim, Origin, View, worded

EXISTENCE = (
    "Is there {a_kind} in this image?",
    "Is there any {kind} in the picture?",
    "Does this image show {a_kind}?",
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

    def counted() -> Claims:
        yes, no = (
            worded(rng, COUNT, ("count", what, NUMBERS[n]), some=some(n, what), many=plural(what), number=NUMBERS[n])
            for n in (number, wrong)
        )
        return yes, no

    return _view(origin, rng, things, counted(), counted())


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
    crossed = [Kind(one.color, other.shape) for one in there for other in there]
    absent = sorted({kind for kind in crossed if kind not in there}, key=lambda kind: kind.name)
    if not absent:
        return ()
    return tuple(
        worded(rng, EXISTENCE, ("there is", kind.name), kind=kind.name, a_kind=article(kind.name))
        for kind in (rng.pick(things).kind, rng.pick(absent))
    )


def _counted(rng: Rng, things: Sequence[Thing]) -> Claims:
    what = rng.pick([thing.kind.shape for thing in things])
    number = sum(thing.kind.shape == what for thing in things)
    wrong = number + 1 if number == 1 or (number < len(NUMBERS) - 1 and rng.coin()) else number - 1
    yes, no = (
        worded(rng, COUNT, ("count", what, NUMBERS[n]), some=some(n, what), many=plural(what), number=NUMBERS[n])
        for n in (number, wrong)
    )
    return yes, no


def _exists(rng: Rng, things: Sequence[Thing], index: int) -> Claims:
    there = {thing.kind for thing in things}
    absent = near(rng, things[index].kind)
    while absent in there:
        absent = near(rng, things[index].kind)
    yes, no = (
        worded(rng, EXISTENCE, ("there is", kind.name), kind=kind.name, a_kind=article(kind.name))
        for kind in (things[index].kind, absent)
    )
    return yes, no


def _colored(rng: Rng, things: Sequence[Thing], from_others: float = 0.5) -> Claims:
    """Ask of a thing's color. The false color is often that of another thing, where there is one; otherwise any."""
    kind = rng.pick(things).kind
    others = {thing.kind.color for thing in things} - {kind.color}
    wrong = sorted(others) if others and rng.coin(from_others) else [name for name in COLORS if name != kind.color]
    yes, no = (
        worded(rng, COLOR, ("color", kind.shape, name), shape=kind.shape, color=name)
        for name in (kind.color, rng.pick(wrong))
    )
    return yes, no


def _stands(rng: Rng, things: Sequence[Thing]) -> Claims:
    """Beside another thing, or on a side of the picture where it stands at one."""
    one, other = rng.shuffled(things)[:2]
    sides = [side for side in (ROWS[one.row], COLUMNS[one.column]) if side in OPPOSITE]
    name = one.kind.name
    if sides and rng.coin():
        side = rng.pick(sides)
        yes, no = (worded(rng, SIDE, ("side", name, way), one=name, side=way) for way in (side, OPPOSITE[side]))
        return yes, no
    ways = ["left" if one.column < other.column else "right"] if one.column != other.column else []
    ways += ["above" if one.row < other.row else "below"] if one.row != other.row else []
    way = rng.pick(ways)
    yes, no = (
        worded(rng, BESIDE, (side, name, other.kind.name), one=name, where=WHERE[side], other=other.kind.name)
        for side in (way, OPPOSITE[way])
    )
    return yes, no


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


def article(name: str) -> str:
    """Put the article before a name: `a red circle`, `an orange star`."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def plural(name: str) -> str:
    """`crosses`, `stars`."""
    return f"{name}es" if name.endswith("s") else f"{name}s"


def some(number: int, name: str) -> str:
    """`one star`, `three crosses`."""
    return f"{NUMBERS[number]} {name if number == 1 else plural(name)}"
