"""Commonsense reasoning: a thing in one of two states, and questions whose answer takes a rule of daily life."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from mmeval.world.canvas import SIZE, Canvas, Color, dark, light, pastel, varied
from mmeval.world.dice import Dice
from mmeval.world.view import Claim, Mark, Origin, View


@dataclass(frozen=True)
class _Spot:
    """Where a thing is drawn: its middle and its size."""

    x: float
    y: float
    size: float

    def at(self, across: float, down: float) -> tuple[float, float]:
        return self.x + across * self.size, self.y + down * self.size


Paint = Callable[[Dice, Canvas, _Spot, int], None]
"""Draws a thing in its state 0 or 1."""


@dataclass(frozen=True)
class Situation:
    """A thing that is in one of two states, and what each state allows."""

    thing: str
    states: tuple[str, str]
    questions: tuple[tuple[str, ...], tuple[str, ...]]
    """Those with the answer yes in the first state, and those with the answer yes in the second."""
    paint: Paint


def commonsense_reasoning(origin: Origin) -> View:
    """May I cross the street now? Every question is a yes in one state of the thing and a no in the other."""
    dice = origin.dice()
    situation = dice.pick(SITUATIONS)
    state = dice.below(2)
    canvas = Canvas(dice, pastel(dice), varied(dice, (200, 205, 215), 40), upright=True)
    spot = _Spot(dice.between(36, 60), dice.between(40, 56), dice.between(0.85, 1.2))
    situation.paint(dice, canvas, spot, state)
    claims = [[Claim(text, (situation.thing, text)) for text in texts] for texts in situation.questions]
    true, false = dice.shuffled(claims[state]), dice.shuffled(claims[1 - state])
    name = situation.states[state]
    return View(
        origin=origin,
        picture=canvas.finish(),
        caption=f"the {situation.thing} is {name}",
        facts=frozenset(claim.fact for claim in true),
        asked=dice.swapped(true[0], false[0]),
        probes=(
            ("what thing is shown ?", situation.thing),
            (f"how is the {situation.thing} ?", name),
            (f"is the {situation.thing} {' or '.join(dice.shuffled(situation.states))} ?", name),
        ),
        extra=(*true, *false),
        marks=(Mark(spot.x / SIZE, spot.y / SIZE, f"{name} {situation.thing}"),),
        identity=f"{name} {situation.thing}",
    )


def _light(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    left, top = spot.at(-13, -30)
    right, bottom = spot.at(13, 30)
    canvas.box(spot.x - 3, bottom, spot.x + 3, SIZE, (90, 92, 98))
    canvas.box(left, top, right, bottom, varied(dice, (52, 54, 60), 12))
    lamps: tuple[tuple[Color, bool], ...] = (((240, 50, 40), state == 1), ((50, 220, 90), state == 0))
    for (color, on), down in zip(lamps, (-15, 15), strict=True):
        x, y = spot.at(0, down)
        canvas.oval(x, y, 10 * spot.size, 10 * spot.size, color if on else dark(color, 0.78))


def _sky(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    if state == 1:
        canvas.oval(*spot.at(0, -4), 17 * spot.size, 17 * spot.size, (255, 210, 60))
        for step in range(10):
            angle = step * math.pi / 5
            inner, outer = (spot.at(reach * math.sin(angle), reach * math.cos(angle) - 4) for reach in (20, 28))
            canvas.line([inner, outer], (250, 180, 40), 2)
        return
    for across, down, radius in ((-16, -8, 12), (0, -15, 15), (16, -8, 12), (0, -5, 13)):
        cloud = varied(dice, (130, 136, 148), 8)
        canvas.oval(*spot.at(across, down), radius * spot.size, radius * spot.size, cloud)
    for _ in range(14):
        x, y = spot.at(dice.between(-26, 26), dice.between(8, 36))
        canvas.line([(x, y), (x - 2, y + 6)], (50, 100, 200), 1.2)


def _cup(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    glass, drink = light(varied(dice, (190, 210, 230), 20)), varied(dice, (150, 70, 30), 40)
    outline = [spot.at(-17, -25), spot.at(17, -25), spot.at(12, 25), spot.at(-12, 25)]
    canvas.polygon(outline, glass, (90, 100, 120))
    if state == 0:
        canvas.polygon([spot.at(-15, -17), spot.at(15, -17), spot.at(11, 23), spot.at(-11, 23)], drink)
        canvas.oval(*spot.at(0, -17), 15 * spot.size, 3 * spot.size, light(drink, 0.25))


def _clock(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    canvas.oval(spot.x, spot.y, 30 * spot.size, 30 * spot.size, varied(dice, (250, 248, 240), 5), (60, 50, 50))
    for hour in range(12):
        angle = hour * math.pi / 6
        inner, outer = (spot.at(reach * math.sin(angle), -reach * math.cos(angle)) for reach in (24, 28))
        canvas.line([inner, outer], (70, 60, 60), 1.4)
    hour = 12 if state == 0 else 7
    angle = hour * math.pi / 6
    canvas.line([(spot.x, spot.y), spot.at(15 * math.sin(angle), -15 * math.cos(angle))], (180, 40, 40), 3.4)
    minute = dice.below(4) * math.pi / 30
    canvas.line([(spot.x, spot.y), spot.at(22 * math.sin(minute), -22 * math.cos(minute))], (40, 40, 50), 1.4)


def _window(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    left, top = spot.at(-26, -28)
    right, bottom = spot.at(26, 28)
    canvas.box(left - 3, top - 3, right + 3, bottom + 3, varied(dice, (150, 110, 70), 20))
    canvas.box(left, top, right, bottom, (20, 26, 66) if state == 0 else (140, 200, 245))
    if state == 0:
        canvas.oval(*spot.at(10, -14), 7 * spot.size, 7 * spot.size, (245, 240, 200))
        for _ in range(8):
            x, y = spot.at(dice.between(-22, 22), dice.between(-24, 22))
            canvas.oval(x, y, 0.9, 0.9, (255, 255, 255))
    else:
        canvas.oval(*spot.at(-8, -10), 10 * spot.size, 4 * spot.size, (255, 255, 255))
        canvas.box(left, bottom - 12 * spot.size, right, bottom, (110, 180, 90))
    canvas.box(spot.x - 1, top, spot.x + 1, bottom, (110, 80, 50))


def _thermometer(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    frame = varied(dice, (245, 245, 248), 6)
    canvas.box(*spot.at(-6, -34), *spot.at(6, 26), frame)
    red = (220, 40, 40) if state == 1 else (50, 100, 220)
    canvas.oval(*spot.at(0, 26), 10 * spot.size, 10 * spot.size, red)
    canvas.box(*spot.at(-2.5, -24 if state == 1 else 10), *spot.at(2.5, 24), red)
    for step in range(6):
        canvas.box(*spot.at(6, -30 + 9 * step), *spot.at(11, -29 + 9 * step), (80, 80, 90))


def _battery(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    canvas.box(*spot.at(-30, -15), *spot.at(28, 15), (50, 54, 62))
    canvas.box(*spot.at(28, -6), *spot.at(33, 6), (50, 54, 62))
    canvas.box(*spot.at(-27, -12), *spot.at(25, 12), varied(dice, (228, 230, 234), 8))
    if state == 0:
        canvas.box(*spot.at(-25, -10), *spot.at(-19, 10), (224, 60, 50))
    else:
        for step in range(4):
            canvas.box(*spot.at(-25 + 12.3 * step, -10), *spot.at(-14.5 + 12.3 * step, 10), (70, 190, 90))


def _door(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    wood = varied(dice, dice.pick([(150, 96, 56), (70, 110, 150), (150, 60, 60), (90, 130, 90)]), 16)
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


def _plant(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    pot = varied(dice, (196, 106, 66), 24)
    green = (60, 160, 70) if state == 1 else (160, 130, 60)
    for side in (-1, 0, 1):
        tip = spot.at(14 * side, -24) if state == 1 else spot.at(20 * side + 5, 4)
        bend = spot.at(5 * side, -12) if state == 1 else spot.at(9 * side + 2, -14)
        canvas.line([spot.at(0, 12), bend, tip], dark(green, 0.2), 1.8)
        canvas.oval(*tip, 7 * spot.size, (9 if state == 1 else 5) * spot.size, green, dark(green))
    canvas.polygon([spot.at(-15, 10), spot.at(15, 10), spot.at(11, 34), spot.at(-11, 34)], pot, dark(pot))


def _candle(dice: Dice, canvas: Canvas, spot: _Spot, state: int) -> None:
    wax = varied(dice, dice.pick([(245, 240, 225), (200, 60, 70), (90, 130, 190)]), 14)
    canvas.oval(*spot.at(0, 32), 22 * spot.size, 5 * spot.size, (150, 120, 60))
    canvas.box(*spot.at(-8, -8), *spot.at(8, 32), wax)
    canvas.line([spot.at(0, -8), spot.at(0, -14)], (40, 40, 40), 1.2)
    if state == 1:
        flame = [spot.at(-6, -17), spot.at(0, -34), spot.at(6, -17), spot.at(0, -11)]
        canvas.oval(*spot.at(0, -20), 15 * spot.size, 16 * spot.size, (255, 240, 170))
        canvas.polygon(flame, (250, 150, 40), (230, 90, 20))


SITUATIONS = (
    Situation(
        "traffic light",
        ("green", "red"),
        (
            ("May I cross the street now?", "Can the people walk now?"),
            ("Should I stop and wait here?", "Is it dangerous to walk now?"),
        ),
        _light,
    ),
    Situation(
        "weather",
        ("rainy", "sunny"),
        (
            ("Should I take an umbrella?", "Will I get wet outside?"),
            ("Do I need sunglasses outside?", "Is it good to have a picnic now?"),
        ),
        _sky,
    ),
    Situation(
        "cup",
        ("full", "empty"),
        (
            ("Can I drink from the cup now?", "Will it spill if the cup falls?"),
            ("Should I fill the cup again?", "Is there nothing left to drink?"),
        ),
        _cup,
    ),
    Situation(
        "clock",
        ("at noon", "at seven"),
        (
            ("Is it time for lunch?", "Is it the middle of the day?"),
            ("Is it time for breakfast?", "Is it early in the morning?"),
        ),
        _clock,
    ),
    Situation(
        "window",
        ("dark", "bright"),
        (
            ("Do I need a lamp outside?", "Should the children be in bed now?"),
            ("Can I read outside without a lamp?", "Will the children play outside now?"),
        ),
        _window,
    ),
    Situation(
        "thermometer",
        ("low", "high"),
        (
            ("Should I wear a warm coat?", "Can the water freeze?"),
            ("Should I wear a thin shirt?", "Will the ice melt?"),
        ),
        _thermometer,
    ),
    Situation(
        "battery",
        ("empty", "full"),
        (
            ("Should I charge the phone?", "Will the phone turn off soon?"),
            ("Can I use the phone all day?", "Is the phone ready to use?"),
        ),
        _battery,
    ),
    Situation(
        "door",
        ("closed", "open"),
        (
            ("Should I knock first?", "Do I need a key to go in?"),
            ("Can I walk in now?", "Can the dog run out?"),
        ),
        _door,
    ),
    Situation(
        "plant",
        ("dry", "healthy"),
        (
            ("Does the plant need water?", "Was the plant forgotten for a long time?"),
            ("Is the plant well?", "Did somebody water the plant?"),
        ),
        _plant,
    ),
    Situation(
        "candle",
        ("out", "burning"),
        (
            ("Do I need a match?", "Can I touch the candle safely?"),
            ("Is the candle hot?", "Can the candle light the room?"),
        ),
        _candle,
    ),
)
