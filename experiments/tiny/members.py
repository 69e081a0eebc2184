"""The tiny family: MMICL and its baselines, from the same parts, trained for the same time on the same questions.

They differ only in what they see. MMICL sees every picture in its place, InstructBLIP sees all of them pasted side by
side, BLIP-2 sees single pictures only, and the text model none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.tiny.writing import How


@dataclass(frozen=True)
class Member:
    """One model of the family."""

    show: tuple[How, ...]
    single: bool = False
    """Whether it is never shown several pictures."""
    reads: bool = False
    """Whether its Q-Former reads the question."""
    demonstrated: bool = True
    """Whether it is shown demonstrations."""
    sets: tuple[str, str] = ("full", "full")
    """The trainable sets in the article's stages I and II."""


FAMILY: Mapping[str, Member] = {
    "mmicl-tiny": Member(("declaration",)),
    "instructblip-tiny": Member(("side-by-side",), reads=True),
    "blip2-tiny": Member(("plain",), single=True),
    "text-tiny": Member(("none",)),
}
ABLATIONS: Mapping[str, Member] = {
    "article": Member(("declaration",), sets=("qformer", "article")),
    "paper": Member(("declaration",), sets=("qformer", "paper")),
    "paper+qformer": Member(("declaration",), sets=("qformer", "paper+qformer")),
    "no declaration": Member(("plain",)),
    "no demonstrations": Member(("declaration",), demonstrated=False),
    "no interrelated pictures": Member(("declaration",), single=True),
}
"""mmicl-tiny with one thing changed; `released` equals `paper` if the language model is a LLaMA."""


def member_of(name: str) -> tuple[Member, int]:
    """Return the member of that name, and its seed: `mmicl-tiny seed 1`. Raises ValueError if it is not known."""
    member, _, seed = name.partition(" seed ")
    members = {**FAMILY, **ABLATIONS}
    if member not in members or not (seed or "0").isdecimal():
        raise ValueError(f"unknown member '{name}'; choose from {', '.join(members)}, each with or without ' seed 1'")
    return members[member], int(seed or 0)
