"""Receive a server's reply, whole or as a stream of events, up to a maximum size. `replies` says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from mmeval.servers.replies import Secrets, read

if TYPE_CHECKING:
    import httpx2


class Chunks(Protocol):
    """Collects the chunks of a streamed reply."""

    @property
    def begun(self) -> bool:
        """Tell whether there is a chunk; the request is then not repeated."""

    @property
    def finished(self) -> bool:
        """Tell whether the answer has ended."""

    def add(self, chunk: dict[str, Any]) -> None:
        """Take the next chunk. Raises ValueError if it is damaged."""

    def reply(self) -> dict[str, Any]:
        """Return the reply as if it had been sent whole."""


async def receive(
    response: httpx2.Response, url: str, secrets: Secrets, longest: int, chunks: Chunks | None
) -> dict[str, Any]:
    """Return a reply, a JSON object, with secrets hidden. Raises as `replies.read`, and ValueError beyond `longest`.

    With `chunks`, the reply may be streamed: server-sent events with a JSON object each, then `[DONE]`.
    """
    if chunks is not None and response.status_code == 200 and _is_streamed(response.headers):
        await _collect(response, url, secrets, longest, chunks)
        return dict(secrets.hidden(chunks.reply()))
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        _check_size(len(body), longest)
    return read(url, response.status_code, response.headers, bytes(body), secrets)


async def _collect(response: httpx2.Response, url: str, secrets: Secrets, longest: int, chunks: Chunks) -> None:
    import httpx2

    size = 0
    async for event in httpx2.EventSource(response, longest):
        if event.data.strip() == "[DONE]":
            return
        size += len(event.data)
        _check_size(size, longest)
        if event.data:
            chunks.add(read(url, response.status_code, {}, event.data.encode(), secrets))
    if not chunks.finished:
        raise ValueError("its reply ends before the answer does")


def _is_streamed(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/event-stream"


def _check_size(size: int, longest: int) -> None:
    if size > longest:
        raise ValueError(f"its reply has more than {longest:,} bytes")
