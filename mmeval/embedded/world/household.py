"""Things of daily life, each drawn in one of two states (0 or 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, dark, light, varied
from mmeval.embedded.world.rng import Rng


@dataclass(frozen=True)
class Spot:
    """Where a thing is drawn: its middle and its size."""

    x: float
    y: float
    size: float

    def at(self, across: float, down: float) -> tuple[float, float]:
        """Return a point of the thing, on the picture."""
        return self.x + across * self.size, self.y + down * self.size


Paint = Callable[[Rng, Canvas, Spot, int], None]
"""Draws a thing in its state 0 or 1."""


def lamp(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a traffic light: green, red."""
    left, top = spot.at(-13, -30)
    right, bottom = spot.at(13, 30)
    canvas.box(spot.x - 3, bottom, spot.x + 3, SIZE, (90, 92, 98))
    canvas.box(left, top, right, bottom, varied(rng, (52, 54, 60), 12))
    lamps: tuple[tuple[Color, bool], ...] = (((240, 50, 40), state == 1), ((50, 220, 90), state == 0))
    for (color, on), down in zip(lamps, (-15, 15), strict=True):
        x, y = spot.at(0, down)
        canvas.oval(x, y, 10 * spot.size, 10 * spot.size, color if on else dark(color, 0.78))


def sky(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw the weather: rain, sun."""
    if state == 1:
        canvas.oval(*spot.at(0, -4), 17 * spot.size, 17 * spot.size, (255, 210, 60))
        for step in range(10):
            angle = step * math.pi / 5
            inner, outer = (spot.at(reach * math.sin(angle), reach * math.cos(angle) - 4) for reach in (20, 28))
            canvas.line([inner, outer], (250, 180, 40), 2)
        return
    for across, down, radius in ((-16, -8, 12), (0, -15, 15), (16, -8, 12), (0, -5, 13)):
        cloud = varied(rng, (130, 136, 148), 8)
        canvas.oval(*spot.at(across, down), radius * spot.size, radius * spot.size, cloud)
    for _ in range(14):
        x, y = spot.at(rng.between(-26, 26), rng.between(8, 36))
        canvas.line([(x, y), (x - 2, y + 6)], (50, 100, 200), 1.2)


def cup(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a cup: full, empty."""
    glass, drink = light(varied(rng, (190, 210, 230), 20)), varied(rng, (150, 70, 30), 40)
    outline = [spot.at(-17, -25), spot.at(17, -25), spot.at(12, 25), spot.at(-12, 25)]
    canvas.polygon(outline, glass, (90, 100, 120))
    if state == 0:
        canvas.polygon([spot.at(-15, -17), spot.at(15, -17), spot.at(11, 23), spot.at(-11, 23)], drink)
        canvas.oval(*spot.at(0, -17), 15 * spot.size, 3 * spot.size, light(drink, 0.25))


def clock(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a clock: at noon, at seven."""
    canvas.oval(spot.x, spot.y, 30 * spot.size, 30 * spot.size, varied(rng, (250, 248, 240), 5), (60, 50, 50))
    for hour in range(12):
        angle = hour * math.pi / 6
        inner, outer = (spot.at(reach * math.sin(angle), -reach * math.cos(angle)) for reach in (24, 28))
        canvas.line([inner, outer], (70, 60, 60), 1.4)
    hour = 12 if state == 0 else 7
    angle = hour * math.pi / 6
    canvas.line([(spot.x, spot.y), spot.at(15 * math.sin(angle), -15 * math.cos(angle))], (180, 40, 40), 3.4)
    minute = rng.below(4) * math.pi / 30
    canvas.line([(spot.x, spot.y), spot.at(22 * math.sin(minute), -22 * math.cos(minute))], (40, 40, 50), 1.4)


def window(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a window: night, day."""
    left, top = spot.at(-26, -28)
    right, bottom = spot.at(26, 28)
    canvas.box(left - 3, top - 3, right + 3, bottom + 3, varied(rng, (150, 110, 70), 20))
    canvas.box(left, top, right, bottom, (20, 26, 66) if state == 0 else (140, 200, 245))
    if state == 0:
        canvas.oval(*spot.at(10, -14), 7 * spot.size, 7 * spot.size, (245, 240, 200))
        for _ in range(8):
            x, y = spot.at(rng.between(-22, 22), rng.between(-24, 22))
            canvas.oval(x, y, 0.9, 0.9, (255, 255, 255))
    else:
        canvas.oval(*spot.at(-8, -10), 10 * spot.size, 4 * spot.size, (255, 255, 255))
        canvas.box(left, bottom - 12 * spot.size, right, bottom, (110, 180, 90))
    canvas.box(spot.x - 1, top, spot.x + 1, bottom, (110, 80, 50))


def thermometer(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a thermometer: low, high."""
    frame = varied(rng, (245, 245, 248), 6)
    canvas.box(*spot.at(-6, -34), *spot.at(6, 26), frame)
    red = (220, 40, 40) if state == 1 else (50, 100, 220)
    canvas.oval(*spot.at(0, 26), 10 * spot.size, 10 * spot.size, red)
    canvas.box(*spot.at(-2.5, -24 if state == 1 else 10), *spot.at(2.5, 24), red)
    for step in range(6):
        canvas.box(*spot.at(6, -30 + 9 * step), *spot.at(11, -29 + 9 * step), (80, 80, 90))


def battery(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a battery: empty, full."""
    canvas.box(*spot.at(-30, -15), *spot.at(28, 15), (50, 54, 62))
    canvas.box(*spot.at(28, -6), *spot.at(33, 6), (50, 54, 62))
    canvas.box(*spot.at(-27, -12), *spot.at(25, 12), varied(rng, (228, 230, 234), 8))
    if state == 0:
        canvas.box(*spot.at(-25, -10), *spot.at(-19, 10), (224, 60, 50))
    else:
        for step in range(4):
            canvas.box(*spot.at(-25 + 12.3 * step, -10), *spot.at(-14.5 + 12.3 * step, 10), (70, 190, 90))


def door(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a door: closed, open."""
    wood = varied(rng, rng.pick([(150, 96, 56), (70, 110, 150), (150, 60, 60), (90, 130, 90)]), 16)
    canvas.box(*spot.at(-20, -34), *spot.at(20, 36), dark(wood, 0.45))
    if state == 0:
        canvas.box(*spot.at(-16, -30), *spot.at(16, 36), wood)
        for top, bottom in ((-25, -4), (2, 30)):
            canvas.box(*spot.at(-11, top), *spot.at(11, bottom), dark(wood, 0.18))
        canvas.oval(*spot.at(12, 2), 2.2, 2.2, (240, 210, 100))
    else:
        canvas.box(*spot.at(-16, -30), *spot.at(16, 36), (255, 240, 190))
        leaf = [spot.at(-16, -30), spot.at(-30, -24), spot.at(-30, 42), spot.at(-16, 36)]
        canvas.polygon(leaf, wood, dark(wood))


def plant(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a plant: dry, healthy."""
    pot = varied(rng, (196, 106, 66), 24)
    green = (60, 160, 70) if state == 1 else (160, 130, 60)
    for side in (-1, 0, 1):
        tip = spot.at(14 * side, -24) if state == 1 else spot.at(20 * side + 5, 4)
        bend = spot.at(5 * side, -12) if state == 1 else spot.at(9 * side + 2, -14)
        canvas.line([spot.at(0, 12), bend, tip], dark(green, 0.2), 1.8)
        canvas.oval(*tip, 7 * spot.size, (9 if state == 1 else 5) * spot.size, green, dark(green))
    canvas.polygon([spot.at(-15, 10), spot.at(15, 10), spot.at(11, 34), spot.at(-11, 34)], pot, dark(pot))


def candle(rng: Rng, canvas: Canvas, spot: Spot, state: int) -> None:
    """Draw a candle: out, burning."""
    wax = varied(rng, rng.pick([(245, 240, 225), (200, 60, 70), (90, 130, 190)]), 14)
    canvas.oval(*spot.at(0, 32), 22 * spot.size, 5 * spot.size, (150, 120, 60))
    canvas.box(*spot.at(-8, -8), *spot.at(8, 32), wax)
    canvas.line([spot.at(0, -8), spot.at(0, -14)], (40, 40, 40), 1.2)
    if state == 1:
        flame = [spot.at(-6, -17), spot.at(0, -34), spot.at(6, -17), spot.at(0, -11)]
        canvas.oval(*spot.at(0, -20), 15 * spot.size, 16 * spot.size, (255, 240, 170))
        canvas.polygon(flame, (250, 150, 40), (230, 90, 20))
