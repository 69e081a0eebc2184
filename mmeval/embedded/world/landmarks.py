"""Landmark: twenty buildings, recognizable by their body and top, not by stone, sky or light."""

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, Spot, dark, light, mix, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Family, Portrait

TOPS = ("spire", "ball", "flag", "dome")
SKIES: tuple[tuple[Color, Color], ...] = (
    ((110, 170, 230), (225, 240, 250)),
    ((250, 170, 120), (255, 230, 190)),
    ((24, 28, 66), (90, 90, 150)),
    ((170, 178, 190), (225, 228, 232)),
)
STONES: tuple[Color, ...] = ((222, 196, 150), (170, 172, 178), (196, 120, 92), (238, 232, 220), (150, 130, 110))


def _portrait(rng: Rng, row: int, column: int) -> Portrait:
    body, top = list(BODIES)[row], TOPS[column]
    canvas = Canvas(rng, *rng.pick(SKIES), upright=True)
    size, x, ground = rng.between(0.75, 1.1), rng.between(38, 58), rng.between(74, 86)
    _surroundings(rng, canvas, ground)
    stone = varied(rng, rng.pick(STONES), 14)
    foot = Spot(canvas, x, ground, size)
    roof = Spot(canvas, x, BODIES[body](foot, stone), size)
    _top(rng, roof, top, stone)
    marks = (foot.mark(0, -15, body), roof.mark(0, -7, top))
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


def _tower(spot: Spot, stone: Color) -> float:
    spot.polygon([(-11, 0), (-7, -46), (7, -46), (11, 0)], stone, dark(stone))
    for top in (-38, -26, -14):
        spot.box(-2.5, top, 2.5, top + 6, dark(stone, 0.55))
    return spot.at(0, -46)[1]


def _pyramid(spot: Spot, stone: Color) -> float:
    spot.polygon([(-34, 0), (0, -40), (34, 0)], stone, dark(stone))
    spot.polygon([(8, 0), (0, -40), (34, 0)], dark(stone, 0.22))
    for step in range(1, 4):
        half, up = 34 - 8.5 * step, -10 * step
        spot.line([(-half, up), (half, up)], dark(stone, 0.3), 0.8)
    return spot.at(0, -40)[1] + 1


def _arch(spot: Spot, stone: Color) -> float:
    (left, roof), (right, _) = spot.at(-25, -36), spot.at(25, -36)
    spot.box(-25, -36, 25, 0, stone)
    spot.canvas.box(left - 2, roof - 3 * spot.size, right + 2, roof + 2 * spot.size, dark(stone, 0.25))
    spot.box(-12, -14, 12, 0, dark(stone, 0.62))
    spot.oval(0, -14, 12, 12, dark(stone, 0.62))
    return roof - 3 * spot.size


def _temple(spot: Spot, stone: Color) -> float:
    (left, eaves), (right, ground) = spot.at(-30, -24), spot.at(30, 0)
    spot.box(-30, -24, 30, 0, dark(stone, 0.55))
    for step in range(5):
        spot.box(13.5 * step - 30, -24, 13.5 * step - 24, 0, light(stone, 0.2))
    spot.canvas.box(left - 2, ground - 3, right + 2, ground, stone)
    roof = eaves - 13 * spot.size
    spot.canvas.polygon([(left - 3, eaves), (spot.x, roof), (right + 3, eaves)], stone, dark(stone))
    return roof + 1


def _castle(spot: Spot, stone: Color) -> float:
    _, roof = spot.at(0, -26)
    spot.box(-22, -26, 22, 0, stone)
    for step in range(5):
        left, top = spot.at(9.5 * step - 22, -30)
        spot.canvas.box(left, top, left + 6 * spot.size, roof + 1, stone)
    for middle in (-25, 25):
        spot.box(middle - 7, -38, middle + 7, 0, dark(stone, 0.18))
        spot.polygon([(middle - 9, -37), (middle, -50), (middle + 9, -37)], mix(stone, (120, 40, 40), 0.5))
    spot.box(-5, -13, 5, 0, dark(stone, 0.6))
    return roof - 3 * spot.size


BODIES = {"tower": _tower, "pyramid": _pyramid, "arch": _arch, "temple": _temple, "castle": _castle}
"""Body -> the function that draws it and returns the height at which its top begins."""


def _top(rng: Rng, spot: Spot, top: str, stone: Color) -> None:
    canvas, x, roof, size = spot.canvas, spot.x, spot.y, spot.size
    metal = varied(rng, (190, 160, 60), 20)
    if top == "spire":
        spot.polygon([(-5, 0), (0, -22), (5, 0)], dark(stone, 0.4))
    elif top == "ball":
        canvas.box(x - 1.2, roof - 5 * size, x + 1.2, roof, dark(metal))
        spot.oval(0, -9, 6, 6, metal, dark(metal))
    elif top == "flag":
        canvas.box(x - 0.8, roof - 20 * size, x + 0.8, roof, (60, 50, 50))
        way = 1 if rng.coin() else -1
        cloth = varied(rng, rng.pick([(200, 40, 50), (40, 90, 190), (240, 240, 240)]), 20)
        spot.polygon([(0, -20), (15 * way, -15), (0, -10)], cloth, dark(cloth))
    else:
        spot.oval(0, 0, 10, 11, mix(stone, (80, 130, 140), 0.6), dark(stone))
        canvas.box(x - 10.5 * size, roof - 1, x + 10.5 * size, roof + 2.5 * size, dark(stone, 0.2))


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
    portray=_portrait,
)
"""Ask for a building's name. The false claim names one with the same body or the same top."""
