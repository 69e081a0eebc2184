"""Commonsense reasoning: a thing in one of two states, and questions whose answer takes a rule of daily life."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmeval.embedded.world import household
from mmeval.embedded.world.canvas import SIZE, Canvas, pastel, varied
from mmeval.embedded.world.view import Claim, Mark, Origin, View


@dataclass(frozen=True)
class Situation:
    """A thing that is in one of two states, and what each state allows."""

    thing: str
    states: tuple[str, str]
    questions: tuple[tuple[str, ...], tuple[str, ...]]
    """Those with the answer yes in the first state, and those with the answer yes in the second."""
    paint: household.Paint


def commonsense_reasoning(origin: Origin) -> View:
    """May I cross the street now? Every question is a yes in one state of the thing and a no in the other."""
    rng = origin.rng()
    situation = rng.pick(SITUATIONS)
    state = rng.below(2)
    canvas = Canvas(rng, pastel(rng), varied(rng, (200, 205, 215), 40), upright=True)
    spot = household.Spot(rng.between(36, 60), rng.between(40, 56), rng.between(0.85, 1.2))
    situation.paint(rng, canvas, spot, state)
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
        marks=(Mark(spot.x / SIZE, spot.y / SIZE, f"{name} {situation.thing}"),),
        identity=f"{name} {situation.thing}",
    )


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
"""Thing, state, and the questions with the answer yes in that state: two rows a thing."""

_PAINTS = (
    household.lamp, household.sky, household.cup, household.clock, household.window, household.thermometer,
    household.battery, household.door, household.plant, household.candle,
)  # fmt: skip


def _situations() -> Iterator[Situation]:
    rows = [row.split(" | ") for row in _ROWS.strip().splitlines()]
    for paint, (thing, one, *first), (_, other, *second) in zip(_PAINTS, rows[::2], rows[1::2], strict=True):
        yield Situation(thing, (one, other), (tuple(first), tuple(second)), paint)


SITUATIONS = tuple(_situations())
