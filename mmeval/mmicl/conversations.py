"""The context scheme of MIC: demonstrations and question joined into one conversation, pictures numbered through.

MMICL, section 2.2: image declaration, interrelated pictures and in-context demonstrations make one interleaved
text. How a picture is introduced in words ("image 0 is <image0>...") is `mmicl.context`'s, and chosen later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmeval.mmicl.context import ImageMention, ImagePlace, Part
from mmeval.mmicl.examples import Example


@dataclass(frozen=True)
class Exchange:
    """What is asked and what is answered, with pictures counted through the whole prompt."""

    ask: tuple[Part, ...]
    answer: str
    learnt: bool
    """Whether the loss is on this answer: those of demonstrations are only read."""


@dataclass(frozen=True)
class Conversation:
    """An example as one text: exchange after exchange. `images[k]` is what `ImagePlace(k)` shows."""

    exchanges: tuple[Exchange, ...]
    images: tuple[str, ...]


def compose(example: Example) -> Conversation:
    """Join demonstrations and the example's own turns; every mention moves on with its picture."""
    exchanges: list[Exchange] = []
    first = 0
    for part in (*example.shots, example):
        exchanges += [Exchange(_moved(turn.ask, first), turn.answer, part is example) for turn in part.turns]
        first += len(part.images)
    return Conversation(tuple(exchanges), example.all_images)


def with_shots(example: Example, shots: Sequence[Example]) -> Example:
    """Put the example behind demonstrations, itself never among them; of each the first turn is shown."""
    chosen = tuple(replace(shot, turns=shot.turns[:1], shots=()) for shot in shots if shot.id != example.id)
    return replace(example, shots=chosen)


def prompt(conversation: Conversation, upto: int) -> tuple[Part, ...]:
    """Return the parts before the answer of exchange `upto`; earlier answers follow their questions and end a line."""
    parts: list[Part] = []
    for exchange in conversation.exchanges[:upto]:
        parts += [*exchange.ask, f" {exchange.answer}\n"]
    return (*parts, *conversation.exchanges[upto].ask)


def _moved(parts: Sequence[Part], by: int) -> tuple[Part, ...]:
    return tuple(
        ImagePlace(part.picture + by)
        if isinstance(part, ImagePlace)
        else ImageMention(part.slot + by)
        if isinstance(part, ImageMention)
        else part
        for part in parts
    )
