"""Celebrity: twenty people of the picture world, recognizable by hair, skin, glasses and beard, not by clothes."""

import math

from mmeval.embedded.world.canvas import Canvas, Color, Spot, dark, light, pastel, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Family, Portrait

HAIR: dict[str, Color] = {
    "black": (34, 30, 34), "brown": (112, 66, 34), "blond": (236, 200, 96), "red": (190, 66, 26),
    "gray": (168, 172, 180),
}  # fmt: skip
STYLES = ("short", "long", "curly", "spiky")
SKINS: tuple[Color, ...] = ((250, 218, 190), (226, 172, 128), (160, 106, 70), (104, 66, 46))
EXTRAS = {"nothing": (0, 4), "glasses": (0, 0), "beard": (0, 18), "hat": (0, -22)}
"""Things that a person may wear -> their positions."""


def _portrait(rng: Rng, row: int, column: int) -> Portrait:
    hair, style, extra = list(HAIR)[row], STYLES[column], list(EXTRAS)[(column + row) % 4]
    x, y, size, way = rng.between(38, 58), rng.between(42, 54), rng.between(0.78, 1.12), 1 if rng.coin() else -1
    head = Spot(Canvas(rng, pastel(rng), varied(rng, (120, 130, 150), 60)), x, y, size, way)
    color, skin = varied(rng, HAIR[hair], 8), varied(rng, SKINS[(row + 2 * column) % 4], 6)
    if style == "long":
        head.oval(0, 8, 25, 36, color)
    _body(rng, head, skin)
    _hair(head, style, color)
    head.oval(0, 2, 18, 22, skin, dark(skin, 0.2))
    _fringe(head, style, color)
    if extra == "beard":
        edge = [(-17.5, 4), (-15, 17), (-7, 25), (0, 27), (7, 25), (15, 17), (17.5, 4), (10, 9), (0, 8), (-10, 9)]
        head.polygon(edge, color, dark(color, 0.3))
    _features(rng, head, skin)
    if extra == "glasses":
        for side in (-7.5, 7.5):
            head.canvas.ring(*head.at(side, 0), 6 * size, (30, 30, 34), 1.3)
        head.line([(-2, -1), (2, -1)], (30, 30, 34), 1.3)
    if extra == "hat":
        _hat(rng, head)
    looks = f"{style} {hair} hair"
    marks = (head.mark(0, -18 if extra != "hat" else 0, looks), head.mark(*EXTRAS[extra], extra))
    probes = (
        ("what color is the hair ?", hair),
        ("what is the hair like ?", style),
        ("what does the person wear ?", extra),
    )
    return Portrait(head.canvas.finish(), f"{looks} , {extra}", probes, marks)


def _body(rng: Rng, head: Spot, skin: Color) -> None:
    shirt = varied(rng, rng.pick([(70, 100, 160), (160, 80, 90), (90, 140, 90), (210, 200, 180)]), 30)
    x, y = head.at(0, 50)
    head.canvas.oval(x, y + 8, 34 * head.size, 28 * head.size, shirt, dark(shirt))
    left, top = head.at(-7 * head.way, 18)
    head.canvas.box(left, top, left + 14 * head.size, top + 16 * head.size, dark(skin, 0.12))


def _hair(head: Spot, style: str, color: Color) -> None:
    if style == "curly":
        for step in range(11):
            angle = math.pi * (step / 10 * 1.5 - 1.25)
            head.oval(20 * math.cos(angle), 20 * math.sin(angle) - 1, 8, 8, color)
    elif style == "spiky":
        ends = [((step - 7) * 0.2, 34 if step % 2 else 22) for step in range(15)]
        spikes = [(reach * math.sin(angle), -reach * math.cos(angle)) for angle, reach in ends]
        head.polygon([*spikes, (0, 6)], color, dark(color, 0.3))
    else:
        head.oval(0, -2, 20.5, 23, color)


def _fringe(head: Spot, style: str, color: Color) -> None:
    if style == "long":
        head.polygon([(-17, -4), (-15, -14), (0, -21), (8, -19)], color)
        head.polygon([(17, -4), (15, -14), (0, -21), (4, -18)], color)
    elif style != "spiky":
        head.polygon([(-17, -8), (-13, -17), (0, -21), (13, -17), (17, -8)], color)


def _features(rng: Rng, head: Spot, skin: Color) -> None:
    for side in (-7.5, 7.5):
        head.oval(side, 0, 3.6, 2.6, (250, 250, 250))
        head.oval(side + 0.6, 0.1, 1.8, 1.9, (40, 40, 50))
        head.line([(side - 3.5, -5), (side + 3.5, -5.5)], dark(skin, 0.5), 1.1)
    head.line([(0, 2), (2.5, 7), (-0.5, 7.5)], dark(skin, 0.3), 1)
    smile = rng.between(-0.5, 3)
    head.line([(-5, 12.5 - smile / 2), (0, 12.5 + smile), (5, 12.5 - smile / 2)], (170, 50, 60), 1.4)


def _hat(rng: Rng, head: Spot) -> None:
    color = light(varied(rng, rng.pick([(60, 60, 70), (130, 60, 50), (50, 90, 120)]), 20), 0.1)
    head.polygon([(-16, -13), (-14, -32), (14, -32), (16, -13)], color, dark(color))
    head.polygon([(-25, -11), (25, -11), (22, -15), (-22, -15)], dark(color))


PEOPLE = Family(
    kind="person",
    table=(
        ("mira", "tomas", "orla", "dario"),
        ("selma", "bruno", "ines", "pavel"),
        ("freya", "oskar", "linnea", "hugo"),
        ("nora", "milan", "carla", "viktor"),
        ("agnes", "leon", "ruth", "emil"),
    ),
    columns_alike=False,
    prompts=(
        "Is the person in this image called {name}?",
        "Is this a picture of the actor {name}?",
        "Does this portrait show {name}?",
    ),
    probe="who is this person ?",
    portray=_portrait,
)
"""Ask for a person's name. The false claim names a person with the same hair color."""
