"""Claims about things on a grid, as hard as a lesson wants them."""

from __future__ import annotations

from collections.abc import Sequence

from mmeval.embedded.world.objects import Claims, colored, exists, numbers, shows, stands
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import NUMBERS, Kind, Thing
from mmeval.embedded.world.view import Claim


def claims(rng: Rng, things: Sequence[Thing], hard: float = 1.0) -> tuple[Claim, ...]:
    """Make as many true claims as false ones, of every sort that these things allow.

    What is false is so often (`hard`) made of what is there, where it can be: to know that there is red and that
    there is a star does not help, only to know whether the star is red.
    """
    made: tuple[Claim, ...] = _counted(rng, things)
    crossed = _crossed(rng, things) if rng.coin(hard) else ()
    made += crossed or exists(rng, things, rng.below(len(things)))
    shapes = [thing.kind.shape for thing in things]
    if len(set(shapes)) == len(shapes):
        made += colored(rng, things, 0.9 * hard)
    names = [thing.kind.name for thing in things]
    if len(things) > 1 and len(set(names)) == len(names):
        made += stands(rng, things)
    return made


def _crossed(rng: Rng, things: Sequence[Thing]) -> tuple[Claim, ...]:
    """Claim what is there, and one thing's color with another's shape; nothing where all of those are there."""
    there = {thing.kind for thing in things}
    crossed = {Kind(one.color, other.shape) for one in there for other in there}
    absent = sorted(crossed - there, key=lambda kind: kind.name)
    if not absent:
        return ()
    one, other = rng.pick(things).kind, rng.pick(absent)
    return shows(rng, one), shows(rng, other)


def _counted(rng: Rng, things: Sequence[Thing]) -> Claims:
    what = rng.pick([thing.kind.shape for thing in things])
    number = sum(thing.kind.shape == what for thing in things)
    more = number == 1 or (number < len(NUMBERS) - 1 and rng.coin())
    return numbers(rng, what, number, number + 1 if more else number - 1)
