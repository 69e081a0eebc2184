"""Existence, count, position and color: pictures of things on a grid."""

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
"""A true claim and a near miss."""


def existence(origin: Origin) -> View:
    """Ask whether there is a thing. The false claim changes its color or its shape."""
    rng = origin.rng()
    kinds = rng.shuffled(KINDS)[: 1 + rng.below(5)]
    things = laid_out(rng, kinds, origin.split)
    return _view(origin, rng, things, exists(rng, things, 0), ())


def count(origin: Origin) -> View:
    """Ask for a count. The false claim is one more or one fewer, with equal probability."""
    rng = origin.rng()
    if rng.coin(0.3):
        noun, low = "object", 1 + rng.below(4)
        number, wrong = rng.swapped(low, low + 1)
        kinds = [rng.pick(KINDS) for _ in range(number)]
    else:
        noun, low = rng.pick(SHAPES), 1 + rng.below(3)
        number, wrong = rng.swapped(low, low + 1)
        other_kinds = [kind for kind in KINDS if kind.shape != noun]
        kinds = [Kind(rng.pick(list(COLORS)), noun) for _ in range(number)]
        kinds += [rng.pick(other_kinds) for _ in range(rng.below(6 - number))]
    things = laid_out(rng, kinds, origin.split)
    asked, extra = (numbers(rng, noun, number, wrong) for _ in range(2))
    return _view(origin, rng, things, asked, extra)


def position(origin: Origin) -> View:
    """Ask for a thing's place relative to another thing or in the picture. The false claim is the opposite."""
    rng = origin.rng()
    kinds = rng.shuffled(KINDS)[: 2 + rng.below(3)]
    things = laid_out(rng, kinds, origin.split)
    return _view(origin, rng, things, stands(rng, things), stands(rng, things))


def color(origin: Origin) -> View:
    """Ask for a thing's color. The false claim names the color of another thing in the picture, or a random one."""
    rng = origin.rng()
    shapes = rng.shuffled(SHAPES)[: 2 + rng.below(3)]
    kinds = [Kind(rng.pick(list(COLORS)), shape) for shape in shapes]
    things = laid_out(rng, kinds, origin.split)
    return _view(origin, rng, things, colored(rng, things), colored(rng, things))


def exists(rng: Rng, things: Sequence[Thing], index: int) -> Claims:
    """Ask for the thing at the index, and for a similar kind that is absent."""
    present = [thing.kind for thing in things]
    absent = present[index].near(rng)
    while absent in present:
        absent = present[index].near(rng)
    return shows(rng, present[index]), shows(rng, absent)


def shows(rng: Rng, kind: Kind) -> Claim:
    """Claim that there is a thing of that kind."""
    return worded(rng, EXISTENCE, ("there is", kind.name), kind=kind.name)


def numbers(rng: Rng, noun: str, number: int, wrong: int) -> Claims:
    """Claim two numbers of things with a shape, the correct one first."""

    def claim(count: int) -> Claim:
        word, many = NUMBERS[count], plural(noun)
        some = f"{word} {noun if count == 1 else many}"
        return worded(rng, COUNT, ("count", noun, word), some=some, many=many, number=word)

    return claim(number), claim(wrong)


def colored(rng: Rng, things: Sequence[Thing]) -> Claims:
    """Ask for a thing's color. In half of all claims the false color is another thing's, if there is one."""
    kind = rng.pick(things).kind
    other_colors = {thing.kind.color for thing in things} - {kind.color}
    wrong = rng.pick(sorted(other_colors)) if other_colors and rng.coin() else rng.other(COLORS, kind.color)

    def claim(color: str) -> Claim:
        return worded(rng, COLOR, ("color", kind.shape, color), shape=kind.shape, color=color)

    return claim(kind.color), claim(wrong)


def stands(rng: Rng, things: Sequence[Thing]) -> Claims:
    """Ask for a thing's place relative to another, or for its side of the picture if it is at one."""
    first, second = rng.shuffled(things)[:2]
    name, beside = first.kind.name, second.kind.name
    sides = [side for side in first.sides if side in OPPOSITE]
    on_a_side = bool(sides) and rng.coin()
    way = rng.pick(sides if on_a_side else first.ways(second))

    def claim(way: str) -> Claim:
        if on_a_side:
            return worded(rng, SIDE, ("side", name, way), one=name, side=way)
        return worded(rng, BESIDE, (way, name, beside), one=name, where=WHERE[way], other=beside)

    return claim(way), claim(OPPOSITE[way])


def _view(origin: Origin, rng: Rng, things: Sequence[Thing], asked: Claims, extra: tuple[Claim, ...]) -> View:
    picture, marks = paint(rng, things)
    extra += exists(rng, things, rng.below(len(things)))
    extra += exists(rng, things, rng.below(len(things)))
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
    """Return open questions with short answers."""
    thing = rng.pick(things)
    shape = rng.pick([*(thing.kind.shape for thing in things), *SHAPES])
    shapes = [thing.kind.shape for thing in things]
    questions = [
        ("how many objects are there ?", NUMBERS[len(things)]),
        (f"how many {plural(shape)} are there ?", NUMBERS[shapes.count(shape)]),
        (f"what stands {thing.place} ?", thing.kind.name),
    ]
    for thing in rng.shuffled(things)[:2]:
        if [other.kind for other in things].count(thing.kind) == 1:
            questions.append((f"where is the {thing.kind.name} ?", thing.place))
        if shapes.count(thing.kind.shape) == 1:
            questions.append((f"what color is the {thing.kind.shape} ?", thing.kind.color))
    return tuple(questions[:6])
