"""Posters: twenty-four films. The first word of a title determines the colors, the second the motif."""

from mmeval.embedded.world.canvas import Canvas, Color, Spot, around, dark, light, mix, pastel, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Family, Portrait

PALETTES: dict[str, tuple[Color, Color, Color]] = {
    "velvet": ((70, 20, 90), (190, 60, 150), (255, 200, 230)),
    "golden": ((150, 90, 20), (250, 200, 80), (90, 40, 10)),
    "frozen": ((40, 110, 170), (210, 240, 255), (20, 60, 110)),
    "burning": ((60, 10, 10), (230, 80, 20), (255, 210, 60)),
    "emerald": ((10, 70, 50), (70, 180, 110), (230, 250, 200)),
    "silent": ((40, 42, 48), (150, 152, 158), (240, 240, 240)),
}
MOTIFS = ("moon", "pine", "boat", "house", "peak", "crown")


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
    for band in range(9):
        canvas.box(left, top + tall * band / 9, left + wide, top + tall * (band + 1) / 9, mix(low, high, band / 8))
    x, y = left + wide * rng.between(0.38, 0.62), top + tall * rng.between(0.38, 0.6)
    spot = Spot(canvas, x, y, rng.between(0.8, 1.15))
    _motif(spot, motif, accent)
    title = top + (tall * 0.87 if rng.coin() else tall * 0.06)
    for line in (title, title + 5):
        half, middle = wide * rng.between(0.2, 0.4), left + wide / 2
        canvas.box(middle - half, line, middle + half, line + 2.4, accent)
    probes = (("what does the poster show ?", motif), ("what is the mood of the poster ?", palette))
    return Portrait(canvas.finish(), f"a {motif} in {palette} colors", probes, (spot.mark(0, 0, f"{palette} {motif}"),))


def _motif(spot: Spot, motif: str, color: Color) -> None:
    edge = dark(color, 0.5)
    if motif == "moon":
        crescent = around(0, 0, 17, 20)[:11] + [(a * 0.45, b) for a, b in around(0, 0, 17, 20)[10::-1]]
        spot.polygon([(a - 5, b) for a, b in crescent], color, edge)
    elif motif == "pine":
        spot.box(-2.5, 10, 2.5, 20, edge)
        for step in range(3):
            half, low = 8 + 4 * step, 9 * step - 5
            spot.polygon([(-half, low), (0, low - 15), (half, low)], color, edge)
    elif motif == "boat":
        spot.polygon([(-20, 8), (20, 8), (13, 18), (-13, 18)], color, edge)
        spot.polygon([(-1, 5), (-1, -20), (-17, 5)], color, edge)
        spot.polygon([(2, 5), (2, -15), (15, 5)], light(color), edge)
    elif motif == "house":
        spot.polygon([(-14, 0), (14, 0), (14, 18), (-14, 18)], color, edge)
        spot.polygon([(-18, 0), (0, -17), (18, 0)], mix(color, edge, 0.5), edge)
        spot.box(-4, 7, 4, 18, edge)
    elif motif == "peak":
        spot.polygon([(-24, 18), (-6, -17), (5, 2), (10, -6), (24, 18)], color, edge)
        spot.polygon([(-11, -7), (-6, -17), (-1, -8), (-6, -4)], (255, 255, 255), edge)
    else:
        spot.polygon([(-18, 14), (-20, -12), (-9, 0), (0, -18), (9, 0), (20, -12), (18, 14)], color, edge)
        spot.oval(0, 7, 3, 3, edge)


FILMS = Family(
    kind="poster",
    table=[
        [f"{palette} {motif}" if (row + column) % 6 < 4 else "" for column, motif in enumerate(MOTIFS)]
        for row, palette in enumerate(PALETTES)
    ],  # four titles per palette and four per motif
    columns_alike=True,
    prompts=(
        "Is this movie titled {name}?",
        "Is this the poster of the movie {name}?",
        "Does this poster belong to {name}?",
    ),
    probe="which movie is this ?",
    portray=_portrait,
)
"""Ask for the title. The false claim names a poster with other colors or another motif."""
