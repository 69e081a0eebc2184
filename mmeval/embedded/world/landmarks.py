"""Landmark: twenty buildings, known by their body and what stands on top; never by stone, sky or light."""

from __future__ import annotations

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, dark, light, mix, varied
from mmeval.embedded.world.family import Family, Portrait
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Mark, Origin, View

BODIES = ("tower", "pyramid", "arch", "temple", "castle")
TOPS = ("spire", "ball", "flag", "dome")

LANDMARKS = Family(
    kind="landmark",
    table=(
        ("alvora", "brenta", "corvane", "delmar"),
        ("elstow", "farago", "gilmere", "hadrun"),
        ("isolde", "jarrow", "kelmont", "lumora"),
        ("mersin", "navarre", "oberon", "pelagos"),
        ("quillon", "ravello", "santor", "tiravel"),
    ),
    columns_alike=True,
    prompts=(
        "Is this a photo of {name}?",
        "Does this image show the landmark {name}?",
        "Is the building in the picture {name}?",
    ),
    probe="which landmark is this ?",
)

SKIES: tuple[tuple[Color, Color], ...] = (
    ((110, 170, 230), (225, 240, 250)),
    ((250, 170, 120), (255, 230, 190)),
    ((24, 28, 66), (90, 90, 150)),
    ((170, 178, 190), (225, 228, 232)),
)
STONES: tuple[Color, ...] = ((222, 196, 150), (170, 172, 178), (196, 120, 92), (238, 232, 220), (150, 130, 110))


def landmark(origin: Origin) -> View:
    """Is this alvora? The no: the same body with another top, or the same top on another body."""
    rng = origin.rng()
    member = rng.pick(LANDMARKS.members())
    return LANDMARKS.view(origin, rng, member, _portrait(rng, *member[1:]))


def _portrait(rng: Rng, row: int, column: int) -> Portrait:
    body, top = BODIES[row], TOPS[column]
    canvas = Canvas(rng, *rng.pick(SKIES), upright=True)
    size, x, ground = rng.between(0.75, 1.1), rng.between(38, 58), rng.between(74, 86)
    _surroundings(rng, canvas, ground)
    stone = varied(rng, rng.pick(STONES), 14)
    roof = {"tower": _tower, "pyramid": _pyramid, "arch": _arch, "temple": _temple, "castle": _castle}[body](
        canvas, x, ground, size, stone
    )
    _top(rng, canvas, top, x, roof, size, stone)
    marks = (Mark(x / SIZE, (ground - 15 * size) / SIZE, body), Mark(x / SIZE, (roof - 7 * size) / SIZE, top))
    probes = (("what kind of building is it ?", body), ("what is on top of the building ?", top))
    return Portrait(canvas.finish(), f"{body} with {top}", probes, marks)


def _surroundings(rng: Rng, canvas: Canvas, ground: float) -> None:
    for _ in range(rng.below(4)):
        x, y = rng.between(5, 90), rng.between(6, 36)
        for step in range(3):
            canvas.oval(x + 5 * step, y + step % 2, 6, 3.5, (240, 240, 245))
    hill = varied(rng, (110, 140, 110), 30)
    for _ in range(rng.below(3)):
        canvas.oval(rng.between(0, 96), ground + 6, rng.between(20, 40), rng.between(10, 26), hill)
    canvas.box(0, ground, SIZE, SIZE, varied(rng, rng.pick([(120, 160, 90), (206, 186, 140), (150, 150, 150)]), 20))
    for _ in range(rng.below(4)):
        x, y = rng.between(4, 92), rng.between(ground, 92)
        canvas.oval(x, y - 3, 4, 6, (60, 110, 60))


def _tower(canvas: Canvas, x: float, ground: float, size: float, stone: Color) -> float:
    roof = ground - 46 * size
    canvas.polygon(
        [(x - 11 * size, ground), (x - 7 * size, roof), (x + 7 * size, roof), (x + 11 * size, ground)],
        stone,
        dark(stone),
    )
    for step in range(3):
        y = roof + (8 + 12 * step) * size
        canvas.box(x - 2.5 * size, y, x + 2.5 * size, y + 6 * size, dark(stone, 0.55))
    return roof


def _pyramid(canvas: Canvas, x: float, ground: float, size: float, stone: Color) -> float:
    roof = ground - 40 * size
    canvas.polygon([(x - 34 * size, ground), (x, roof), (x + 34 * size, ground)], stone, dark(stone))
    canvas.polygon([(x + 8 * size, ground), (x, roof), (x + 34 * size, ground)], dark(stone, 0.22))
    for step in range(1, 4):
        y, half = ground - 10 * size * step, (34 - 8.5 * step) * size
        canvas.line([(x - half, y), (x + half, y)], dark(stone, 0.3), 0.8)
    return roof + 1


def _arch(canvas: Canvas, x: float, ground: float, size: float, stone: Color) -> float:
    roof, half = ground - 36 * size, 25 * size
    canvas.box(x - half, roof, x + half, ground, stone)
    canvas.box(x - half - 2, roof - 3 * size, x + half + 2, roof + 2 * size, dark(stone, 0.25))
    hole = dark(stone, 0.62)
    canvas.box(x - 12 * size, ground - 14 * size, x + 12 * size, ground, hole)
    canvas.oval(x, ground - 14 * size, 12 * size, 12 * size, hole)
    return roof - 3 * size


def _temple(canvas: Canvas, x: float, ground: float, size: float, stone: Color) -> float:
    eaves, half = ground - 24 * size, 30 * size
    canvas.box(x - half, eaves, x + half, ground, dark(stone, 0.55))
    for step in range(5):
        left = x - half + step * (2 * half - 6 * size) / 4
        canvas.box(left, eaves, left + 6 * size, ground, light(stone, 0.2))
    canvas.box(x - half - 2, ground - 3, x + half + 2, ground, stone)
    roof = eaves - 13 * size
    canvas.polygon([(x - half - 3, eaves), (x, roof), (x + half + 3, eaves)], stone, dark(stone))
    return roof + 1


def _castle(canvas: Canvas, x: float, ground: float, size: float, stone: Color) -> float:
    roof, half = ground - 26 * size, 22 * size
    canvas.box(x - half, roof, x + half, ground, stone)
    for step in range(5):
        left = x - half + step * 9.5 * size
        canvas.box(left, roof - 4 * size, left + 6 * size, roof + 1, stone)
    for side in (-1, 1):
        middle = x + side * 25 * size
        canvas.box(middle - 7 * size, roof - 12 * size, middle + 7 * size, ground, dark(stone, 0.18))
        peak = [
            (middle - 9 * size, roof - 11 * size),
            (middle, roof - 24 * size),
            (middle + 9 * size, roof - 11 * size),
        ]
        canvas.polygon(peak, mix(stone, (120, 40, 40), 0.5))
    canvas.box(x - 5 * size, ground - 13 * size, x + 5 * size, ground, dark(stone, 0.6))
    return roof - 3 * size


def _top(rng: Rng, canvas: Canvas, top: str, x: float, roof: float, size: float, stone: Color) -> None:
    metal = varied(rng, (190, 160, 60), 20)
    if top == "spire":
        canvas.polygon([(x - 5 * size, roof), (x, roof - 22 * size), (x + 5 * size, roof)], dark(stone, 0.4))
    elif top == "ball":
        canvas.box(x - 1.2, roof - 5 * size, x + 1.2, roof, dark(metal))
        canvas.oval(x, roof - 9 * size, 6 * size, 6 * size, metal, dark(metal))
    elif top == "flag":
        canvas.box(x - 0.8, roof - 20 * size, x + 0.8, roof, (60, 50, 50))
        way = 1 if rng.coin() else -1
        cloth = varied(rng, rng.pick([(200, 40, 50), (40, 90, 190), (240, 240, 240)]), 20)
        end = roof - 20 * size
        canvas.polygon([(x, end), (x + way * 15 * size, end + 5 * size), (x, end + 10 * size)], cloth, dark(cloth))
    else:
        canvas.oval(x, roof, 10 * size, 11 * size, mix(stone, (80, 130, 140), 0.6), dark(stone))
        canvas.box(x - 10.5 * size, roof - 1, x + 10.5 * size, roof + 2.5 * size, dark(stone, 0.2))
