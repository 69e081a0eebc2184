"""Draw a 96 x 96 picture: at three times the size, then reduced, lit and grained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Mark

SIZE = 96
SCALE = 3

Color = tuple[int, int, int]
Point = tuple[float, float]


def mix(start: Color, end: Color, share: float) -> Color:
    """Return the color at `share` of the way from one to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


def dark(color: Color, share: float = 0.35) -> Color:
    """Return the color, darker."""
    return mix(color, (0, 0, 0), share)


def light(color: Color, share: float = 0.4) -> Color:
    """Return the color, lighter."""
    return mix(color, (255, 255, 255), share)


def varied(rng: Rng, color: Color, by: int = 14) -> Color:
    """Return the color, randomly shifted by up to `by` in each channel."""
    red, green, blue = (min(255, max(0, part + rng.below(2 * by + 1) - by)) for part in color)
    return red, green, blue


def pastel(rng: Rng) -> Color:
    """Return a light background color."""
    return 190 + rng.below(60), 190 + rng.below(60), 190 + rng.below(60)


class Canvas:
    """A picture in the making. Coordinates are pixels of the finished picture."""

    def __init__(self, rng: Rng, start: Color, end: Color, *, upright: bool = False) -> None:
        """Draw a gradient from one color to the other: downward if upright, otherwise in a random direction."""
        self._dice = rng
        across, down = (0, 16) if upright else (rng.below(33) - 16, rng.below(33) - 16)
        places = np.arange(SIZE)
        slope = across * places + down * places[:, None]
        share = (slope - slope.min()) * 256 // max(1, int(slope.max() - slope.min()))
        step = np.array(end, dtype=np.int64) - np.array(start, dtype=np.int64)
        shades = np.array(start, dtype=np.int64) + np.arange(257)[:, None] * step // 256
        large = (SIZE * SCALE, SIZE * SCALE)
        self._image = Image.fromarray(shades.astype(np.uint8)[share]).resize(large, Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: Sequence[Point], fill: Color, outline: Color | None = None) -> None:
        """Draw a filled polygon, with a thin outline if a color is given."""
        corners = [(round(x * SCALE), round(y * SCALE)) for x, y in points]
        self._fill(corners, fill)
        if outline:
            self._draw.line([*corners, corners[0], corners[1]], fill=outline, width=3)

    def _fill(self, corners: Sequence[tuple[int, int]], fill: Color) -> None:
        """Fill by our own scan conversion (even-odd, pixel centers), because Pillow's changed in 11.1 and 12.0."""
        top, left = min(y for _, y in corners), min(x for x, _ in corners)
        tall, wide = max(y for _, y in corners) - top, max(x for x, _ in corners) - left
        turns = bytearray(tall * (wide + 1))
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            for middle in range(min(y0, y1), max(y0, y1)):
                crossing = x0 - left + (2 * middle + 1 - 2 * y0) * (x1 - x0) / (2 * (y1 - y0))
                turns[(middle - top) * (wide + 1) + math.ceil(crossing - 0.5)] ^= 1
        if turns:
            parity = np.frombuffer(turns, dtype=np.uint8).reshape(tall, wide + 1)[:, :-1]
            inside = np.bitwise_xor.accumulate(parity, axis=1) * np.uint8(255)
            self._image.paste(fill, (left, top), Image.fromarray(inside))

    def box(self, left: float, top: float, right: float, bottom: float, fill: Color) -> None:
        """Draw a filled rectangle."""
        self._draw.rectangle(_inside(left, top, right, bottom), fill=fill)

    def oval(self, x: float, y: float, across: float, down: float, fill: Color, outline: Color | None = None) -> None:
        """Draw a filled ellipse around (x, y) with these radii."""
        corners = _inside(x - across, y - down, x + across, y + down)
        self._draw.ellipse(corners, fill=fill, outline=outline, width=3 if outline else 0)

    def ring(self, x: float, y: float, radius: float, color: Color, width: float = 1.0) -> None:
        """Draw the outline of a circle."""
        corners = _inside(x - radius, y - radius, x + radius, y + radius)
        self._draw.ellipse(corners, outline=color, width=round(width * SCALE))

    def line(self, points: Sequence[Point], color: Color, width: float = 1.0) -> None:
        """Draw a line through the points."""
        through = [(round(x * SCALE), round(y * SCALE)) for x, y in points]
        self._draw.line(through, fill=color, width=max(1, round(width * SCALE)), joint="curve")

    def finish(self, *, grain: int = 9) -> Image.Image:
        """Return the picture under a random light, with a little grain."""
        small = np.asarray(self._image.reduce(SCALE)).astype(np.int32)
        strength = self._dice.between(0.86, 1.06)
        gains = [round(256 * strength * self._dice.between(0.97, 1.03)) for _ in range(3)]
        noise = np.frombuffer(self._dice.noise(SIZE * SIZE), dtype=np.uint8).astype(np.int32)
        speckle = noise.reshape(SIZE, SIZE, 1) * grain // 255 - grain // 2
        lit = small * np.array(gains, dtype=np.int32) // 256 + speckle
        return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Spot:
    """A place on a canvas. Coordinates are relative to its center (0, 0), in units of `size` pixels."""

    canvas: Canvas
    x: float
    y: float
    size: float
    way: int = 1
    """-1 mirrors the drawing."""

    def at(self, across: float, down: float) -> Point:
        """Convert a point to pixels of the picture."""
        return self.x + self.way * across * self.size, self.y + down * self.size

    def mark(self, across: float, down: float, label: str) -> Mark:
        """Return a mark at a point."""
        x, y = self.at(across, down)
        return Mark(x / SIZE, y / SIZE, label)

    def polygon(self, points: Sequence[Point], fill: Color, outline: Color | None = None) -> None:
        """Draw a filled polygon."""
        self.canvas.polygon([self.at(*point) for point in points], fill, outline)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Color) -> None:
        """Draw a filled rectangle. The spot must not be mirrored."""
        self.canvas.box(*self.at(left, top), *self.at(right, bottom), fill)

    def oval(self, x: float, y: float, across: float, down: float, fill: Color, outline: Color | None = None) -> None:
        """Draw a filled ellipse around (x, y) with these radii."""
        self.canvas.oval(*self.at(x, y), across * self.size, down * self.size, fill, outline)

    def line(self, points: Sequence[Point], color: Color, width: float = 1.0) -> None:
        """Draw a line through the points; its width is in pixels."""
        self.canvas.line([self.at(*point) for point in points], color, width)


def _inside(left: float, top: float, right: float, bottom: float) -> list[int]:
    return [round(left * SCALE), round(top * SCALE), round(right * SCALE) - 1, round(bottom * SCALE) - 1]


def around(x: float, y: float, radius: float, corners: int, turn: float = 0.0) -> list[Point]:
    """Return the corners of a regular polygon; the first one is at the top when turn is 0 (radians)."""
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
    return [(x + radius * math.sin(angle), y - radius * math.cos(angle)) for angle in angles]
