"""The picture world's types: pictures, their facts, the questions about them, and families of names."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from mmeval.embedded.world.rng import Rng

Split = Literal["train", "test"]
Fact = tuple[str, ...]
"""Something true of a picture: ("there is", "red circle"), ("count", "star", "three"), ..."""
Facts = frozenset[Fact]


@dataclass(frozen=True)
class Origin:
    """The values that determine a picture."""

    subtask: str
    seed: int
    split: Split

    def rng(self) -> Rng:
        """Return the picture's random number generator."""
        return Rng(f"{self.subtask}/{self.split}/{self.seed}")


@dataclass(frozen=True)
class Claim:
    """A yes/no question; the answer is yes if its fact is true."""

    text: str
    fact: Fact


@dataclass(frozen=True)
class Mark:
    """The position of a labeled thing: x from the left, y from the top, 0 to 1."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, eq=False)
class View:
    """A picture (RGB, 96 x 96), its facts, and questions about it."""

    origin: Origin
    picture: Image.Image
    caption: str
    """Every fact that the questions need, in one closed-form sentence."""
    facts: Facts
    asked: tuple[Claim, Claim]
    """A true claim and a near miss, in random order: MME's two questions about a picture."""
    probes: tuple[tuple[str, str], ...]
    """Open questions with short answers, for training."""
    extra: tuple[Claim, ...]
    """More claims for training, as many true as false."""
    marks: tuple[Mark, ...] = ()
    identity: str = ""
    """The subject of the whole picture, such as "scene beach"; empty if it has none."""

    @property
    def subtask(self) -> str:
        """Return MME's name of the subtask."""
        return self.origin.subtask

    @property
    def name(self) -> str:
        """Return a name that is unique in its split."""
        return f"{self.origin.subtask}-{self.origin.seed:04d}"

    @property
    def pair(self) -> tuple[str, str]:
        """Return the question whose answer is yes, then the one whose answer is no."""
        first, second = self.asked
        return (first.text, second.text) if answer(first, self.facts) else (second.text, first.text)

    @property
    def more(self) -> tuple[tuple[str, bool], ...]:
        """Return the claims in `extra` with their truth values."""
        return tuple((claim.text, answer(claim, self.facts)) for claim in self.extra)


def answer(claim: Claim, facts: Facts) -> bool:
    """Tell whether a claim is true of a picture with these facts, which may be another picture's."""
    return claim.fact in facts


def worded(rng: Rng, prompts: Sequence[str], fact: Fact, **words: str) -> Claim:
    """Return a claim in a random wording; "a" becomes "an" before a vowel."""
    text = rng.pick(prompts).format(**words)
    return Claim(re.sub(r"\ba (?=[aeiou])", "an ", text), fact)


def article(name: str) -> str:
    """Put the article before a name: `a red circle`, `an orange star`."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def plural(name: str) -> str:
    """Return the plural of a name: `crosses`, `stars`."""
    return f"{name}es" if name.endswith("s") else f"{name}s"


@dataclass(frozen=True)
class Portrait:
    """A picture of a named thing, and further facts about it."""

    picture: Image.Image
    caption: str
    """A short description; the family puts the name before it."""
    probes: tuple[tuple[str, str], ...]
    marks: tuple[Mark, ...]

    def asked(
        self, origin: Origin, rng: Rng, kind: str, prompts: Sequence[str], names: Sequence[str], identity: str = ""
    ) -> View:
        """Ask for its name. `names` are the true one, the near miss, and two false ones for training."""

        def claim(called: str) -> Claim:
            return worded(rng, prompts, (kind, called), name=called)

        true, near, *false = names
        return View(
            origin=origin,
            picture=self.picture,
            caption=self.caption,
            facts=frozenset({(kind, true)}),
            asked=rng.swapped(claim(true), claim(near)),
            probes=self.probes,
            extra=tuple(claim(called) for wrong in false for called in (true, wrong)),
            marks=self.marks,
            identity=identity,
        )


@dataclass(frozen=True)
class Family:
    """Named identities (people, landmarks, films, painters, places), and how to draw them and ask for them.

    Names in the same row (or column) of the table look alike and are each other's near misses. All names have the same
    number of lookalikes, so a name says nothing about the answer.
    """

    kind: str
    """The word before a name, as in "poster velvet moon"."""
    table: Sequence[Sequence[str]]
    """The names by row and column; an empty text is a gap."""
    columns_alike: bool
    """Whether names in the same column also look alike."""
    prompts: tuple[str, ...]
    probe: str
    """The open question whose answer is the name."""
    portray: Callable[[Rng, int, int], Portrait]
    """Draws the name at that row and column."""

    def members(self) -> list[tuple[str, int, int]]:
        """Return (name, row, column) of every member."""
        cells = [(name, row, column) for row, names in enumerate(self.table) for column, name in enumerate(names)]
        return [cell for cell in cells if cell[0]]

    @property
    def names(self) -> list[str]:
        """Return all names, row by row."""
        return [name for name, *_ in self.members()]

    def lookalikes(self, row: int, column: int) -> list[str]:
        """Return the other names of that row, and of that column if columns are alike."""
        return [
            name
            for name, r, c in self.members()
            if (r, c) != (row, column) and (r == row or (self.columns_alike and c == column))
        ]

    def draw(self, origin: Origin) -> View:
        """Draw a random member and ask for its name; the false claim names a lookalike."""
        rng = origin.rng()
        name, row, column = rng.pick(self.members())
        portrait = self.portray(rng, row, column)
        caption, probes = f"{self.kind} {name} , {portrait.caption}", ((self.probe, name), *portrait.probes)
        alike = rng.shuffled(self.lookalikes(row, column))
        names = (name, rng.pick(alike), rng.pick(alike), rng.other(self.names, name))
        described = replace(portrait, caption=caption, probes=probes)
        return described.asked(origin, rng, self.kind, self.prompts, names, identity=f"{self.kind} {name}")
