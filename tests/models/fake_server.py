"""A local OpenAI-compatible server that fails on command."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Part = bytes | Callable[[], object] | None


@dataclass(frozen=True)
class Reply:
    """What the server sends, and how: whole, a byte now and then without end, nothing at all, or the first half.

    `stream` sends a tuple part by part: bytes as they are; functions are called; None breaks the connection.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Literal["whole", "drip", "hang", "half", "stream"] = "whole"


def says(text: str | None, model: str = "tiny", **choice: Any) -> Reply:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    return Reply({"model": model, "choices": [{"message": message, "finish_reason": "stop"} | choice], "usage": usage})


def event(text: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """Return a chunk of an answer as the server-sent event that carries it."""
    content = delta if text is None else {"content": text, **delta}
    chunk = {"model": "tiny", "choices": [{"index": 0, "delta": content, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}\n\n'
DONE = b"data: [DONE]\n\n"
EVENTS = {"Content-Type": "text/event-stream; charset=utf-8"}


def streams(*parts: Part) -> Reply:
    return Reply(parts, headers=EVENTS, manner="stream")


class Server:
    """Answers `behave(body, n)`, n from 0; `asked` and `headers` are what it received, `most` at the same time."""

    def __init__(self, behave: Callable[[dict[str, Any], int], Reply] | None = None) -> None:
        self.behave = behave or (lambda body, n: says("yes"))
        self.models: Reply = Reply({"data": []})
        self.other: dict[str, Reply] = {}
        """Replies to GET, by path."""
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.now = self.most = 0
        self.done = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.headers.append(dict(self.headers))
                self.send(outer.other.get(self.path, outer.models))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    number = len(outer.asked)
                    outer.asked.append(body)
                    outer.headers.append(dict(self.headers))
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                try:
                    self.send(outer.behave(body, number))
                finally:
                    with outer._lock:
                        outer.now -= 1

            def send_parts(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Transfer-Encoding": "chunked"}.items():
                    self.send_header(name, value)
                with contextlib.suppress(OSError):  # whoever asked is gone
                    self.end_headers()
                    for part in (*reply.body, b""):
                        if part is None:
                            self.close_connection = True
                            return
                        if callable(part):
                            part()
                        else:
                            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))

            def send(self, reply: Reply) -> None:
                if reply.manner == "stream":
                    self.send_parts(reply)
                    return
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                if reply.manner == "hang":
                    outer.done.wait(30)
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(1 << 20 if reply.manner == "drip" else len(content)))
                with contextlib.suppress(OSError):  # whoever asked is gone
                    self.end_headers()
                    if reply.manner == "drip":
                        while not outer.done.wait(0.02):
                            self.wfile.write(b" ")
                    self.wfile.write(content[: len(content) // 2] if reply.manner == "half" else content)
                if reply.manner == "half":
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.http.server_address[1]}"
        self.url = f"http://{self.host}/v1"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def model(self) -> str:
        return f"server:{self.url}#tiny"


@contextlib.contextmanager
def serving(behave: Callable[[dict[str, Any], int], Reply] | None = None) -> Iterator[Server]:
    server = Server(behave)
    try:
        yield server
    finally:
        server.done.set()
        server.http.shutdown()
        server.http.server_close()
