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
    words = _distinct_words(rng, symbols, 2 * count)
    return _repeated(rng, [[word] for word in words[::2]], words[1::2], 3)


def bound(rng: Rng, symbols: Symbols) -> list[Part]:
    """State the colors of some shapes, and ask for them."""
    shapes = rng.shuffled(SHAPES)[: 2 + rng.below(3)]
    colors = [rng.pick(list(COLORS)) for _ in shapes]
    lesson: list[Part] = [f"the {shape} is {color} . " for shape, color in zip(shapes, colors, strict=True)]
    for index in rng.shuffled(range(len(shapes))):
        lesson += [f"which color the {shapes[index]} ? ", Answer(colors[index], end=False), " . "]
    return lesson


def keyed(rng: Rng, symbols: Symbols, hard: int) -> list[Part]:
    """Name things by words that mean something else, after keys that get longer with `hard`."""
    kinds = rng.shuffled(KINDS)[: 2 + rng.below(3)]
    names = _distinct_words(rng, symbols, len(kinds))
    keys = []
    for kind in kinds:
        cell = rng.pick(CELLS)
        keys.append([kind.name, Thing(kind, cell).place if hard > 1 else "", ". this is" if hard > 2 else ""])
    return _repeated(rng, keys, names, 3)


def chosen(rng: Rng, hard: int) -> list[Part]:
    """Name things by spelled words: after the thing, after a sentence, or after a question with both names."""
    kinds = rng.shuffled(KINDS)[:2]
    words = two_words(rng)
    lesson: list[Part] = []
    named_before: set[int] = set()
    order = [index for _ in range(1 + rng.below(2)) for index in rng.shuffled((0, 1))]
    for slot, index in enumerate((*order, rng.below(2))):
        choice = rng.swapped(*words)
        place = Thing(kinds[index], rng.pick(CELLS)).place
        statement = f"image {slot} is {kinds[index].name} {place} . " if hard else f" {kinds[index].name} "
        question = f"is this '{choice[0]}' or '{choice[1]}' ? " if hard > 1 else ""
        answer = Answer(f"'{words[index]}'", end=slot == len(order), learned=index in named_before)
        lesson += [statement + question, answer]
        named_before.add(index)
    return lesson


def verified(rng: Rng, symbols: Symbols, pairs: bool) -> list[Part]:
    """List words, or pairs of them, and ask whether one is among them; yes and no are equally likely.

    With pairs, a false one is made of listed words: `moon door ?` for `moon fire , gold door`. No key is asked for
    twice, because a false claim about it would be at the place where it is looked up.
    """
    count = 2 + rng.below(4)
    words = _distinct_words(rng, symbols, 2 * count)
    listed = [" ".join(pair) for pair in zip(words[::2], words[1::2], strict=True)] if pairs else words[:count]
    lesson: list[Part] = [" , ".join(listed) + " . "]
    for index in rng.shuffled(range(count)):
        other_pair = (index + 1 + rng.below(count - 1)) % count
        wrong = f"{words[2 * index]} {words[2 * other_pair + 1]}"
        true = rng.coin()
        if true:
            stated = listed[index]
        elif pairs:
            stated = wrong
        else:
            stated = rng.pick(words[count:])
        first, _, second = stated.partition(" ")
        statement = [first, Claim(f" {second}")] if pairs else [first]
        lesson += [*statement, " ? ", Answer("yes" if true else "no", end=False), " . "]
    return lesson


def two_words(rng: Rng) -> tuple[str, str]:
    """Return two new words that begin with different letters."""
    first, second = new_word(rng, "train"), new_word(rng, "train")
    while first[0] == second[0]:
        second = new_word(rng, "train")
    return first, second


def _repeated(rng: Rng, keys: Sequence[Sequence[str]], values: Sequence[str], rounds: int) -> list[Part]:
    lesson: list[Part] = []
    for turn in range(rounds):
        for index in rng.shuffled(range(len(keys))):
            lesson += [" " + " ".join(keys[index]) + " ", Answer(values[index], end=False, learned=turn > 0)]
    return lesson


def _distinct_words(rng: Rng, symbols: Symbols, count: int) -> list[str]:
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        chosen[rng.pick(symbols)] = None
    return list(chosen)
