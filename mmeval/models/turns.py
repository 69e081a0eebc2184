"""A request as the turns of a conversation, for chat models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mmeval.types import Image, Parts, Ref, Request, images


@dataclass(frozen=True)
class ChatTurn:
    """One turn: texts and pictures in order, no two texts adjacent."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | Image, ...]


def turns(request: Request, numbered: bool, system: str | None) -> list[ChatTurn]:
    """Return the system turn, each demonstration as a question and its answer, and then the question.

    A reference to a picture becomes `Image 3`, counted from 1 through the whole prompt. With `numbered` and several
    pictures, each is preceded by its name.
    """
    conversation = [] if system is None else [ChatTurn("system", (system,))]
    count = 0
    prompts = [*(shot.prompt for shot in request.shots), request.prompt]
    numbered = numbered and sum(len(images(prompt)) for prompt in prompts) > 1
    for shot in request.shots:
        parts, count = _merged(shot.prompt, count, numbered)
        conversation += [ChatTurn("user", parts), ChatTurn("assistant", (shot.answer,))]
    parts, _ = _merged(request.prompt, count, numbered)
    return [*conversation, ChatTurn("user", parts)]


def films(parts: tuple[str | Image, ...]) -> list[str | Image | tuple[Image, ...]]:
    """Return the parts, with adjacent frames of one video merged into one part."""
    merged: list[str | Image | tuple[Image, ...]] = []
    for part in parts:
        if not isinstance(part, Image) or part.seconds is None:
            merged.append(part)
            continue
        previous = merged[-1] if merged else None
        last = previous[-1] if isinstance(previous, tuple) else None
        if isinstance(previous, tuple) and last and last.video == part.video and (last.seconds or 0) <= part.seconds:
            merged[-1] = (*previous, part)
        else:
            merged.append((part,))
    return merged


def _merged(prompt: Parts, before: int, numbered: bool) -> tuple[tuple[str | Image, ...], int]:
    """Return a prompt with references written out, and the number of pictures up to its end."""
    merged: list[str | Image] = []
    count = before

    def add_text(text: str) -> None:
        if merged and isinstance(merged[-1], str):
            merged[-1] += text
        elif text:
            merged.append(text)

    for part in prompt:
        if isinstance(part, Image):
            count += 1
            if numbered:
                add_text(f"Image {count}: ")
            merged.append(part)
        else:
            add_text(f"Image {before + part.image + 1}" if isinstance(part, Ref) else part)
    return tuple(merged), count
