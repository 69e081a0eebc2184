"""The nouns of the picture world: a picture, what is true of it, what is asked about it, and families of names."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from mmeval.embedded.world.rng import Rng

Split = Literal["train", "test"]
Fact = tuple[str, ...]
"""What may be true of a picture: ("there is", "red circle"), ("count", "star", "three"), ..."""
Facts = frozenset[Fact]


@dataclass(frozen=True)
class Origin:
    """Where a picture comes from, and all that it depends on."""

    subtask: str
    seed: int
    split: Split

    def rng(self) -> Rng:
        """Return the random numbers that draw the picture."""
        return Rng(f"{self.subtask}/{self.split}/{self.seed}")


@dataclass(frozen=True)
class Claim:
    """A yes/no question: the answer is yes where its fact is true."""

    text: str
    fact: Fact


@dataclass(frozen=True)
class Mark:
    """What stands where: x from the left, y from the top, 0 to 1."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, eq=False)
class View:
    """A picture (RGB, 96 x 96), everything that is true of it, and questions about it."""

    origin: Origin
    picture: Image.Image
    caption: str
    """Every fact that the questions need, in one closed-form sentence."""
    facts: Facts
    asked: tuple[Claim, Claim]
    """One that is true and one that nearly is, in any order: MME's two questions of a picture."""
    probes: tuple[tuple[str, str], ...]
    """Open questions with short answers, for training."""
    extra: tuple[Claim, ...]
    """Further claims, as many true as false, for training."""
    marks: tuple[Mark, ...] = ()
    identity: str = ""
    """What the whole picture is of: "scene beach", "face of mira"; empty where there is no such thing."""

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
        """Return the further claims with their truth."""
        return tuple((claim.text, answer(claim, self.facts)) for claim in self.extra)


def answer(claim: Claim, facts: Facts) -> bool:
    """Tell whether the claim is true of a picture with these facts: any picture's, not only its own."""
    return claim.fact in facts


def worded(rng: Rng, prompts: Sequence[str], fact: Fact, **words: str) -> Claim:
    """Return a claim in one of its wordings; "a" becomes "an" where it must."""
    text = rng.pick(prompts).format(**words)
    return Claim(re.sub(r"\ba (?=[aeiou])", "an ", text), fact)


def article(name: str) -> str:
    """Put the article before a name: `a red circle`, `an orange star`."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def plural(name: str) -> str:
    """`crosses`, `stars`."""
    return f"{name}es" if name.endswith("s") else f"{name}s"


@dataclass(frozen=True)
class Portrait:
    """A picture of something that has a name, and what else can be said of it."""

    picture: Image.Image
    caption: str
    """What is seen, in a few words; a family puts the name before it."""
    probes: tuple[tuple[str, str], ...]
    marks: tuple[Mark, ...]

    def asked(
        self, origin: Origin, rng: Rng, kind: str, prompts: Sequence[str], names: Sequence[str], identity: str = ""
    ) -> View:
        """Ask for its name. The names: the true one, the near miss, and two false ones to train with."""

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
            extra=tuple(claim(called) for other in false for called in (true, other)),
            marks=self.marks,
            identity=identity,
        )


@dataclass(frozen=True)
class Family:
    """Named identities (people, landmarks, films, painters, places), how they are drawn and asked for.

    Names of the same row (or column) of the table look alike, and the near misses are drawn from them. Every name has
    as many lookalikes as every other, so that a name says nothing about the answer.
    """

    kind: str
    """The word for it, as in "poster velvet moon"."""
    table: Sequence[Sequence[str]]
    """Empty texts where there is no name."""
    columns_alike: bool
    """Whether names of the same column look alike too."""
    prompts: tuple[str, ...]
    probe: str
    """The open question that the name answers."""
    portray: Callable[[Rng, int, int], Portrait]
    """Draws the name at that row and column."""

    def members(self) -> list[tuple[str, int, int]]:
        """(name, row, column) of each."""
        places = [(name, row, column) for row, names in enumerate(self.table) for column, name in enumerate(names)]
        return [place for place in places if place[0]]

    @property
    def names(self) -> list[str]:
        """All names, row by row."""
        return [name for name, *_ in self.members()]

    def lookalikes(self, row: int, column: int) -> list[str]:
        """Return the other names of that row, and of that column if columns are alike."""
        return [
            name
            for name, r, c in self.members()
            if (r, c) != (row, column) and (r == row or (self.columns_alike and c == column))
        ]

    def draw(self, origin: Origin) -> View:
        """Draw any of the family and ask for its name; the no is the name of a lookalike."""
        rng = origin.rng()
        name, row, column = rng.pick(self.members())
        portrait = self.portray(rng, row, column)
        caption, probes = f"{self.kind} {name} , {portrait.caption}", ((self.probe, name), *portrait.probes)
        alike = rng.shuffled(self.lookalikes(row, column))
        names = (name, rng.pick(alike), rng.pick(alike), rng.other(self.names, name))
        told = replace(portrait, caption=caption, probes=probes)
        return told.asked(origin, rng, self.kind, self.prompts, names, identity=f"{self.kind} {name}")
