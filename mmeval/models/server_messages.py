"""The messages of a chat request to a server, and the same as text for the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmeval.models.server_pictures import Pictures
from mmeval.models.turns import ChatTurn
from mmeval.types import Image


@dataclass(frozen=True)
class Messages:
    """A request in the form that is sent."""

    messages: list[dict[str, Any]]
    sent: str
    """The messages as text; each picture is written as its size and the hash of its pixels."""


def messages(said: Sequence[ChatTurn], pictures: Pictures) -> Messages:
    """Return the messages of these turns. Raises InputError for a picture that cannot be read."""
    return Messages([_message(turn, pictures) for turn in said], "\n".join(_in_words(turn, pictures) for turn in said))


def _message(turn: ChatTurn, pictures: Pictures) -> dict[str, Any]:
    if all(isinstance(part, str) for part in turn.parts):
        return {"role": turn.role, "content": "".join(map(str, turn.parts))}
    return {"role": turn.role, "content": [_part(part, pictures) for part in turn.parts]}


def _part(part: str | Image, pictures: Pictures) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": pictures.sent(part).uri}}


def _in_words(turn: ChatTurn, pictures: Pictures) -> str:
    words = (part if isinstance(part, str) else pictures.sent(part).mark for part in turn.parts)
    return f"{turn.role}: {''.join(words)}"
