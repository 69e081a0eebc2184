"""HTTP to the server that was named: redirections are not followed, and the timeout is that of the whole reply."""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.request
from typing import Any


class _Stay(urllib.request.HTTPRedirectHandler):
    """Make every redirection an error: the key is for the server that was named."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Until(io.RawIOBase):
    """What a socket receives before its time is up, however slowly the bytes come."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._file = sock, sock.makefile("rb", buffering=0)
        self._until = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        try:
            if (left := self._until - time.monotonic()) <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            return self._file.readinto(buffer)
        except TimeoutError as error:
            raise TimeoutError("no whole reply") from error

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A reply whose status, headers and text have one time together."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Until(sock))


def _timed(kind: type[http.client.HTTPConnection]) -> type[http.client.HTTPConnection]:
    return type(kind.__name__, (kind,), {"response_class": _Response})


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_timed(http.client.HTTPConnection), request)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_timed(http.client.HTTPSConnection), request)


OPENER = urllib.request.build_opener(_Stay, _Http, _Https)
"""Its `timeout` bounds the whole reply, status and headers included, and not each byte of it."""
