"""The messages of a chat request to a server, and the same as text for the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmeval.models.server_pictures import Pictures, Sent
from mmeval.models.turns import ChatTurn


@dataclass(frozen=True)
class Messages:
    """A request in the form that is sent."""

    messages: list[dict[str, Any]]
    sent: str
    """The messages as text; each picture is written as its size and the hash of its pixels."""


def messages(conversation: Sequence[ChatTurn], pictures: Pictures, detail: str | None = None) -> Messages:
    """Return the messages of these turns. Raises InputError for a picture that cannot be read.

    `detail` is how closely OpenAI's models look at each picture, such as `low` or `high`; None leaves it to the server.
    """
    chat, lines = [], []
    for turn in conversation:
        parts = [part if isinstance(part, str) else pictures.sent(part) for part in turn.parts]
        alone = all(isinstance(part, str) for part in parts)
        content = "".join(map(str, turn.parts)) if alone else [_part(part, detail) for part in parts]
        chat.append({"role": turn.role, "content": content})
        lines.append(f"{turn.role}: {''.join(part if isinstance(part, str) else part.mark for part in parts)}")
    return Messages(chat, "\n".join(lines))


def _part(part: str | Sent, detail: str | None) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": part.uri} | ({"detail": detail} if detail else {})}
