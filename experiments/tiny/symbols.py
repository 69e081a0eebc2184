"""The first lessons, in words alone: looking up what was just read, short lessons before long ones.

Every lesson makes new pairs of words, so nothing can be memorized. A key's answer is learned from its second
appearance on.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.tiny.lesson import Answer, Claim, Part
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import CELLS, COLORS, KINDS, SHAPES, Thing
from mmeval.embedded.world.words import new_word

Symbols = Sequence[str]
"""Words that may name anything."""


def paired(rng: Rng, symbols: Symbols, most: int = 6) -> list[Part]:
    """Repeat pairs of words: a key, then its value."""
    count = 2 + rng.below(most - 1)
    words = _some(rng, symbols, 2 * count)
    return _again(rng, [[word] for word in words[::2]], words[1::2], 3)


def bound(rng: Rng, symbols: Symbols) -> list[Part]:
    """State the colors of some shapes, and ask for them."""
    shapes = rng.shuffled(SHAPES)[: 2 + rng.below(3)]
    colors = [rng.pick(list(COLORS)) for _ in shapes]
    lesson: list[Part] = [f"the {shape} is {color} . " for shape, color in zip(shapes, colors, strict=True)]
    for place in rng.shuffled(range(len(shapes))):
        lesson += [f"which color the {shapes[place]} ? ", Answer(colors[place], end=False), " . "]
    return lesson


def keyed(rng: Rng, symbols: Symbols, hard: int) -> list[Part]:
    """Name things by words that mean something else, after keys that get longer with `hard`."""
    kinds = rng.shuffled(KINDS)[: 2 + rng.below(3)]
    names = _some(rng, symbols, len(kinds))
    keys = []
    for kind in kinds:
        cell = rng.pick(CELLS)
        keys.append([kind.name, Thing(kind, cell).place if hard > 1 else "", ". this is" if hard > 2 else ""])
    return _again(rng, keys, names, 3)


def chosen(rng: Rng, hard: int) -> list[Part]:
    """Name things by spelled words: after the thing, after a sentence, or after a question with both names."""
    kinds = rng.shuffled(KINDS)[:2]
    words = two_words(rng)
    lesson: list[Part] = []
    known: set[int] = set()
    order = [which for _ in range(1 + rng.below(2)) for which in rng.shuffled((0, 1))]
    for slot, which in enumerate((*order, rng.below(2))):
        choice = rng.swapped(*words)
        place = Thing(kinds[which], rng.pick(CELLS)).place
        said = f"image {slot} is {kinds[which].name} {place} . " if hard else f" {kinds[which].name} "
        asked = f"is this '{choice[0]}' or '{choice[1]}' ? " if hard > 1 else ""
        lesson += [said + asked, Answer(f"'{words[which]}'", end=slot == len(order), learned=which in known)]
        known.add(which)
    return lesson


def verified(rng: Rng, symbols: Symbols, pairs: bool) -> list[Part]:
    """List words, or pairs of them, and ask whether one is there; yes and no are equally likely.

    With pairs, a false one is made of listed words: `moon door ?` for `moon fire , gold door`. No key is asked for
    twice, because a false claim about it would be at the place where it is looked up.
    """
    count = 2 + rng.below(4)
    words = _some(rng, symbols, 2 * count)
    there = [" ".join(pair) for pair in zip(words[::2], words[1::2], strict=True)] if pairs else words[:count]
    lesson: list[Part] = [" , ".join(there) + " . "]
    for one in rng.shuffled(range(count)):
        wrong = f"{words[2 * one]} {words[2 * ((one + 1 + rng.below(count - 1)) % count) + 1]}"
        true = rng.coin()
        shown = there[one] if true else wrong if pairs else rng.pick(words[count:])
        first, _, second = shown.partition(" ")
        said = [first, Claim(f" {second}")] if pairs else [first]
        lesson += [*said, " ? ", Answer("yes" if true else "no", end=False), " . "]
    return lesson


def two_words(rng: Rng) -> tuple[str, str]:
    """Return two new words that begin with different letters."""
    first, second = new_word(rng, "train"), new_word(rng, "train")
    while first[0] == second[0]:
        second = new_word(rng, "train")
    return first, second


def _again(rng: Rng, keys: Sequence[Sequence[str]], values: Sequence[str], rounds: int) -> list[Part]:
    lesson: list[Part] = []
    for turn in range(rounds):
        for place in rng.shuffled(range(len(keys))):
            lesson += [" " + " ".join(keys[place]) + " ", Answer(values[place], end=False, learned=turn > 0)]
    return lesson


def _some(rng: Rng, symbols: Symbols, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[rng.pick(symbols)] = None
    return list(found)
