"""Celebrity: twenty people of the picture world, known by hair, skin, glasses and beard; never by their clothes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, dark, light, pastel, varied
from mmeval.embedded.world.family import Family, Portrait
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Mark, Origin, View

HAIR: dict[str, Color] = {
    "black": (34, 30, 34),
    "brown": (112, 66, 34),
    "blond": (236, 200, 96),
    "red": (190, 66, 26),
    "gray": (168, 172, 180),
}
STYLES = ("short", "long", "curly", "spiky")
SKINS: tuple[Color, ...] = ((250, 218, 190), (226, 172, 128), (160, 106, 70), (104, 66, 46))
EXTRAS = ("nothing", "glasses", "beard", "hat")

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
)


@dataclass(frozen=True)
class _Head:
    """Where the head is: its middle, its size, and which way it looks."""

    x: float
    y: float
    size: float
    way: int

    def at(self, across: float, down: float) -> tuple[float, float]:
        return self.x + self.way * across * self.size, self.y + down * self.size


def celebrity(origin: Origin) -> View:
    """Is this mira? The no: somebody with hair of the same color."""
    rng = origin.rng()
    member = rng.pick(PEOPLE.members())
    return PEOPLE.view(origin, rng, member, _portrait(rng, *member[1:]))


def _portrait(rng: Rng, row: int, column: int) -> Portrait:
    hair = list(HAIR)[row]
    style, extra = STYLES[column], EXTRAS[(column + row) % 4]
    head = _Head(rng.between(38, 58), rng.between(42, 54), rng.between(0.78, 1.12), 1 if rng.coin() else -1)
    canvas = Canvas(rng, pastel(rng), varied(rng, (120, 130, 150), 60))
    color, skin = varied(rng, HAIR[hair], 8), varied(rng, SKINS[(row + 2 * column) % 4], 6)
    if style == "long":
        canvas.oval(*head.at(0, 8), 25 * head.size, 36 * head.size, color)
    _body(rng, canvas, head, skin)
    _hair(canvas, head, style, color)
    canvas.oval(*head.at(0, 2), 18 * head.size, 22 * head.size, skin, dark(skin, 0.2))
    _fringe(canvas, head, style, color)
    if extra == "beard":
        _beard(canvas, head, color)
    _features(rng, canvas, head, skin)
    if extra == "glasses":
        _glasses(canvas, head)
    if extra == "hat":
        _hat(rng, canvas, head)
    places = {"nothing": (0.0, 4.0), "glasses": (0.0, 0.0), "beard": (0.0, 18.0), "hat": (0.0, -22.0)}
    top, spot = head.at(0, -18 if extra != "hat" else 0), head.at(*places[extra])
    marks = (Mark(top[0] / SIZE, top[1] / SIZE, f"{style} {hair} hair"), Mark(spot[0] / SIZE, spot[1] / SIZE, extra))
    probes = (
        ("what color is the hair ?", hair),
        ("what is the hair like ?", style),
        ("what does the person wear ?", extra),
    )
    return Portrait(canvas.finish(), f"{style} {hair} hair , {extra}", probes, marks)


def _body(rng: Rng, canvas: Canvas, head: _Head, skin: Color) -> None:
    shirt = varied(rng, rng.pick([(70, 100, 160), (160, 80, 90), (90, 140, 90), (210, 200, 180)]), 30)
    x, y = head.at(0, 50)
    canvas.oval(x, y + 8, 34 * head.size, 28 * head.size, shirt, dark(shirt))
    left, top = head.at(-7 * head.way, 18)
    canvas.box(left, top, left + 14 * head.size, top + 16 * head.size, dark(skin, 0.12))


def _hair(canvas: Canvas, head: _Head, style: str, color: Color) -> None:
    size = head.size
    if style == "curly":
        for step in range(11):
            angle = math.pi * (step / 10 * 1.5 - 1.25)
            canvas.oval(*head.at(20 * math.cos(angle), 20 * math.sin(angle) - 1), 8 * size, 8 * size, color)
    elif style == "spiky":
        spikes = [
            head.at(reach * math.sin(angle), -reach * math.cos(angle))
            for step in range(15)
            for angle, reach in [((step - 7) * 0.2, 34 if step % 2 else 22)]
        ]
        canvas.polygon([*spikes, head.at(0, 6)], color, dark(color, 0.3))
    else:
        canvas.oval(*head.at(0, -2), 20.5 * size, 23 * size, color)


def _fringe(canvas: Canvas, head: _Head, style: str, color: Color) -> None:
    if style == "long":
        canvas.polygon([head.at(-17, -4), head.at(-15, -14), head.at(0, -21), head.at(8, -19)], color)
        canvas.polygon([head.at(17, -4), head.at(15, -14), head.at(0, -21), head.at(4, -18)], color)
    elif style != "spiky":
        canvas.polygon([head.at(-17, -8), head.at(-13, -17), head.at(0, -21), head.at(13, -17), head.at(17, -8)], color)


def _features(rng: Rng, canvas: Canvas, head: _Head, skin: Color) -> None:
    size = head.size
    for side in (-7.5, 7.5):
        canvas.oval(*head.at(side, 0), 3.6 * size, 2.6 * size, (250, 250, 250))
        canvas.oval(*head.at(side + 0.6, 0.1), 1.8 * size, 1.9 * size, (40, 40, 50))
        canvas.line([head.at(side - 3.5, -5), head.at(side + 3.5, -5.5)], dark(skin, 0.5), 1.1)
    canvas.line([head.at(0, 2), head.at(2.5, 7), head.at(-0.5, 7.5)], dark(skin, 0.3), 1)
    smile = rng.between(-0.5, 3)
    mouth = [head.at(-5, 12.5 - smile / 2), head.at(0, 12.5 + smile), head.at(5, 12.5 - smile / 2)]
    canvas.line(mouth, (170, 50, 60), 1.4)


def _beard(canvas: Canvas, head: _Head, color: Color) -> None:
    edge = [(-17.5, 4), (-15, 17), (-7, 25), (0, 27), (7, 25), (15, 17), (17.5, 4), (10, 9), (0, 8), (-10, 9)]
    canvas.polygon([head.at(*point) for point in edge], color, dark(color, 0.3))


def _glasses(canvas: Canvas, head: _Head) -> None:
    frame = (30, 30, 34)
    for side in (-7.5, 7.5):
        x, y = head.at(side, 0)
        canvas.ring(x, y, 6 * head.size, frame, 1.3)
    canvas.line([head.at(-2, -1), head.at(2, -1)], frame, 1.3)


def _hat(rng: Rng, canvas: Canvas, head: _Head) -> None:
    color = light(varied(rng, rng.pick([(60, 60, 70), (130, 60, 50), (50, 90, 120)]), 20), 0.1)
    crown = [head.at(-16, -13), head.at(-14, -32), head.at(14, -32), head.at(16, -13)]
    canvas.polygon(crown, color, dark(color))
    canvas.polygon([head.at(-25, -11), head.at(25, -11), head.at(22, -15), head.at(-22, -15)], dark(color))
