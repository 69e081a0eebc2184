"""Families of named identities: people, landmarks, posters, artists, scenes, and what is asked of them.

Names stand in a table; names of the same row (or column) look alike, and the near misses are drawn from them.
Every name has as many lookalikes as every other, so that a name says nothing about the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Claim, Mark, Origin, View, worded


@dataclass(frozen=True)
class Portrait:
    """A picture of one identity and what else can be said of it."""

    picture: Image.Image
    details: str
    """What is seen, in a few words: the rest of the caption."""
    probes: tuple[tuple[str, str], ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Family:
    """Names in a table, None where a place is empty, and how they are asked for."""

    kind: str
    """The word for it, as in "poster velvet moon"."""
    table: Sequence[Sequence[str | None]]
    columns_alike: bool
    """Whether names of the same column look alike too."""
    prompts: tuple[str, ...]
    probe: str
    """The open question that the name answers."""

    def members(self) -> list[tuple[str, int, int]]:
        """(name, row, column) of each."""
        return [
            (name, row, column) for row, names in enumerate(self.table) for column, name in enumerate(names) if name
        ]

    def lookalikes(self, row: int, column: int) -> list[str]:
        """Return the other names of that row, and of that column if columns are alike."""
        return [
            name
            for name, r, c in self.members()
            if (r, c) != (row, column) and (r == row or (self.columns_alike and c == column))
        ]

    def claim(self, rng: Rng, name: str) -> Claim:
        """Claim that the picture is of that name."""
        return worded(rng, self.prompts, (self.kind, name), name=name)

    def view(self, origin: Origin, rng: Rng, member: tuple[str, int, int], portrait: Portrait) -> View:
        """Return the picture with its questions."""
        name, row, column = member
        alike = rng.shuffled(self.lookalikes(row, column))
        others = [other for other, _, _ in self.members() if other != name]
        wrong = [rng.pick(alike), rng.pick(alike), rng.pick(others)]
        return View(
            origin=origin,
            picture=portrait.picture,
            caption=f"{self.kind} {name} , {portrait.details}",
            facts=frozenset({(self.kind, name)}),
            asked=rng.swapped(self.claim(rng, name), self.claim(rng, wrong[0])),
            probes=((self.probe, name), *portrait.probes),
            extra=tuple(self.claim(rng, other) for false in wrong[1:] for other in (name, false)),
            marks=portrait.marks,
            identity=f"{self.kind} {name}",
        )
