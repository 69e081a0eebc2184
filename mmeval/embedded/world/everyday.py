"""Commonsense reasoning: a thing in one of two states, and questions that need everyday knowledge."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mmeval.embedded.world.canvas import SIZE, Canvas, Spot, dark, light, pastel, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Claim, Origin, View

Paint = Callable[[Rng, Spot, bool], None]
"""Draws a thing in its first state, or if True in its second one."""


@dataclass(frozen=True)
class Situation:
    """A thing, its two states, and the questions about each."""

    thing: str
    states: tuple[str, str]
    questions: tuple[list[str], list[str]]
    """Questions with the answer yes in the first state, and those with the answer yes in the second."""
    paint: Paint


def commonsense_reasoning(origin: Origin) -> View:
    """Ask about a thing's state: "May I cross the street now?" is yes in one state and no in the other."""
    rng = origin.rng()
    situation = rng.pick(SITUATIONS)
    state = rng.below(2)
    canvas = Canvas(rng, pastel(rng), varied(rng, (200, 205, 215), 40), upright=True)
    spot = Spot(canvas, rng.between(36, 60), rng.between(40, 56), rng.between(0.85, 1.2))
    situation.paint(rng, spot, state == 1)
    claims = [[Claim(text, (situation.thing, text)) for text in texts] for texts in situation.questions]
    true, false = rng.shuffled(claims[state]), rng.shuffled(claims[1 - state])
    name = situation.states[state]
    return View(
        origin=origin,
        picture=canvas.finish(),
        caption=f"the {situation.thing} is {name}",
        facts=frozenset(claim.fact for claim in true),
        asked=rng.swapped(true[0], false[0]),
        probes=(
            ("what thing is shown ?", situation.thing),
            (f"how is the {situation.thing} ?", name),
            (f"is the {situation.thing} {' or '.join(rng.shuffled(situation.states))} ?", name),
        ),
        extra=(*true, *false),
        marks=(spot.mark(0, 0, f"{name} {situation.thing}"),),
        identity=f"{name} {situation.thing}",
    )


def _lamp(rng: Rng, spot: Spot, red: bool) -> None:
    spot.canvas.box(spot.x - 3, spot.y + 30 * spot.size, spot.x + 3, SIZE, (90, 92, 98))
    spot.box(-13, -30, 13, 30, varied(rng, (52, 54, 60), 12))
    for color, down, on in (((240, 50, 40), -15, red), ((50, 220, 90), 15, not red)):
        spot.oval(0, down, 10, 10, color if on else dark(color, 0.78))


def _sky(rng: Rng, spot: Spot, sunny: bool) -> None:
    if sunny:
        spot.oval(0, -4, 17, 17, (255, 210, 60))
        for step in range(10):
            across, down = math.sin(step * math.pi / 5), math.cos(step * math.pi / 5)
            spot.line([(reach * across, reach * down - 4) for reach in (20, 28)], (250, 180, 40), 2)
        return
    for across, down, radius in ((-16, -8, 12), (0, -15, 15), (16, -8, 12), (0, -5, 13)):
        spot.oval(across, down, radius, radius, varied(rng, (130, 136, 148), 8))
    for _ in range(14):
        x, y = spot.at(rng.between(-26, 26), rng.between(8, 36))
        spot.canvas.line([(x, y), (x - 2, y + 6)], (50, 100, 200), 1.2)


def _cup(rng: Rng, spot: Spot, empty: bool) -> None:
    glass, drink = light(varied(rng, (190, 210, 230), 20)), varied(rng, (150, 70, 30), 40)
    spot.polygon([(-17, -25), (17, -25), (12, 25), (-12, 25)], glass, (90, 100, 120))
    if not empty:
        spot.polygon([(-15, -17), (15, -17), (11, 23), (-11, 23)], drink)
        spot.oval(0, -17, 15, 3, light(drink, 0.25))


def _clock(rng: Rng, spot: Spot, seven: bool) -> None:
    spot.oval(0, 0, 30, 30, varied(rng, (250, 248, 240), 5), (60, 50, 50))
    for step in range(12):
        across, up = math.sin(step * math.pi / 6), math.cos(step * math.pi / 6)
        spot.line([(reach * across, -reach * up) for reach in (24, 28)], (70, 60, 60), 1.4)
    hour, minute = (7 if seven else 12) * math.pi / 6, rng.below(4) * math.pi / 30
    spot.line([(0, 0), (15 * math.sin(hour), -15 * math.cos(hour))], (180, 40, 40), 3.4)
    spot.line([(0, 0), (22 * math.sin(minute), -22 * math.cos(minute))], (40, 40, 50), 1.4)


def _window(rng: Rng, spot: Spot, bright: bool) -> None:
    (left, top), (right, bottom) = spot.at(-26, -28), spot.at(26, 28)
    spot.canvas.box(left - 3, top - 3, right + 3, bottom + 3, varied(rng, (150, 110, 70), 20))
    spot.box(-26, -28, 26, 28, (140, 200, 245) if bright else (20, 26, 66))
    if bright:
        spot.oval(-8, -10, 10, 4, (255, 255, 255))
        spot.canvas.box(left, bottom - 12 * spot.size, right, bottom, (110, 180, 90))
    else:
        spot.oval(10, -14, 7, 7, (245, 240, 200))
        for _ in range(8):
            x, y = spot.at(rng.between(-22, 22), rng.between(-24, 22))
            spot.canvas.oval(x, y, 0.9, 0.9, (255, 255, 255))
    spot.canvas.box(spot.x - 1, top, spot.x + 1, bottom, (110, 80, 50))


def _thermometer(rng: Rng, spot: Spot, high: bool) -> None:
    spot.box(-6, -34, 6, 26, varied(rng, (245, 245, 248), 6))
    color = (220, 40, 40) if high else (50, 100, 220)
    spot.oval(0, 26, 10, 10, color)
    spot.box(-2.5, -24 if high else 10, 2.5, 24, color)
    for step in range(6):
        spot.box(6, -30 + 9 * step, 11, -29 + 9 * step, (80, 80, 90))


def _battery(rng: Rng, spot: Spot, full: bool) -> None:
    spot.box(-30, -15, 28, 15, (50, 54, 62))
    spot.box(28, -6, 33, 6, (50, 54, 62))
    spot.box(-27, -12, 25, 12, varied(rng, (228, 230, 234), 8))
    if full:
        for step in range(4):
            spot.box(-25 + 12.3 * step, -10, -14.5 + 12.3 * step, 10, (70, 190, 90))
    else:
        spot.box(-25, -10, -19, 10, (224, 60, 50))


def _door(rng: Rng, spot: Spot, ajar: bool) -> None:
    wood = varied(rng, rng.pick([(150, 96, 56), (70, 110, 150), (150, 60, 60), (90, 130, 90)]), 16)
    spot.box(-20, -34, 20, 36, dark(wood, 0.45))
    spot.box(-16, -30, 16, 36, (255, 240, 190) if ajar else wood)
    if ajar:
        spot.polygon([(-16, -30), (-30, -24), (-30, 42), (-16, 36)], wood, dark(wood))
    else:
        for top, bottom in ((-25, -4), (2, 30)):
            spot.box(-11, top, 11, bottom, dark(wood, 0.18))
        spot.canvas.oval(*spot.at(12, 2), 2.2, 2.2, (240, 210, 100))


def _plant(rng: Rng, spot: Spot, healthy: bool) -> None:
    pot = varied(rng, (196, 106, 66), 24)
    green = (60, 160, 70) if healthy else (160, 130, 60)
    for side in (-1, 0, 1):
        bend, tip = (5 * side, -12), (14 * side, -24)
        if not healthy:
            bend, tip = (9 * side + 2, -14), (20 * side + 5, 4)
        spot.line([(0, 12), bend, tip], dark(green, 0.2), 1.8)
        spot.oval(*tip, 7, 9 if healthy else 5, green, dark(green))
    spot.polygon([(-15, 10), (15, 10), (11, 34), (-11, 34)], pot, dark(pot))


def _candle(rng: Rng, spot: Spot, burning: bool) -> None:
    wax = varied(rng, rng.pick([(245, 240, 225), (200, 60, 70), (90, 130, 190)]), 14)
    spot.oval(0, 32, 22, 5, (150, 120, 60))
    spot.box(-8, -8, 8, 32, wax)
    spot.line([(0, -8), (0, -14)], (40, 40, 40), 1.2)
    if burning:
        spot.oval(0, -20, 15, 16, (255, 240, 170))
        spot.polygon([(-6, -17), (0, -34), (6, -17), (0, -11)], (250, 150, 40), (230, 90, 20))


_PAINTS: tuple[Paint, ...] = (
    _lamp, _sky, _cup, _clock, _window, _thermometer, _battery, _door, _plant, _candle
)  # fmt: skip
_ROWS = """
traffic light | green | May I cross the street now? | Can the people walk now?
traffic light | red | Should I stop and wait here? | Is it dangerous to walk now?
weather | rainy | Should I take an umbrella? | Will I get wet outside?
weather | sunny | Do I need sunglasses outside? | Is it good to have a picnic now?
cup | full | Can I drink from the cup now? | Will it spill if the cup falls?
cup | empty | Should I fill the cup again? | Is there nothing left to drink?
clock | at noon | Is it time for lunch? | Is it the middle of the day?
clock | at seven | Is it time for breakfast? | Is it early in the morning?
window | dark | Do I need a lamp outside? | Should the children be in bed now?
window | bright | Can I read outside without a lamp? | Will the children play outside now?
thermometer | low | Should I wear a warm coat? | Can the water freeze?
thermometer | high | Should I wear a thin shirt? | Will the ice melt?
battery | empty | Should I charge the phone? | Will the phone turn off soon?
battery | full | Can I use the phone all day? | Is the phone ready to use?
door | closed | Should I knock first? | Do I need a key to go in?
door | open | Can I walk in now? | Can the dog run out?
plant | dry | Does the plant need water? | Was the plant forgotten for a long time?
plant | healthy | Is the plant well? | Did somebody water the plant?
candle | out | Do I need a match? | Can I touch the candle safely?
candle | burning | Is the candle hot? | Can the candle light the room?
"""
"""Thing, state, and the questions with the answer yes in that state; two rows per thing."""
_STATES = [row.split(" | ") for row in _ROWS.strip().splitlines()]
SITUATIONS = tuple(
    Situation(first[0], (first[1], second[1]), (first[2:], second[2:]), paint)
    for paint, first, second in zip(_PAINTS, _STATES[::2], _STATES[1::2], strict=True)
)
