"""A request as the turns of a conversation: what models are given that know chats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mmeval.types import Image, Parts, Ref, Request

CONTEXTS = ("plain", "numbered")
"""How pictures are introduced: not at all, or each after `Image 1: `, counted through the whole prompt."""


@dataclass(frozen=True)
class Turn:
    """What one side says: texts and pictures in their places, no two texts side by side."""

    role: Literal["user", "assistant"]
    parts: tuple[str | Image, ...]


def turns(request: Request, context: str) -> list[Turn]:
    """Return each demonstration as a question and its answer, and then the question.

    A reference to a picture becomes `image 3`, counted from 1 through the whole prompt as chats do.
    """
    found: list[Turn] = []
    shown = 0
    for shot in request.shots:
        parts, shown = _said(shot.prompt, shown, context)
        found += [Turn("user", parts), Turn("assistant", (shot.answer,))]
    parts, _ = _said(request.prompt, shown, context)
    return [*found, Turn("user", parts)]


def _said(prompt: Parts, before: int, context: str) -> tuple[tuple[str | Image, ...], int]:
    """Return a prompt with references written out, and how many pictures there are up to its end."""
    said: list[str | Image] = []
    shown = before

    def say(text: str) -> None:
        if said and isinstance(said[-1], str):
            said[-1] += text
        elif text:
            said.append(text)

    for part in prompt:
        if isinstance(part, Image):
            shown += 1
            if context == "numbered":
                say(f"Image {shown}: ")
            said.append(part)
        else:
            say(f"image {before + part.image + 1}" if isinstance(part, Ref) else part)
    return tuple(said), shown
