"""The curriculum: what each stage teaches, what it repeats of earlier ones, and the tests that end it.

Short comes before long, words before pictures, one thing before several. A stage ends when all its tests are passed, on
pictures, pairings and words that training never showed, or when its share of the time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.tiny import clips, lessons, symbols
from experiments.tiny.lesson import Lesson
from experiments.tiny.pool import Pool
from experiments.tiny.writing import How
from mmeval.embedded import world
from mmeval.embedded.world.puzzles import PUZZLES
from mmeval.embedded.world.rng import Rng

Draw = Callable[[Rng, Pool], Lesson]
SEVERAL = tuple(kind for kind in PUZZLES if kind != "novel")
TESTABLE = tuple(kind for kind in SEVERAL if kind != "frames")
"""Not `frames`: the held-out pictures show things at few places, so most ways of moving cannot be shown."""
WORDINGS: Mapping[tuple[str, str], float] = {
    ("both", "nlvr2"): 1.0,
    ("both", "counts"): 0.5,
    ("matching", "match"): 0.35,
    ("matching", "one_caption"): 0.35,
    ("matching", "one_picture"): 0.35,
    ("matching", "half_joint"): 1.0,
    ("matching", "joint"): 1.5,
    ("which", "pick"): 0.8,
    ("matching", "letter"): 1.5,
    ("series", "iq50"): 0.35,
    ("which", "muirbench"): 0.35,
    ("odd", "muirbench"): 0.35,
    ("frames", "nextqa"): 0.35,
}
"""Weights of the puzzles' other wordings: those of benchmarks, and simpler ones that lead to them."""
DEMONSTRATED = (
    ("demonstrated open", "open", 1.2),
    ("demonstrated half open", "half", 1.2),
    ("demonstrated", "own", 2.0),
    ("demonstrated icl", "icl", 1.2),
)
"""Lessons that demonstrate new names, their forms and weights."""
SHOTS = (1, 2, 2, 4, 4)
"""Demonstrations of each name, once one or two are learned: with four, most of the lesson's tokens are pictures."""
HARD = {
    "numerical_calculation": 3,
    "code_reasoning": 4,
    "OCR": 5,
    "text_translation": 2,
    "position": 3,
    "count": 5,
    "color": 2,
    "existence": 2,
}


@dataclass(frozen=True)
class Source:
    """A kind of lesson and how often it is given."""

    weight: float
    draw: Draw
    hows: tuple[How, ...] = ("declaration",)


@dataclass(frozen=True)
class Stage:
    """Lessons that are given until the tests are passed."""

    name: str
    sources: Mapping[str, Source]
    until: float
    """Share of the total time at which the stage ends in any case."""
    tests: tuple[str, ...] = ()
    """Sources of held-out lessons; the last answer of each lesson is tested."""
    mark: float = 0.95
    learns: str = "full"
    """The trainable set: a name in `mmeval.mmicl.training.trainable`, or `language`."""


def words(names: Sequence[str]) -> list[Stage]:
    """Return the stages of the language model; `names` are words that may name anything."""
    only: tuple[How, ...] = ("words",)

    def keyed(hard: int) -> Source:
        return Source(1.0, lambda rng, pool: symbols.keyed(rng, names, hard), only)

    pairs = {"pairs": Source(1.0, lambda rng, pool: symbols.paired(rng, names), only)}
    truths = {"is it with it": Source(1.0, lambda rng, pool: symbols.verified(rng, names, True), only)}
    lookups = {"bound": Source(1.0, lambda rng, pool: symbols.bound(rng, names), only), "keys of two": keyed(1)}
    longer = {
        "keys of four": keyed(2),
        "keys before this is": keyed(3),
        "is it there": Source(0.5, lambda rng, pool: symbols.verified(rng, names, False), only),
    }
    chosen = {
        "spelled names": Source(0.3, lambda rng, pool: symbols.chosen(rng, 0), only),
        "spelled names after a sentence": Source(0.4, lambda rng, pool: symbols.chosen(rng, 1), only),
        "two choices": Source(1.0, lambda rng, pool: symbols.chosen(rng, 2), only),
    }
    in_words = {
        "several": Source(1.5, lessons.several, only),
        "demonstrated": Source(
            0.6,
            lambda rng, pool: lessons.demonstrated(
                rng, pool, rng.pick(("own", "half", "open", "icl")), rng.pick(SHOTS)
            ),
            only,
        ),
        **{f"item {subtask}": Source(0.35, _item(subtask), only) for subtask in world.SUBTASKS},
        **{kind: Source(0.4, _puzzle(kind), only) for kind in SEVERAL},
        **{
            f"{kind} {form}": Source(0.3 * weight, _puzzle(kind, form), only)
            for (kind, form), weight in WORDINGS.items()
        },
        "clips": Source(0.3, lambda rng, pool: clips.moving(rng, pool, rng.pick(("nextqa", ""))), only),
    }
    return [
        # first, because lessons without claims wear down the start that compares
        Stage("truths", _mixed(truths, (pairs, 0.3)), 0.3, ("is it with it", "pairs"), 0.92, "language"),
        Stage("lookups", _mixed(lookups, (pairs, 0.1), (truths, 0.3)), 0.4, tuple(lookups), 0.95, "language"),
        Stage("keys", _mixed(longer, (lookups, 0.1), (truths, 0.2)), 0.5, tuple(longer)[:2], 0.95, "language"),
        Stage(
            "choices",
            _mixed(chosen, (pairs, 0.1), (longer, 0.2), (truths, 0.1)),
            0.6,
            tuple(chosen)[2:],
            0.95,
            "language",
        ),
        Stage(
            "told",
            _mixed(in_words, (pairs, 0.05), (lookups, 0.05), (truths, 0.1), (longer, 0.1), (chosen, 0.15)),
            1.0,
            (*TESTABLE, "several"),
            0.97,
            "language",
        ),
    ]


def seen(
    names: Sequence[str],
    show: Sequence[How],
    *,
    single: bool = False,
    demonstrated: bool = True,
    sets: tuple[str, str] = ("full", "full"),
) -> list[Stage]:
    """Return the stages of a model that sees.

    `single`: it is never shown several pictures; `demonstrated`: whether it is shown demonstrations; `sets`: the
    trainable sets while it learns to say what it sees (the article's stage I), and afterwards (stage II).
    """
    ways = tuple(show)

    def named(hard: int) -> Source:
        return Source(1.0, lambda rng, pool: lessons.named(rng, pool, names, hard), plain)

    plain: tuple[How, ...] = ("plain",) if "declaration" in ways else ways
    varied = (*ways * 6, "mme-authors", "plain") if "declaration" in ways else ways
    first = {
        "described": Source(2.0, lessons.described, plain),
        "verified": Source(2.0, lessons.verified, plain),
        "checked": Source(2.0, lessons.checked, plain),
        "bound": Source(1.0, lessons.bound, plain),
        "named": named(0),
    }
    captions = {"captions": Source(2.0, lessons.captioned, ways)}

    def demonstration(weight: float, form: str, numbers: Sequence[int]) -> Source:
        return Source(weight, lambda rng, pool: lessons.demonstrated(rng, pool, form, rng.pick(numbers)), ways)

    after_this_is = {"named after this is": named(1)}
    few = after_this_is | {
        f"{name}, one or two": demonstration(weight, form, (1, 2)) for name, form, weight in DEMONSTRATED
    }
    demonstrations = after_this_is | {name: demonstration(weight, form, SHOTS) for name, form, weight in DEMONSTRATED}
    several = {"several": Source(1.5, lessons.several, ways)}
    items = {
        f"item {subtask}": Source(0.3 * HARD.get(subtask, 1), _item(subtask), varied) for subtask in world.SUBTASKS
    }
    puzzles = {kind: Source(1.0 if kind == "both" else 0.5, _puzzle(kind), ways) for kind in SEVERAL}
    wordings = {
        f"{kind} {form}": Source(weight, _puzzle(kind, form), ways) for (kind, form), weight in WORDINGS.items()
    }
    moving = {
        "clips nextqa": Source(0.6, lambda rng, pool: clips.moving(rng, pool, "nextqa"), ways),
        "clips": Source(0.8, lambda rng, pool: clips.moving(rng, pool, ""), ways),
    }
    behind = {"behind a text": Source(0.5, _behind, ways)}
    if single:
        questions = {"captions": captions["captions"], "matching match": wordings["matching match"], **items}
        described = {
            "described": Source(1.0, lambda rng, pool: lessons.described(rng, pool)[:3], ways),
            "verified": first["verified"],
            "checked": first["checked"],
        }
        return [
            Stage("captions", {**described, **captions}, 0.35, ("captions",), 0.9, sets[0]),
            Stage("questions", _mixed(questions, (described, 0.15)), 1.0, tuple(questions), 1.01, sets[1]),
        ]
    if not demonstrated:
        first.pop("named")
        few = demonstrations = {}
    looks = _mixed({**first, **captions}, (items, 0.1))
    learns = _mixed({**few, **several}, (first, 0.15), (captions, 0.1), (items, 0.15), (puzzles, 0.05))
    alone = {"captions": replace(captions["captions"], weight=1.0), **items}
    together = {**demonstrations, **several, **puzzles, **wordings, **moving, **behind}
    everything = {**alone, **together}
    tests = tuple(name for name in everything if not name.startswith("frames"))
    return [
        Stage("looks", looks, 0.15, tuple(first), 0.9, sets[0]),
        Stage("learns", learns, 0.33, tuple(few)[:4] or ("several",), 0.95, sets[1]),
        Stage("everything", _mixed(everything, (first, 0.05)), 0.8, tests, 1.01, sets[1]),
        # single pictures again: there is the most to learn about them
        Stage("questions", _mixed(alone, (together, 0.4), (first, 0.05)), 1.0, tests, 1.01, sets[1]),
    ]


def _item(subtask: str) -> Draw:
    return lambda rng, pool: lessons.item(rng, pool, subtask)


def _puzzle(kind: str, form: str = "") -> Draw:
    return lambda rng, pool: lessons.puzzle(rng, pool, kind, form)


def _behind(rng: Rng, pool: Pool) -> Lesson:
    roll = rng.below(3)
    lesson = (
        lessons.item(rng, pool, rng.pick(world.SUBTASKS), 1) if roll == 0
        else lessons.puzzle(rng, pool, rng.pick(SEVERAL)) if roll == 1
        else lessons.demonstrated(rng, pool, "own", 1)
    )  # fmt: skip
    return lessons.behind(rng, lesson, 4 if rng.coin(0.75) else 16)


def _mixed(new: Mapping[str, Source], *earlier: tuple[Mapping[str, Source], float]) -> dict[str, Source]:
    """Add earlier sources to the new ones. Each group of them gets its share of all lessons, the new ones the rest."""
    combined: dict[str, Source] = {}
    for sources, share in (*earlier, (new, 1 - sum(share for _, share in earlier))):
        scale = share / sum(source.weight for source in sources.values())
        combined |= {name: replace(source, weight=scale * source.weight) for name, source in sources.items()}
    return combined
