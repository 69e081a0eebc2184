"""A client of OpenAI-compatible servers: many requests in flight, retries, several servers that share the work.

The callers, the `server` adapter and the judge, write the requests and interpret the replies.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import json
import math
import os
import random
import re
import ssl
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmeval.servers.gathering import gather_or_cancel
from mmeval.servers.receiving import Chunks, receive
from mmeval.servers.replies import BrokeOff, Busy, NoReply, Refused, Secrets
from mmeval.types import InputError

__all__ = ["BrokeOff", "Chunks", "Client", "Endpoint", "NoReply", "Refused", "key"]

PAUSE = 0.5
"""Seconds before the second try, plus or minus half; each further pause is twice as long."""
LONGEST_PAUSE = 30.0
LONGEST_WAIT = 600.0
"""Maximum seconds that one request waits for a busy server."""
GET_TIMEOUT = 20.0
"""Seconds to wait for the facts that `get` asks for: no answer depends on them."""
MAX_CONSECUTIVE_FAILURES = 5
"""After this many requests in a row without a reply, all tries included, nothing more is sent."""
LENGTHS = ("max_tokens", "max_completion_tokens")
"""The names of an answer's maximum length: the usual one, and the only one that OpenAI's newer models take."""
DEFAULTS = {"temperature": 1, "top_p": 1}
"""Parameters that some models of OpenAI and Anthropic refuse, even with these values, which are the API's defaults."""
LONGEST = 64 << 20
"""Maximum bytes of a reply. The likelihoods of a long prompt's tokens take some megabytes."""


@dataclass
class Endpoint:
    """One server: its address without a password, and its load."""

    url: str
    headers: Mapping[str, str]
    limit: float
    """Maximum requests in flight: halved if the server is busy or too slow, raised by one per round of replies."""
    in_flight: int = 0
    resting_until: float = 0.0
    problem: str = ""
    """Why it rests."""
    failures: int = 0
    """In a row."""
    slowed: float = 0.0
    """When it was last found busy or did not reply in time; requests sent before then do not lower the limit again."""

    def rest(self, seconds: float, problem: str) -> None:
        """Send nothing for this many seconds."""
        self.resting_until, self.problem = max(self.resting_until, time.monotonic() + seconds), problem

    def slow_down(self, sent: float) -> None:
        """Halve the limit, once for all requests in flight. `sent`: when the request was sent that took too long."""
        if self.slowed < sent:
            self.limit, self.slowed = max(1.0, self.limit / 2), time.monotonic()


def key(*variables: str) -> str:
    """Return the first of these environment variables that is set, or "". Raises InputError for a malformed key."""
    for variable in variables:
        if value := os.environ.get(variable, ""):
            if not re.fullmatch("[!-~]+", value):
                raise InputError(f"{variable} holds blanks or other characters that are invalid in a key; set it again")
            return value
    return ""


class Client:
    """Sends requests to one or several servers that have the same model. Use it as an asynchronous context manager.

    At most `concurrency` requests are in flight on each server, fewer if it is busy (status 429) or too slow. A request
    gets `tries` tries, and fewer once `timeouts` of them have ended after `timeout` seconds without a whole reply.
    """

    def __init__(
        self,
        urls: Sequence[str],
        key: str = "",
        *,
        concurrency: int = 8,
        tries: int = 6,
        timeout: float = 600.0,
        timeouts: int = 2,
        longest: int = LONGEST,
    ) -> None:
        self.secrets = Secrets(key)
        self.endpoints = [Endpoint(*self._address(url, key), limit=concurrency) for url in urls]
        self._concurrency, self._tries, self._longest = concurrency, tries, longest
        self._timeout, self._timeouts = timeout, timeouts
        self._lost = 0
        self._length = LENGTHS[0]
        self._left_out = set[str]()
        """Parameters with default values that a server refused."""
        self.sent = 0
        """Requests sent so far, including retries."""

    async def __aenter__(self) -> Client:
        import httpx2

        self._http = httpx2.AsyncClient(
            timeout=None, limits=httpx2.Limits(max_connections=None), verify=_certificates()
        )
        self._free, self._lost = asyncio.Event(), 0
        for endpoint in self.endpoints:
            endpoint.in_flight, endpoint.resting_until = 0, 0.0
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    @property
    def down(self) -> bool:
        """Tell whether MAX_CONSECUTIVE_FAILURES requests in a row got no reply, so nothing more is sent."""
        return self._lost >= MAX_CONSECUTIVE_FAILURES

    async def post(
        self, path: str, body: Mapping[str, Any], chunks: Chunks | None = None
    ) -> tuple[dict[str, Any], float]:
        """Return a reply and its seconds. Raises NoReply and Refused.

        If the server streams its reply, `chunks` gets each part as it arrives; raises BrokeOff if it then breaks off.
        If a server refuses `max_tokens` and names its successor, that is sent from then on. If it refuses a parameter
        whose value is the API's default, that is left out from then on.
        """
        problem, failed, timed_out, times_busy, busy_since, slow = "", 0, 0, 0, math.inf, None
        while endpoint := await self._take(busy_since, slow):
            started, length, names = time.monotonic(), self._length, body.keys() - self._left_out
            content = json.dumps(
                {length if name == LENGTHS[0] else name: value for name, value in body.items() if name in names}
            )
            try:
                reply = await self._once(endpoint, "POST", path, content.encode(), chunks)
                self._lost = endpoint.failures = 0
                endpoint.limit = min(self._concurrency, endpoint.limit + 1 / endpoint.limit)
                return reply, time.monotonic() - started
            except Refused as refused:
                self._lost = endpoint.failures = 0
                if length == LENGTHS[0] and LENGTHS[1] in str(refused):
                    self._length = LENGTHS[1]
                elif named := {name for name in names & DEFAULTS.keys() if _refuses(refused, name, body[name])}:
                    self._left_out |= named
                else:
                    raise
                continue
            except Busy as busy:
                times_busy, busy_since = times_busy + 1, min(busy_since, time.monotonic())
                endpoint.slow_down(started)
                wait = busy.wait or _backoff(times_busy)  # a server that says 0 seconds would be asked without end
                endpoint.rest(wait, f"busy for longer than {LONGEST_WAIT:g} seconds ({busy})")
                continue
            except TimeoutError:
                failed, timed_out, slow = failed + 1, timed_out + 1, endpoint
                endpoint.slow_down(started)
                problem = f"{endpoint.url}: no whole reply within {self._timeout:g} seconds"
            except _failures() as error:
                failed += 1
                why = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}".rstrip(": ")
                problem = f"{endpoint.url}: {why}"
                endpoint.failures += 1
                endpoint.rest(_backoff(endpoint.failures) if len(self.endpoints) > 1 else 0.0, why)
            finally:
                endpoint.in_flight -= 1
                self._free.set()
            if chunks is not None and chunks.begun:
                raise BrokeOff(self.secrets.sentence(problem))
            if failed >= self._tries or timed_out >= self._timeouts:
                break
            await asyncio.sleep(_backoff(failed))
        where = ", ".join(endpoint.url for endpoint in self.endpoints)
        raise self._no_reply(
            problem or f"{where}: not sent, because {MAX_CONSECUTIVE_FAILURES} requests before it got no reply"
        )

    async def get(self, path: str) -> list[tuple[Endpoint, dict[str, Any] | None]]:
        """Return each server's reply at a path; None if it has no such path, does not allow it, or does not reply.

        A key may be allowed to ask questions but not to list models. Raises Refused for a redirect.
        """
        replies = await gather_or_cancel(self.get_from(endpoint, path) for endpoint in self.endpoints)
        return list(zip(self.endpoints, replies, strict=True))

    async def get_from(self, endpoint: Endpoint, path: str) -> dict[str, Any] | None:
        """Return one server's reply, and raise, as `get` does."""
        try:
            async with asyncio.timeout(GET_TIMEOUT):
                return await self._once(endpoint, "GET", path, b"")
        except Refused as refused:
            if refused.status < 400:
                raise
            return None
        except _failures(TimeoutError, Busy):
            return None  # the next request will find the reason

    def _address(self, url: str, key: str) -> tuple[str, dict[str, str]]:
        """Return an address without name and password, and its headers. Also record the secrets."""
        parts = urllib.parse.urlsplit(url)
        headers = {"Content-Type": "application/json"}
        user, at_sign, host = parts.netloc.rpartition("@")
        if at_sign:
            plain = urllib.parse.unquote(user)
            coded = base64.b64encode(plain.encode()).decode()
            passwords = {text.partition(":")[2] for text in (user, plain)}
            self.secrets.add(coded, user, plain, *passwords)
            headers["Authorization"] = f"Basic {coded}"
        elif key:
            headers["Authorization"] = f"Bearer {key}"
        return parts._replace(netloc=host).geturl().rstrip("/"), headers

    async def _take(self, busy_since: float, slow: Endpoint | None) -> Endpoint | None:
        """Wait until a server can take a request; return the one with the most room, or None if all are down.

        It is not `slow`, which did not reply to this request in time, if there is another. Raises NoReply if a request
        that has waited for a busy server since `busy_since` would wait longer than LONGEST_WAIT.
        """
        endpoints = [endpoint for endpoint in self.endpoints if endpoint is not slow] or self.endpoints
        while not self.down:
            now = time.monotonic()
            earliest = min(endpoints, key=lambda endpoint: endpoint.resting_until)
            if earliest.resting_until > max(now, min(busy_since, now) + LONGEST_WAIT):
                raise self._no_reply(f"{earliest.url}: {earliest.problem}")
            room = [endpoint for endpoint in endpoints if endpoint.in_flight < int(endpoint.limit)]
            awake = [endpoint for endpoint in room if endpoint.resting_until <= now]
            if awake:
                chosen = min(awake, key=lambda endpoint: endpoint.in_flight / endpoint.limit)
                chosen.in_flight += 1
                self.sent += 1
                return chosen
            self._free.clear()  # no await since the check above
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min((endpoint.resting_until - now for endpoint in room), default=None)):
                    await self._free.wait()
        return None

    async def _once(
        self, endpoint: Endpoint, verb: str, path: str, content: bytes, chunks: Chunks | None = None
    ) -> dict[str, Any]:
        """Return a server's reply, a JSON object, with secrets hidden. Redirects are not followed."""
        headers = dict(endpoint.headers)
        async with (
            asyncio.timeout(self._timeout),  # the whole reply, however slowly its bytes come
            self._http.stream(verb, endpoint.url + path, content=content, headers=headers) as response,
        ):
            return await receive(response, endpoint.url, self.secrets, self._longest, chunks)

    def _no_reply(self, why: str) -> NoReply:
        self._lost += 1
        return NoReply(self.secrets.sentence(why))


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Return the certificates for checking servers, cached because reading them takes longer than a request."""
    import httpx2

    return httpx2.create_ssl_context()


def _failures(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """Return the exceptions for a server that is unreachable, breaks off, or sends an invalid reply, plus `more`."""
    import httpx2

    return (httpx2.HTTPError, ValueError, RecursionError, *more)


def names_parameter(refused: Refused, name: str) -> bool:
    """Return whether a refusal names a parameter, in quotation marks."""
    return re.search(rf"""['"`]{name}['"`]""", str(refused)) is not None


def _refuses(refused: Refused, name: str, value: object) -> bool:
    """Return whether a request is refused because of a parameter, though its value is the default."""
    return value == DEFAULTS[name] and refused.of_request and names_parameter(refused, name)


def _backoff(failures: int) -> float:
    """Return the seconds to wait after this many failures in a row, with jitter to keep requests out of step."""
    return min(LONGEST_PAUSE, PAUSE * 2.0 ** min(failures - 1, 16)) * random.uniform(0.5, 1.5)
