"""Winoground's three marks of a pair of captions and a pair of pictures (Thrush et al. 2022, arXiv 2204.03162)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CELLS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""(caption, picture); caption k describes picture k."""


@dataclass(frozen=True)
class Marks:
    """Whether the pair was told apart by text, by picture, and by both; and in how many comparisons there was a tie."""

    text: bool
    image: bool
    group: bool
    ties: int


def marks(scores: Mapping[tuple[int, int], float]) -> Marks:
    """The marks from how well caption c fits picture i, for the four (c, i).

    text: each picture prefers its own caption; image: each caption prefers its own picture; group: both. The
    comparisons are strict, so that a tie is wrong: a model that finds everything equal scores 0.
    """
    s = scores
    texts = ((s[0, 0], s[1, 0]), (s[1, 1], s[0, 1]))
    images = ((s[0, 0], s[0, 1]), (s[1, 1], s[1, 0]))
    text, image = (all(own > other for own, other in pairs) for pairs in (texts, images))
    ties = sum(own == other for own, other in (*texts, *images))
    return Marks(text, image, text and image, ties)
