"""Scene: twelve kinds of places, at different times of day."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, dark, light, mix, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Family, Mark, Portrait

SKIES: dict[str, tuple[Color, Color, float]] = {
    "morning": ((250, 200, 170), (250, 236, 220), 0.1),
    "noon": ((90, 160, 230), (214, 236, 250), 0.0),
    "evening": ((180, 80, 110), (250, 180, 110), 0.25),
    "night": ((14, 18, 50), (50, 58, 110), 0.5),
}
"""Colors of the top and bottom of the sky, and darkness of the ground."""


@dataclass(frozen=True)
class _Land:
    """The landscape's canvas, its horizon, and the colors of the time of day."""

    rng: Rng
    canvas: Canvas
    horizon: float
    hour: str

    def tone(self, color: Color, by: int = 14) -> Color:
        return mix(varied(self.rng, color, by), (20, 20, 50), SKIES[self.hour][2])

    def ground(self, color: Color) -> None:
        self.canvas.box(0, self.horizon, SIZE, SIZE, self.tone(color))

    def anywhere(self, low: float, high: float) -> tuple[float, float]:
        return self.rng.between(4, 92), self.rng.between(low, high)


def _portrait(rng: Rng, row: int, column: int) -> Portrait:
    name = PLACES.table[row][column]
    hour = rng.pick(list(SKIES))
    top, bottom, _ = SKIES[hour]
    canvas = Canvas(rng, varied(rng, top), varied(rng, bottom), upright=True)
    land = _Land(rng, canvas, rng.between(44, 58), hour)
    x, y = rng.between(12, 84), rng.between(10, 24)
    canvas.oval(x, y, 6, 6, (240, 240, 225) if hour == "night" else (255, 232, 130))
    for _ in range(rng.below(3)):
        a, b = land.anywhere(8, 34)
        canvas.oval(a, b, 11, 3, light(bottom, 0.5))
    _LANDS[row][column](land)
    disc = "moon" if hour == "night" else "sun"
    marks = (Mark(0.25, 0.75, name), Mark(0.75, 0.75, name), Mark(x / SIZE, y / SIZE, disc))
    probes = (("what time is it ?", hour), ("what is in the sky ?", disc))
    return Portrait(canvas.finish(), f"{disc} in the sky , {hour}", probes, marks)


def _beach(land: _Land) -> None:
    _ocean(land)
    shore, bend = land.rng.between(66, 76), land.rng.between(-8, 8)
    sand = land.tone((238, 214, 160))
    land.canvas.polygon([(0, shore + bend), (48, shore + 4), (96, shore - bend), (96, 96), (0, 96)], sand, light(sand))
    x, y = land.anywhere(80, 88)
    land.canvas.line([(x, y), (x + 1, y - 17)], land.tone((120, 80, 50)), 1.4)
    land.canvas.polygon([(x - 12, y - 15), (x + 1, y - 25), (x + 14, y - 15)], land.tone((220, 60, 60), 40))


def _ocean(land: _Land) -> None:
    land.ground((40, 110, 180))
    for step in range(9):
        x, y = land.anywhere(land.horizon + 4, 94)
        foam = land.tone((150, 200, 230))
        land.canvas.line([(x - 6, y), (x - 2, y - 2), (x + 2, y), (x + 6 + step % 3, y - 2)], foam, 0.9)


def _harbor(land: _Land) -> None:
    _ocean(land)
    for _ in range(2 + land.rng.below(2)):
        x, y = land.anywhere(land.horizon + 6, 82)
        hull = land.tone((200, 70, 60), 50)
        land.canvas.polygon([(x - 12, y), (x + 12, y), (x + 8, y + 7), (x - 8, y + 7)], hull, dark(hull))
        land.canvas.polygon([(x, y - 2), (x, y - 24), (x + 11, y - 2)], land.tone((245, 245, 240)))
        land.canvas.line([(x, y), (x, y - 25)], (70, 50, 40), 1)
    land.canvas.box(0, 88, SIZE, SIZE, land.tone((130, 110, 90)))


def _tree(land: _Land, x: float, y: float, size: float, *, pine: bool) -> None:
    land.canvas.box(x - size * 0.12, y - size * 0.5, x + size * 0.12, y, land.tone((96, 66, 44)))
    green = land.tone((40, 110, 56), 20)
    if pine:
        for step in range(3):
            low, half = y - size * (0.3 + 0.4 * step), size * (0.5 - 0.1 * step)
            land.canvas.polygon([(x - half, low), (x, low - size * 0.7), (x + half, low)], green)
    else:
        land.canvas.oval(x, y - size * 0.9, size * 0.5, size * 0.55, green)


def _forest(land: _Land) -> None:
    land.ground((70, 110, 60))
    for row in range(3):
        for _ in range(5):
            x = land.rng.between(0, 96)
            _tree(land, x, land.horizon + 10 + row * 14, land.rng.between(20, 28), pine=land.rng.coin(0.7))


def _meadow(land: _Land) -> None:
    land.ground((120, 180, 80))
    land.canvas.oval(land.rng.between(10, 86), land.horizon + 4, 40, 10, land.tone((130, 190, 90)))
    for _ in range(26):
        x, y = land.anywhere(land.horizon + 8, 94)
        color = land.rng.pick([(250, 220, 80), (250, 250, 250), (230, 90, 130), (150, 90, 210)])
        land.canvas.oval(x, y, 1.8, 1.8, land.tone(color))


def _farm(land: _Land) -> None:
    land.ground((190, 160, 80))
    foot = land.rng.between(20, 76)
    for step in range(-8, 9):
        furrow = [(foot + step * 4, land.horizon), (48 + step * 22, 97)]
        land.canvas.line(furrow, land.tone((120, 130, 50)), 1.8)
    _house(land, land.rng.between(18, 78), land.horizon + 8, 15, (180, 40, 40))


def _house(land: _Land, x: float, y: float, size: float, wall: Color) -> None:
    color = land.tone(wall, 24)
    land.canvas.box(x - size * 0.7, y - size * 0.8, x + size * 0.7, y, color)
    roof = [(x - size * 0.85, y - size * 0.8), (x, y - size * 1.5), (x + size * 0.85, y - size * 0.8)]
    land.canvas.polygon(roof, dark(color, 0.45))
    window = (255, 226, 130) if land.hour in ("night", "evening") else (120, 150, 180)
    land.canvas.box(x - size * 0.35, y - size * 0.6, x + size * 0.1, y - size * 0.25, window)


def _city(land: _Land) -> None:
    land.ground((110, 112, 120))
    left = -4.0
    while left < 96:
        wide, top = land.rng.between(12, 20), land.rng.between(16, 42)
        wall = land.tone((130, 140, 160), 36)
        land.canvas.box(left, top, left + wide, land.horizon + 16, wall)
        bright = land.hour in ("night", "evening")
        for row in range(int((land.horizon + 8 - top) / 6)):
            for x in (left + 2.5, left + wide - 5.5):
                window = (255, 226, 130) if bright and land.rng.coin(0.7) else dark(wall, 0.4)
                land.canvas.box(x, top + 3 + 6 * row, x + 3, top + 6 + 6 * row, window)
        left += wide + 1


def _village(land: _Land) -> None:
    land.ground((130, 170, 90))
    for row in range(2):
        for column in range(3):
            x = 16 + 32 * column + land.rng.between(-8, 8)
            wall = land.rng.pick([(240, 226, 200), (226, 180, 140), (200, 200, 210)])
            _house(land, x, land.horizon + 12 + 22 * row, land.rng.between(13, 17), wall)
    _tree(land, *land.anywhere(80, 92), 18, pine=False)


def _road(land: _Land) -> None:
    land.ground((140, 160, 100))
    far, foot = land.rng.between(25, 71), land.rng.between(34, 62)
    edges = [(far - 3, land.horizon), (far + 3, land.horizon), (foot + 40, 97), (foot - 40, 97)]
    land.canvas.polygon(edges, land.tone((86, 86, 92)))
    for step in (0.15, 0.35, 0.62):
        ends = (step, step + 0.05 + step / 4)
        dash = [(far + (foot - far) * share, land.horizon + (97 - land.horizon) * share) for share in ends]
        land.canvas.line(dash, land.tone((245, 240, 200)), 1 + 3 * step)


def _desert(land: _Land) -> None:
    land.ground((230, 186, 110))
    for step in range(4):
        tone = land.tone((226 - 12 * step, 180 - 12 * step, 104 - 8 * step))
        land.canvas.oval(land.rng.between(0, 96), land.horizon + 14 + 14 * step, 46, 13, tone)
    for _ in range(1 + land.rng.below(2)):
        x, y = land.anywhere(72, 90)
        green = land.tone((60, 130, 70))
        land.canvas.line([(x, y), (x, y - 24)], green, 4)
        land.canvas.line([(x, y - 8), (x - 7, y - 10), (x - 7, y - 18)], green, 2.6)
        land.canvas.line([(x, y - 11), (x + 7, y - 13), (x + 7, y - 20)], green, 2.6)


def _mountain(land: _Land) -> None:
    land.ground((110, 140, 100))
    for x, peak in sorted((land.rng.between(5, 91), land.rng.between(14, 30)) for _ in range(3)):
        rock = land.tone((120, 118, 130), 16)
        land.canvas.polygon([(x - 36, 76), (x, peak), (x + 36, 76)], rock, dark(rock, 0.3))
        land.canvas.polygon([(x - 9, peak + 15), (x, peak), (x + 9, peak + 15), (x, peak + 10)], (246, 248, 252))


def _volcano(land: _Land) -> None:
    land.ground((90, 84, 70))
    x, peak = land.rng.between(30, 66), land.rng.between(30, 38)
    for step in range(5):
        drift = step * land.rng.between(-3, 3)
        land.canvas.oval(x + drift, peak - 4 - 6 * step, 6 + 2 * step, 5 + step, land.tone((150, 146, 150)))
    rock = land.tone((80, 62, 62))
    land.canvas.polygon([(x - 44, 84), (x - 10, peak), (x + 10, peak), (x + 44, 84)], rock, dark(rock))
    lava = (250, 110, 30)
    land.canvas.polygon([(x - 10, peak), (x + 10, peak), (x + 6, peak + 7), (x - 5, peak + 6)], lava)
    run = math.copysign(land.rng.between(4, 10), land.rng.between(-1, 1))
    land.canvas.line([(x, peak + 4), (x + run / 2, peak + 18), (x + run, peak + 36)], lava, 3)


_LANDS: tuple[tuple[Callable[[_Land], None], ...], ...] = (
    (_beach, _ocean, _harbor),
    (_forest, _meadow, _farm),
    (_city, _village, _road),
    (_desert, _mountain, _volcano),
)
PLACES = Family(
    kind="scene",
    table=[[land.__name__.removeprefix("_") for land in row] for row in _LANDS],
    columns_alike=False,
    prompts=(
        "Is this picture captured in a place of {name}?",
        "Does this image show a {name} scene?",
        "Is this scene a {name}?",
    ),
    probe="what place is this ?",
    portray=_portrait,
)
"""Ask for the place, such as a beach. The false claim names a similar place."""
