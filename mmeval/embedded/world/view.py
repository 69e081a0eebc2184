"""The nouns of the picture world: a picture, what is true of it, and what is asked about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
