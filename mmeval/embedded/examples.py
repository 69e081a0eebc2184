"""Conversations to begin with, drawn by the picture world's test split: what mmicl-tiny is shown to do."""

from __future__ import annotations

from dataclasses import dataclass

from mmeval.embedded.world.puzzles import Puzzle, puzzles
from mmeval.types import Image, Parts, Shot

DRAWN = (
    ("Two pictures compared", "same", 2, 0),
    ("Which of four pictures", "which", 11, 0),
    ("A short clip", "frames", 2, 0),
)
"""Title, kind of puzzle, seed, and which of the puzzles of that seed."""


@dataclass(frozen=True)
class DemoExample:
    """Demonstrations, a question, and the answer that is right."""

    title: str
    prompt: Parts
    answer: str
    shots: tuple[Shot, ...] = ()


def examples() -> list[DemoExample]:
    """Draw the examples."""
    return [_example(title, puzzles(kind, seed, "test")[place]) for title, kind, seed, place in DRAWN]


def _example(title: str, puzzle: Puzzle) -> DemoExample:
    return DemoExample(
        title, _prompt(puzzle), puzzle.answer, tuple(Shot(_prompt(shot), shot.answer) for shot in puzzle.shots)
    )


def _prompt(puzzle: Puzzle) -> Parts:
    pictures = (Image(scene.picture, f"image {number}") for number, scene in enumerate(puzzle.scenes))
    question = (f"image {part}" if isinstance(part, int) else part for part in puzzle.question)
    return (*pictures, "".join(question))
