"""Posters: twenty-four films; the first word of a title gives its colors, the second its motif."""

from __future__ import annotations

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, around, dark, light, mix, pastel, varied
from mmeval.embedded.world.family import Family, Portrait
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Mark, Origin, View

PALETTES: dict[str, tuple[Color, Color, Color]] = {
    "velvet": ((70, 20, 90), (190, 60, 150), (255, 200, 230)),
    "golden": ((150, 90, 20), (250, 200, 80), (90, 40, 10)),
    "frozen": ((40, 110, 170), (210, 240, 255), (20, 60, 110)),
    "burning": ((60, 10, 10), (230, 80, 20), (255, 210, 60)),
    "emerald": ((10, 70, 50), (70, 180, 110), (230, 250, 200)),
    "silent": ((40, 42, 48), (150, 152, 158), (240, 240, 240)),
}
MOTIFS = ("moon", "pine", "boat", "house", "peak", "crown")


def _table() -> tuple[tuple[str | None, ...], ...]:
    """Four titles of each palette and four of each motif."""
    return tuple(
        tuple(f"{palette} {motif}" if (row + column) % 6 < 4 else None for column, motif in enumerate(MOTIFS))
        for row, palette in enumerate(PALETTES)
    )


FILMS = Family(
    kind="poster",
    table=_table(),
    columns_alike=True,
    prompts=(
        "Is this movie titled {name}?",
        "Is this the poster of the movie {name}?",
        "Does this poster belong to {name}?",
    ),
    probe="which movie is this ?",
)


def posters(origin: Origin) -> View:
    """Is this movie titled velvet moon? The no: other colors, or another motif."""
    rng = origin.rng()
    member = rng.pick(FILMS.members())
    return FILMS.view(origin, rng, member, _portrait(rng, *member[1:]))


def _portrait(rng: Rng, row: int, column: int) -> Portrait:
    palette, motif = list(PALETTES)[row], MOTIFS[column]
    low, high, accent = (varied(rng, color, 10) for color in PALETTES[palette])
    wall = pastel(rng)
    canvas = Canvas(rng, wall, mix(wall, varied(rng, (128, 128, 128), 90), 0.6))
    wide, tall = rng.between(52, 66), rng.between(72, 86)
    left, top = rng.between(4, 92 - wide), rng.between(4, 92 - tall)
    canvas.box(left + 2, top + 2.5, left + wide + 2, top + tall + 2.5, dark(wall, 0.3))
    if rng.coin():
        low, high = high, low
    _sheet(canvas, left, top, wide, tall, low, high)
    x = left + wide * rng.between(0.38, 0.62)
    y, size = top + tall * rng.between(0.38, 0.6), rng.between(0.8, 1.15)
    _motif(canvas, motif, x, y, size, accent)
    _title(rng, canvas, left, top, wide, tall, accent)
    mark = Mark(x / SIZE, y / SIZE, f"{palette} {motif}")
    probes = (("what does the poster show ?", motif), ("what is the mood of the poster ?", palette))
    return Portrait(canvas.finish(), f"a {motif} in {palette} colors", probes, (mark,))


def _sheet(canvas: Canvas, left: float, top: float, wide: float, tall: float, low: Color, high: Color) -> None:
    bands = 9
    for band in range(bands):
        color = mix(low, high, band / (bands - 1))
        canvas.box(left, top + tall * band / bands, left + wide, top + tall * (band + 1) / bands, color)


def _title(rng: Rng, canvas: Canvas, left: float, top: float, wide: float, tall: float, ink: Color) -> None:
    y = top + (tall * 0.87 if rng.coin() else tall * 0.06)
    for line in range(2):
        half = wide * rng.between(0.2, 0.4)
        middle = left + wide / 2
        canvas.box(middle - half, y + 5 * line, middle + half, y + 5 * line + 2.4, ink)


def _motif(canvas: Canvas, motif: str, x: float, y: float, size: float, color: Color) -> None:
    edge = dark(color, 0.5)

    def part(*points: tuple[float, float], fill: Color = color) -> None:
        canvas.polygon([(x + a * size, y + b * size) for a, b in points], fill, edge)

    if motif == "moon":
        crescent = around(0, 0, 17, 20)[:11] + [(a * 0.45, b) for a, b in around(0, 0, 17, 20)[10::-1]]
        part(*[(a - 5, b) for a, b in crescent])
    elif motif == "pine":
        canvas.box(x - 2.5 * size, y + 10 * size, x + 2.5 * size, y + 20 * size, edge)
        for step in range(3):
            part((-8 - 4 * step, -5 + 9 * step), (0, -20 + 9 * step), (8 + 4 * step, -5 + 9 * step))
    elif motif == "boat":
        part((-20, 8), (20, 8), (13, 18), (-13, 18))
        part((-1, 5), (-1, -20), (-17, 5))
        part((2, 5), (2, -15), (15, 5), fill=light(color))
    elif motif == "house":
        part((-14, 0), (14, 0), (14, 18), (-14, 18))
        part((-18, 0), (0, -17), (18, 0), fill=mix(color, edge, 0.5))
        canvas.box(x - 4 * size, y + 7 * size, x + 4 * size, y + 18 * size, edge)
    elif motif == "peak":
        part((-24, 18), (-6, -17), (5, 2), (10, -6), (24, 18))
        part((-11, -7), (-6, -17), (-1, -8), (-6, -4), fill=(255, 255, 255))
    else:
        part((-18, 14), (-20, -12), (-9, 0), (0, -18), (9, 0), (20, -12), (18, 14))
        canvas.oval(x, y + 7 * size, 3 * size, 3 * size, edge)
