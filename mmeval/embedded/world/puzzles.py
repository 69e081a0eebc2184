"""Questions about several pictures of things, with one kind of puzzle per kind of multi-picture benchmark.

A puzzle is symbolic until painted, so it can also be asked in words. A language model is trained on these before it
sees pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count

from PIL import Image

from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import CELLS, COLORS, KINDS, NUMBERS, SHAPES, Kind, Thing, caption, laid_out, paint
from mmeval.embedded.world.view import Split, article, plural
from mmeval.embedded.world.words import new_word

YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Scene:
    """A picture before painting. Painting it again gives the same picture."""

    name: str
    things: tuple[Thing, ...]

    @property
    def caption(self) -> str:
        """A description of all its things."""
        return caption(self.things)

    @cached_property
    def picture(self) -> Image.Image:
        """RGB, 96 x 96."""
        return paint(Rng(self.name), self.things)[0]


@dataclass(frozen=True)
class Puzzle:
    """Pictures, and a question after them. Numbers in the question refer to pictures."""

    kind: str
    group: str
    """Shared by puzzles about the same pictures."""
    scenes: tuple[Scene, ...]
    question: tuple[str | int, ...]
    answer: str
    choices: tuple[str, ...] = YES_NO
    """The possible answers; chance is one over their number."""
    shots: tuple[Puzzle, ...] = ()
    """Demonstrations, one picture each."""


Maker = Callable[[Rng, str, Split], list[Puzzle]]


def same(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask whether two pictures show the same thing, or things of the same color or shape."""
    aspect = rng.pick(("thing", "color", "shape"))
    first = rng.pick(KINDS)
    true = rng.coin()
    if aspect == "thing":
        second = first if true else first.near(rng)
    elif aspect == "color":
        second = Kind(first.color if true else rng.other(COLORS, first.color), rng.pick(SHAPES))
    else:
        second = Kind(rng.pick(list(COLORS)), first.shape if true else rng.other(SHAPES, first.shape))
    tail = {"thing": "the same thing", "color": "things of the same color", "shape": "things of the same shape"}[aspect]
    scenes = _scenes(rng, name, [[first], [second]], split)
    return [Puzzle("same", name, scenes, ("Do ", 0, " and ", 1, f" show {tail}?"), _yes(true))]


def which(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask which of two to four pictures shows a named thing."""
    choices = tuple(f"image {index}" for index in range(2 + rng.below(3)))
    target = rng.pick(KINDS)
    target_choice = rng.pick(choices)
    contents = []
    for choice in choices:
        contents.append([target if choice == target_choice else target.near(rng)])
        if rng.coin(0.3):
            contents[-1].append(target.near(rng))
    question = f"Which image shows {article(target.name)}?"
    return [Puzzle("which", name, _scenes(rng, name, contents, split), (question,), target_choice, choices)]


def odd(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask which of four pictures is the odd one out: three share a color, or a shape, and nothing else."""
    odd_index = rng.below(4)
    if rng.coin():
        color, shapes = rng.pick(list(COLORS)), rng.shuffled(SHAPES)[:4]
        kinds = [Kind(color if i != odd_index else rng.other(COLORS, color), s) for i, s in enumerate(shapes)]
    else:
        shape, colors = rng.pick(SHAPES), rng.shuffled(list(COLORS))[:4]
        kinds = [Kind(c, shape if i != odd_index else rng.other(SHAPES, shape)) for i, c in enumerate(colors)]
    scenes = _scenes(rng, name, [[kind] for kind in kinds], split)
    choices = tuple(f"image {index}" for index in range(4))
    return [Puzzle("odd", name, scenes, ("Which image is the odd one out?",), choices[odd_index], choices)]


def matching(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask which of two captions with the same words matches which of two pictures (Winoground's)."""
    first, second = rng.shuffled(KINDS)[:2]
    while first.color == second.color or first.shape == second.shape:
        first, second = rng.shuffled(KINDS)[:2]
    if rng.coin():
        crossed = (Kind(first.color, second.shape), Kind(second.color, first.shape))
        texts = [" and ".join(article(kind.name) for kind in kinds) for kinds in ((first, second), crossed[::-1])]
        scenes = _scenes(rng, name, [(first, second), crossed], split)
    else:
        left, right = article(first.name), article(second.name)
        texts = [f"{left} to the left of {right}", f"{right} to the left of {left}"]
        placed = (_side_by_side(rng, kinds, split) for kinds in ((first, second), (second, first)))
        scenes = tuple(Scene(f"{name}/{index}", things) for index, things in enumerate(placed))
    swapped = rng.coin()  # otherwise the numbers would give away the answer
    if swapped:
        scenes = scenes[::-1]
    start = f"Caption 0: {texts[0]}. Caption 1: {texts[1]}. Does caption"
    return [
        Puzzle(
            "matching", name, scenes, (f"{start} {text} match ", image, "?"), _yes((text == image) != swapped), YES_NO
        )
        for text in range(2)
        for image in range(2)
    ]


def series(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask whether a fourth picture continues a row of three. One of six candidates does (RAVEN's)."""
    base = rng.pick(KINDS)
    rule = rng.pick(("count", "color", "shape", "steady"))
    if rule == "count":
        numbers = (1, 2, 3, 4) if rng.coin() else (4, 3, 2, 1)
        row = [[base] * number for number in numbers]
        wrong = [[base] * number for number in range(1, 6) if number != numbers[3]]
        wrong.append([base.near(rng)] * numbers[3])
    else:
        alternate = base
        if rule == "color":
            alternate = base.recolored(rng)
        elif rule == "shape":
            alternate = base.reshaped(rng)
        row = [[base], [alternate], [base], [alternate]]
        wrong = [[base], *([kind.near(rng)] for kind in (base, alternate, base, alternate, base, alternate))]
    candidates = [row[3]]
    for kinds in chain(wrong, ([rng.pick(KINDS)] for _ in count())):
        if Counter(kinds) not in map(Counter, candidates):
            candidates.append(kinds)
        if len(candidates) == 6:
            break
    shown = _scenes(rng, name, row[:3], split)
    fourths = (_scenes(rng, f"{name}/{index}", [kinds], split) for index, kinds in enumerate(candidates))
    question = ("Does ", 3, " continue the series of ", 0, ", ", 1, " and ", 2, "?")
    return [
        Puzzle("series", name, (*shown, *fourth), question, _yes(index == 0)) for index, fourth in enumerate(fourths)
    ]


def both(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask whether a statement about two pictures is true (NLVR2's)."""
    shape = rng.pick(SHAPES)
    counts = (rng.below(3), rng.below(3))
    contents = []
    for number in counts:
        kinds = [Kind(rng.pick(list(COLORS)), shape) for _ in range(number)]
        if not kinds or not rng.coin():
            kinds.append(Kind(rng.pick(list(COLORS)), rng.other(SHAPES, shape)))
        contents.append(kinds)
    scenes = _scenes(rng, name, [rng.shuffled(kinds) for kinds in contents], split)
    form = rng.pick(("both", "one", "sum"))
    if form == "both":
        text, true = f"Do both images show a {shape}?", min(counts) > 0
    elif form == "one":
        text, true = f"Does exactly one image show a {shape}?", (counts[0] > 0) != (counts[1] > 0)
    else:
        claimed = sum(counts) if rng.coin() else max(0, sum(counts) + rng.pick((-1, 1)))
        text, true = f"Are there {NUMBERS[claimed]} {plural(shape)} in all?", claimed == sum(counts)
    return [Puzzle("both", name, scenes, (text,), _yes(true))]


def frames(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask which way something moves through three frames."""
    ways = {"right": (0, 1, 2), "left": (2, 1, 0), "down": (0, 3, 6), "up": (6, 3, 0)}
    while True:
        kind, way = rng.pick(KINDS), rng.pick(list(ways))
        shift = rng.below(3) * (3 if way in ("left", "right") else 1)
        things = [Thing(kind, cell + shift) for cell in ways[way]]
        if any(thing.held_out for thing in things) == (split == "test"):
            break
    scenes = tuple(Scene(f"{name}/{index}", (thing,)) for index, thing in enumerate(things))
    question = (f"Which way does the {kind.name} move?",)
    return [Puzzle("frames", name, scenes, question, way, tuple(ways))]


def novel(rng: Rng, name: str, split: Split) -> list[Puzzle]:
    """Ask which of two new names a thing has, after 0, 1, 2 and 4 demonstrations of each name."""
    words = _new_words(rng, split)
    kinds = rng.shuffled(KINDS)[:2]
    question = rng.pick((words, words[::-1]))
    text = f"Is this '{question[0]}' or '{question[1]}'?"
    choices = tuple(f"'{word}'" for word in question)

    def named(index: int, label: str) -> Puzzle:
        scenes = _scenes(rng, f"{name}/{label}", [[kinds[index]]], split)
        return Puzzle("novel", name, scenes, (text,), f"'{words[index]}'", choices)

    pairs = [rng.shuffled([named(index, f"shot{pair}{index}") for index in range(2)]) for pair in range(4)]
    query = named(rng.below(2), "query")
    shots = [[shot for pair in pairs[:count] for shot in pair] for count in SHOTS]
    return [replace(query, shots=tuple(demonstrations)) for demonstrations in shots]


SHOTS = (0, 1, 2, 4)
"""Numbers of demonstrations for each of the two new words."""

PUZZLES: Mapping[str, Maker] = {
    maker.__name__: maker for maker in (same, which, odd, matching, series, both, frames, novel)
}


def puzzles(kind: str, seed: int, split: Split) -> list[Puzzle]:
    """Return the puzzles of a kind and seed, always the same ones."""
    name = f"{kind}/{split}/{seed}"
    return PUZZLES[kind](Rng(name), name, split)


def statement(puzzle: Puzzle) -> str:
    """Turn the question of `both` into a statement."""
    text = str(puzzle.question[0]).removesuffix("?").replace("Do both images show", "both images show")
    return text.replace("Are there", "there are").replace("Does exactly one image show", "exactly one image shows")


def matched(puzzle: Puzzle) -> tuple[tuple[str, str], tuple[int, int]]:
    """Return the two captions of `matching`, and the picture that each belongs to."""
    captions, _, claim = str(puzzle.question[0]).removeprefix("Caption 0: ").partition(". Does caption")
    first, _, second = captions.partition(". Caption 1: ")
    text, image = int(claim.split()[0]), int(puzzle.question[1])
    match = image if puzzle.answer == "yes" else 1 - image  # of caption `text`
    return (first, second), ((match, 1 - match) if text == 0 else (1 - match, match))


def _scenes(rng: Rng, name: str, contents: Sequence[Sequence[Kind]], split: Split) -> tuple[Scene, ...]:
    return tuple(Scene(f"{name}/{index}", tuple(laid_out(rng, kinds, split))) for index, kinds in enumerate(contents))


def _side_by_side(rng: Rng, kinds: Sequence[Kind], split: Split) -> tuple[Thing, ...]:
    """Return two things, the first in a column further left. In the test split one is held out, if possible."""
    ordered = [(left, right) for left in CELLS for right in CELLS if left % 3 < right % 3]
    pairs = [(Thing(kinds[0], left), Thing(kinds[1], right)) for left, right in ordered]
    held_out = [pair for pair in pairs if any(thing.held_out for thing in pair)]
    trained = [pair for pair in pairs if pair not in held_out]
    return rng.pick(trained if split == "train" else held_out or trained)


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _new_words(rng: Rng, split: Split) -> tuple[str, str]:
    """Return two words of the split that begin with different letters."""
    first, second = new_word(rng, split), new_word(rng, split)
    while first[0] == second[0]:
        first, second = new_word(rng, split), new_word(rng, split)
    return first, second
