"""A reply that a server streams: its chunks, put together into the reply that it would have sent whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmeval.models.server_replies import choice_texts, content_text
from mmeval.servers.replies import Secrets

FORMS: tuple[dict[str, Any], ...] = ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}, {})
"""Ways to ask for a stream, the next for servers that refuse the one before; the last asks for the whole reply."""
TEXTS = ("content", "reasoning_content", "reasoning")


class StreamedReply:
    """The chunks of a reply with one answer (`mmeval.servers.receiving.Chunks`)."""

    def __init__(self, on_answer: Callable[[str], object], secrets: Secrets) -> None:
        """`on_answer` is called with the answer so far, without reasoning and secrets."""
        self.begun = False
        self._on_answer, self._secrets = on_answer, secrets
        self._texts: dict[str, str] = {}
        self._about: dict[str, Any] = {}
        self._ended: Any = None

    @property
    def finished(self) -> bool:
        """Tell whether the answer has ended."""
        return self._ended is not None

    def add(self, chunk: dict[str, Any]) -> None:
        """Take the next chunk. Raises ValueError if it is not a valid chunk."""
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            raise ValueError(f"an event of its reply has no choices: {str(chunk)[:80]}")
        self.begun = True
        before = self._texts.get("content")
        for choice in choices:
            self._take(choice)
        self._about |= {name: chunk[name] for name in ("model", "usage") if chunk.get(name)}
        if (content := self._texts.get("content")) and content != before:
            text = self._secrets.hidden(_joined(content))
            certain = text[: len(text) - self._secrets.begun(text)]
            self._on_answer(choice_texts({"message": {**self._texts, "content": certain}})[0])

    def reply(self) -> dict[str, Any]:
        """Return the whole reply."""
        message = {name: _joined(text) for name, text in self._texts.items()}
        return {**self._about, "choices": [{"message": message, "finish_reason": self._ended}]}

    def _take(self, choice: Any) -> None:
        delta = (choice.get("delta") or {}) if isinstance(choice, dict) else None
        if not isinstance(delta, dict):
            raise ValueError(f"an event of its reply has no text: {str(choice)[:80]}")
        for name in TEXTS:
            text = content_text(delta.get(name))
            if text is None:
                continue
            if not isinstance(text, str):
                raise ValueError(f"an event of its reply has no text: {str(choice)[:80]}")
            self._texts[name] = self._texts.get(name, "") + text
        self._ended = choice.get("finish_reason") or self._ended


def _joined(text: str) -> str:
    """Join the halves of characters that came in two chunks; half a character becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
