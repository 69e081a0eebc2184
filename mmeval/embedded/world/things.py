"""Things on a 3 x 3 grid: six shapes, seven colors, nine places. Some combinations are held out from training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from PIL import Image

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, Spot, around, dark, mix, pastel, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Fact, Facts, Mark, Split

COLORS: dict[str, Color] = {
    "red": (214, 40, 44), "orange": (244, 140, 30), "yellow": (246, 220, 50), "green": (44, 160, 70),
    "blue": (42, 92, 214), "purple": (140, 60, 176), "black": (36, 36, 42),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross")
ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "center", "right")
NUMBERS = ("zero", "one", "two", "three", "four", "five")
CELLS = range(9)


@dataclass(frozen=True)
class Kind:
    """A color and a shape."""

    color: str
    shape: str

    @property
    def name(self) -> str:
        """Its name in texts, such as `red circle`."""
        return f"{self.color} {self.shape}"

    def recolored(self, rng: Rng) -> Kind:
        """Return the same shape in another color."""
        return Kind(rng.other(COLORS, self.color), self.shape)

    def reshaped(self, rng: Rng) -> Kind:
        """Return the same color in another shape."""
        return Kind(self.color, rng.other(SHAPES, self.shape))

    def near(self, rng: Rng) -> Kind:
        """Return a kind that differs in color or in shape."""
        return self.reshaped(rng) if rng.coin() else self.recolored(rng)


KINDS = tuple(Kind(color, shape) for color in COLORS for shape in SHAPES)


@dataclass(frozen=True)
class Thing:
    """A kind in a cell: 0 is top left, 8 is bottom right."""

    kind: Kind
    cell: int

    @property
    def row(self) -> int:
        """0 at the top."""
        return self.cell // 3

    @property
    def column(self) -> int:
        """0 at the left."""
        return self.cell % 3

    @property
    def sides(self) -> tuple[str, str]:
        """The names of its row and column."""
        return ROWS[self.row], COLUMNS[self.column]

    @property
    def place(self) -> str:
        """The name of its place, such as `top left`."""
        return " ".join(self.sides)

    @property
    def held_out(self) -> bool:
        """Whether training never shows this combination of shape, color and place: about one in eight.

        Training shows every pair of the three.
        """
        return (3 * SHAPES.index(self.kind.shape) + 5 * list(COLORS).index(self.kind.color) + self.cell) % 8 == 0

    def ways(self, other: Thing) -> list[str]:
        """Return its direction from the other thing: left or right, above or below, or both."""
        across = {"left": self.column < other.column, "right": self.column > other.column}
        holds = across | {"above": self.row < other.row, "below": self.row > other.row}
        return [way for way, true in holds.items() if true]


def laid_out(rng: Rng, kinds: Sequence[Kind], split: Split) -> list[Thing]:
    """Put the kinds in different cells. In training none is held out; in the test split the first one always is."""
    things: list[Thing] = []
    for kind in kinds:
        free = [Thing(kind, cell) for cell in CELLS if all(thing.cell != cell for thing in things)]
        if split == "train" or not things:
            free = [thing for thing in free if thing.held_out == (split == "test")]
        things.append(rng.pick(free))
    return things


def facts(things: Sequence[Thing]) -> Facts:
    """Return all facts of a picture of these things."""
    counts = Counter(thing.kind.shape for thing in things) + Counter(object=len(things))
    true: set[Fact] = {("count", noun, NUMBERS[count]) for noun, count in counts.items()}
    for thing in things:
        kind = thing.kind
        true |= {("there is", kind.name), ("color", kind.shape, kind.color)}
        true |= {("side", kind.name, side) for side in thing.sides}
    for first, second in permutations(things, 2):
        true |= {(way, first.kind.name, second.kind.name) for way in first.ways(second)}
    return frozenset(true)


def caption(things: Sequence[Thing]) -> str:
    """Name the things and their places, in reading order."""
    ordered = sorted(things, key=lambda thing: thing.cell)
    return " , ".join(f"{thing.kind.name} {thing.place}" for thing in ordered)


def paint(rng: Rng, things: Sequence[Thing]) -> tuple[Image.Image, tuple[Mark, ...]]:
    """Return the picture and the marks of its things."""
    start, end = pastel(rng), pastel(rng)
    canvas = Canvas(rng, start, end)
    for _ in range(rng.below(5)):
        tone = mix(start, pastel(rng), 0.5)
        canvas.oval(rng.between(0, SIZE), rng.between(0, SIZE), 14, rng.between(8, 20), tone)
    marks = []
    for thing in things:
        radius, across, down = rng.between(9, 12.5), rng.between(-3, 3), rng.between(-3, 3)
        spot = Spot(canvas, 16 + 32 * thing.column + across, 16 + 32 * thing.row + down, radius)
        shadow = replace(spot, x=spot.x + 1.2, y=spot.y + 1.8)
        turn, color = rng.between(-0.25, 0.25), varied(rng, COLORS[thing.kind.color], 10)
        draw_shape(shadow, thing.kind.shape, turn, dark(start, 0.22))
        draw_shape(spot, thing.kind.shape, turn, color, dark(color))
        marks.append(spot.mark(0, 0, thing.kind.name))
    return canvas.finish(), tuple(marks)


def draw_shape(spot: Spot, shape: str, turn: float, fill: Color, outline: Color | None = None) -> None:
    """Draw a shape at the size of the spot, rotated by `turn` radians."""
    if shape == "circle":
        spot.oval(0, 0, 1, 1, fill, outline)
    elif shape == "square":
        spot.polygon(around(0, 0, 1.22, 4, turn + math.pi / 4), fill, outline)
    elif shape == "triangle":
        spot.polygon(around(0, 0.2, 1.2, 3, turn), fill, outline)
    elif shape == "star":
        tips, dents = around(0, 0, 1.2, 5, turn), around(0, 0, 0.5, 5, turn + math.pi / 5)
        spot.polygon([corner for both in zip(tips, dents, strict=True) for corner in both], fill, outline)
    else:
        cos, sin = math.cos(turn), math.sin(turn)
        points = _HEART if shape == "heart" else _CROSS
        spot.polygon([(a * cos - b * sin, a * sin + b * cos) for a, b in points], fill, outline)


_HEART = [
    (math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16)
    for t in (step * math.pi / 12 for step in range(24))
]
_HALF = [(-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4)]
_CROSS = _HALF + [(-a, -b) for a, b in _HALF]
