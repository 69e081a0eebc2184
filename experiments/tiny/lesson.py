"""A lesson: pictures, words and the answers to learn, independent of how a model is shown its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Show:
    """The place of a picture from the pool."""

    picture: int


@dataclass(frozen=True)
class Mention:
    """A place that mentions the picture shown in `slot`."""

    slot: int


class Claim(str):
    """A text whose words are learned too, with a small weight: the model judges it by the words it expects there."""


@dataclass(frozen=True)
class Answer:
    """The expected answer at this place."""

    text: str
    end: bool = True
    """Whether the end token follows; after a demonstration's answer the lesson continues."""
    learned: bool = True


Part = str | Show | Mention | Answer
Parts = Sequence[Part]
Lesson = list[Part]


def asked(question: Parts, answer: str) -> Lesson:
    """Return a question with its answer."""
    return [*question, Answer(answer)]


def pictures(lesson: Parts) -> list[int]:
    """Return the pictures in the order shown."""
    return [part.picture for part in lesson if isinstance(part, Show)]


def last_question(lesson: Parts) -> str:
    """Return the words of the last question, without demonstrations, for a Q-Former that reads it."""
    ends = [index for index, part in enumerate(lesson) if isinstance(part, Answer)]
    start = ends[-2] + 1 if len(ends) > 1 else 0
    words = (
        part if isinstance(part, str) else f"image {part.slot}"
        for part in lesson[start : ends[-1]]
        if not isinstance(part, (Show, Answer))
    )
    return "".join(words)
