"""Commonsense reasoning: a thing in one of two states, and questions whose answer takes a rule of daily life."""

from __future__ import annotations

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


SITUATIONS = (
    Situation(
        "traffic light",
        ("green", "red"),
        (
            ("May I cross the street now?", "Can the people walk now?"),
            ("Should I stop and wait here?", "Is it dangerous to walk now?"),
        ),
        household.lamp,
    ),
    Situation(
        "weather",
        ("rainy", "sunny"),
        (
            ("Should I take an umbrella?", "Will I get wet outside?"),
            ("Do I need sunglasses outside?", "Is it good to have a picnic now?"),
        ),
        household.sky,
    ),
    Situation(
        "cup",
        ("full", "empty"),
        (
            ("Can I drink from the cup now?", "Will it spill if the cup falls?"),
            ("Should I fill the cup again?", "Is there nothing left to drink?"),
        ),
        household.cup,
    ),
    Situation(
        "clock",
        ("at noon", "at seven"),
        (
            ("Is it time for lunch?", "Is it the middle of the day?"),
            ("Is it time for breakfast?", "Is it early in the morning?"),
        ),
        household.clock,
    ),
    Situation(
        "window",
        ("dark", "bright"),
        (
            ("Do I need a lamp outside?", "Should the children be in bed now?"),
            ("Can I read outside without a lamp?", "Will the children play outside now?"),
        ),
        household.window,
    ),
    Situation(
        "thermometer",
        ("low", "high"),
        (
            ("Should I wear a warm coat?", "Can the water freeze?"),
            ("Should I wear a thin shirt?", "Will the ice melt?"),
        ),
        household.thermometer,
    ),
    Situation(
        "battery",
        ("empty", "full"),
        (
            ("Should I charge the phone?", "Will the phone turn off soon?"),
            ("Can I use the phone all day?", "Is the phone ready to use?"),
        ),
        household.battery,
    ),
    Situation(
        "door",
        ("closed", "open"),
        (
            ("Should I knock first?", "Do I need a key to go in?"),
            ("Can I walk in now?", "Can the dog run out?"),
        ),
        household.door,
    ),
    Situation(
        "plant",
        ("dry", "healthy"),
        (
            ("Does the plant need water?", "Was the plant forgotten for a long time?"),
            ("Is the plant well?", "Did somebody water the plant?"),
        ),
        household.plant,
    ),
    Situation(
        "candle",
        ("out", "burning"),
        (
            ("Do I need a match?", "Can I touch the candle safely?"),
            ("Is the candle hot?", "Can the candle light the room?"),
        ),
        household.candle,
    ),
)
