"""Artwork: twenty painters, recognizable by technique and palette, not by content."""

import math
from collections.abc import Callable

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, dark, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Family, Mark, Portrait

TECHNIQUES = ("dots", "strokes", "tiles", "triangles", "rings")
PALETTES: dict[str, tuple[Color, ...]] = {
    "warm": ((250, 210, 120), (236, 150, 60), (206, 70, 50), (130, 40, 50), (255, 236, 200)),
    "cool": ((190, 224, 240), (90, 160, 210), (50, 90, 170), (40, 50, 110), (130, 210, 200)),
    "candy": ((255, 190, 220), (180, 230, 120), (255, 120, 170), (130, 90, 220), (255, 245, 150)),
    "earth": ((200, 190, 150), (140, 130, 90), (96, 80, 56), (56, 60, 44), (170, 110, 70)),
}

Content = Callable[[float, float], int]
"""Returns which of a palette's five colors is at (x, y), both from -1 to 1."""


def _portrait(rng: Rng, row: int, column: int) -> Portrait:
    technique, palette = TECHNIQUES[row], list(PALETTES)[column]
    colors = [varied(rng, color, 8) for color in PALETTES[palette]]
    content = rng.pick(list(CONTENTS))
    picture = _moved(rng, CONTENTS[content])
    canvas = Canvas(rng, colors[0], colors[1])
    for x, y, size in _touches(rng):
        color = varied(rng, colors[picture(x / 48 - 1, y / 48 - 1)], 12)
        _touch(rng, canvas, technique, x, y, size, color)
    _frame(rng, canvas)
    marks = tuple(Mark(x, y, f"{technique} {palette}") for y in (0.25, 0.75) for x in (0.25, 0.75))
    probes = (
        ("what is painted here ?", content),
        ("how is the paint laid on ?", technique),
        ("what is the palette ?", palette),
    )
    return Portrait(canvas.finish(), f"{content} in {palette} {technique}", probes, marks)


def _touches(rng: Rng) -> list[tuple[float, float, float]]:
    """Return (x, y, size) of the touches: a jittered grid, in random order."""
    step = 8.5
    count = int(SIZE / step) + 2
    touches = [
        ((x + rng.between(-0.3, 0.3)) * step, (y + rng.between(-0.3, 0.3)) * step, step * rng.between(0.85, 1.15))
        for y in range(count)
        for x in range(count)
    ]
    return rng.shuffled(touches)


def _touch(rng: Rng, canvas: Canvas, technique: str, x: float, y: float, size: float, color: Color) -> None:
    if technique == "dots":
        canvas.oval(x, y, size * 0.48, size * 0.48, color)
    elif technique == "strokes":
        canvas.line([(x - size, y + 1), (x, y - 1), (x + size, y + 1)], color, size * 0.5)
    elif technique == "tiles":
        half = size * 0.62
        canvas.box(x - half, y - half, x + half, y + half, dark(color, 0.4))
        canvas.box(x - half + 0.7, y - half + 0.7, x + half - 0.7, y + half - 0.7, color)
    elif technique == "triangles":
        turn = rng.between(0, 2 * math.pi)
        reach, angles = size * 1.05, (turn, turn + 2.1, turn + 4.2)
        canvas.polygon([(x + reach * math.sin(angle), y + reach * math.cos(angle)) for angle in angles], color)
    else:
        canvas.oval(x, y, size * 0.8, size * 0.8, color)
        canvas.ring(x, y, size * 0.55, dark(color, 0.35), 1)


def _frame(rng: Rng, canvas: Canvas) -> None:
    wide = rng.between(3, 7)
    color = varied(rng, rng.pick([(190, 150, 70), (40, 36, 36), (240, 238, 230), (110, 70, 40)]), 14)
    far = SIZE - wide
    boxes = ((0, 0, SIZE, wide), (0, far, SIZE, SIZE), (0, 0, wide, SIZE), (far, 0, SIZE, SIZE))
    for left, top, right, bottom in boxes:
        canvas.box(left, top, right, bottom, color)


def _moved(rng: Rng, content: Content) -> Content:
    """Return the content, randomly shifted, scaled and mirrored."""
    across, down = rng.between(-0.25, 0.25), rng.between(-0.2, 0.2)
    size, way = rng.between(0.8, 1.25), 1 if rng.coin() else -1
    return lambda x, y: content(way * (x - across) / size, (y - down) / size)


def _sunset(x: float, y: float) -> int:
    if (x - 0.3) ** 2 + (y + 0.4) ** 2 < 0.1:
        return 4
    if y > 0.35 + 0.15 * math.sin(4 * x):
        return 3
    return 2 if y > 0.1 else 0


def _vase(x: float, y: float) -> int:
    if (x * x + (y - 0.4) ** 2 < 0.16) or (abs(x) < 0.13 and -0.2 < y < 0.4):
        return 3
    if any((x - a) ** 2 + (y - b) ** 2 < 0.05 for a, b in ((0, -0.55), (-0.35, -0.35), (0.35, -0.35))):
        return 2
    return 1 if y > 0.6 else 0


def _head(x: float, y: float) -> int:
    if x * x / 0.12 + (y + 0.15) ** 2 / 0.2 < 1:
        return 4
    if x * x / 0.22 + (y + 0.25) ** 2 / 0.3 < 1:
        return 3
    return 2 if x * x + (y - 0.9) ** 2 < 0.4 else 1


def _sail(x: float, y: float) -> int:
    if -0.7 < y < 0.2 and 0 < x < 0.6 * (y + 0.7):
        return 4
    if 0.25 < y < 0.45 and abs(x) < 0.7 - (y - 0.25):
        return 3
    return 2 if y > 0.4 else 0


def _wood(x: float, y: float) -> int:
    if abs((x * 2.2) % 1 - 0.5) < 0.12 and y > -0.2:
        return 3
    if y < -0.1 + 0.2 * math.sin(7 * x):
        return 2
    return 1 if y > 0.55 else 0


CONTENTS: dict[str, Content] = {"sunset": _sunset, "vase": _vase, "head": _head, "sail": _sail, "wood": _wood}

PAINTERS = Family(
    kind="style",
    table=(
        ("abelard", "belmont", "castor", "duval"),
        ("estrada", "fonso", "garnet", "hollis"),
        ("ivanka", "jensen", "kandor", "larkin"),
        ("morvan", "nakano", "orsino", "pryor"),
        ("quintana", "rosko", "sorrel", "tanaka"),
    ),
    columns_alike=True,
    prompts=(
        "Is this artwork created by {name}?",
        "Is this a painting by {name}?",
        "Did the artist {name} paint this picture?",
    ),
    probe="who painted this ?",
    portray=_portrait,
)
"""Ask for the painter. The false claim names one with the same technique or the same palette."""
