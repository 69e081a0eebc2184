"""The tiny family: MMICL and its baselines, from the same parts, with the same number of training steps.

What each sees of a puzzle differs, and nothing else does: MMICL every picture in its place, InstructBLIP all of them
side by side in one, BLIP-2 single pictures only, the text model none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """One model of the family."""

    lessons: str
    """Which of the lessons' files stage II is trained on."""
    context: str = "plain"
    instruction: bool = False
    """Whether its Q-Former reads the question."""


FAMILY: Mapping[str, Member] = {
    "mmicl-tiny": Member("interleaved", context="declaration"),
    "instructblip-tiny": Member("pasted", instruction=True),
    "blip2-tiny": Member("single"),
    "text-tiny": Member("blind"),
}


@dataclass(frozen=True)
class Ablation:
    """mmicl-tiny's second stage with one thing changed."""

    trainable: str = "full"
    lessons: str = "interleaved"
    context: str = "declaration"


ABLATIONS: Mapping[str, Ablation] = {
    "full": Ablation(),
    "article": Ablation(trainable="article"),
    "paper": Ablation(trainable="paper"),
    "released": Ablation(trainable="released"),
    "no declaration": Ablation(context="plain"),
    "no demonstrations": Ablation(lessons="undemonstrated"),
    "no interrelated pictures": Ablation(lessons="single"),
}
