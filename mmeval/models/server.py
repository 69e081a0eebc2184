"""The adapter `server`: an OpenAI-compatible endpoint, such as vLLM, SGLang, llama.cpp, or a hosted one.

Written `server:http://host:8000/v1#MODEL`; several comma-separated addresses share the work. Pictures are sent as
lossless PNG. The key is read from the environment and never stored.
"""

from __future__ import annotations

import asyncio
import functools
import queue
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from mmeval.machine import cores
from mmeval.models import Checkpoint, ModelOptions
from mmeval.models.server_check import KEYS, engines, refusal
from mmeval.models.server_likelihood import NoLikelihood, first_tokens, whole
from mmeval.models.server_messages import Messages, messages
from mmeval.models.server_pictures import Pictures
from mmeval.models.server_replies import read
from mmeval.models.server_sampling import check_samples, check_temperature, parameters, settings, with_all_tokens
from mmeval.models.server_stream import FORMS, StreamedReply
from mmeval.models.turns import turns
from mmeval.servers.addresses import check_address, without_password
from mmeval.servers.client import BrokeOff, Chunks, Client, NoReply, Refused, key
from mmeval.servers.replies import other_model
from mmeval.types import Generation, InputError, Pieces, Request, Response

WHOSE = "the server's address"


def parse(source: str) -> tuple[list[str], str]:
    """Return the addresses and the model's name of `URL[,URL...]#MODEL`. Raises InputError."""
    urls, _, model = source.partition("#")
    if not model.strip():
        address = without_password(urls)
        raise InputError(f"server:{address} names no model; add it after a #, as in server:http://host:8000/v1#MODEL")
    addresses = [url.strip().rstrip("/") for url in urls.split(",")]
    for url in addresses:
        check_address(url, WHOSE)
    if twice := [url for url in addresses if addresses.count(url) > 1]:
        raise InputError(f"{WHOSE} {without_password(twice[0])} is listed twice; list each address once")
    return addresses, model.strip()


def load(checkpoint: Checkpoint, options: ModelOptions) -> Server:
    """Make the model; nothing is sent yet. Raises InputError for a malformed key."""
    urls, model = parse(checkpoint.source)
    return Server(checkpoint.name, model, urls, options)


class Server:
    """A model behind one or several servers. A steady number of requests is kept in flight."""

    max_images: int | None = None  # the server's own limit is unknown until it refuses a request

    def __init__(self, name: str, model: str, urls: list[str], options: ModelOptions) -> None:
        self.name, self._model, self._options = name, model, options
        self._key = key(*KEYS)
        self._client = Client(urls, self._key, concurrency=options.concurrency, timeout=options.timeout)
        self._pictures = Pictures()
        self._settings = settings(options.model_args, options.thinking)
        self._detail = self._settings.pop("detail", None)
        self._engines: list[str] = []
        """The servers' engines, once they were asked."""
        self._seconds = 0.0
        self._form = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        """Tasks of requests in flight."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield one answer per request. Raises InputError if no request can succeed: no server, no such model."""
        return self._answers(requests, functools.partial(self._generate, self._parameters(generation)))

    def stream(self, request: Request, generation: Generation, on_text: Callable[[str], object]) -> Response:
        """Answer one request; call `on_text`, in another thread, with each piece. Raises as `generate` does."""
        pieces = Pieces(on_text)
        (response,) = self._answers([request], functools.partial(self._stream, pieces, self._parameters(generation)))
        return pieces.end(response)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the candidates' log-likelihoods, exact or of first tokens, depending on the options.

        Raises InputError as `generate` does, and if the server returns no likelihoods.
        """
        find = first_tokens if self._options.first_token else whole

        async def ask(request: Request, prompt: Messages) -> Response:
            if not request.candidates:
                raise NoLikelihood("there is nothing to compare; give at least one candidate")
            values, tokens, seconds = await find(self._post, prompt.messages, request.candidates)
            return Response(request.id, loglikelihoods=values, input_tokens=tokens, seconds=seconds)

        return self._answers(requests, ask)

    def preview(self, request: Request) -> Response:
        """Return the prompt that would be sent, without its length: only the server can count its tokens."""
        try:
            return Response(request.id, sent=self._prompt(request).sent)
        except InputError as error:
            return Response(request.id, error=str(error))

    @property
    def session_facts(self) -> dict[str, Any]:
        """Return the usage so far: requests including retries, seconds, and the servers' engines."""
        return {"requests": self._client.sent, "seconds": round(self._seconds, 1), "servers": self._engines}

    def _answers(
        self, requests: Iterable[Request], ask: Callable[[Request, Messages], Awaitable[Response]]
    ) -> Iterator[Response]:
        """Keep requests in flight, prepare a few more, and yield responses as they come."""
        from anyio import CapacityLimiter
        from anyio.from_thread import start_blocking_portal

        workers = cores()
        most_waiting = self._options.concurrency * len(self._client.endpoints) + workers
        done: queue.SimpleQueue[Future[Response]] = queue.SimpleQueue()
        began, waiting = time.monotonic(), 0
        try:
            # its own event loop: a notebook's main thread already has one
            with start_blocking_portal() as portal, portal.wrap_async_context_manager(self._client):
                portal.call(self._check)
                threads = portal.call(CapacityLimiter, workers)
                try:
                    for request in requests:
                        portal.start_task_soon(self._answer, request, ask, threads).add_done_callback(done.put)
                        waiting += 1
                        while waiting >= most_waiting or (waiting and not done.empty()):
                            waiting -= 1
                            yield done.get().result()
                    while waiting:
                        waiting -= 1
                        yield done.get().result()
                finally:
                    portal.call(self._give_up)
        finally:
            self._seconds += time.monotonic() - began

    async def _give_up(self) -> None:
        """Cancel the requests that nobody waits for; one that connects while the client closes would leak a socket."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(
        self, request: Request, ask: Callable[[Request, Messages], Awaitable[Response]], threads: Any
    ) -> Response:
        """Return a response, or an error if this request cannot be answered. Raises InputError if none can."""
        from anyio.to_thread import run_sync

        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            prompt = await run_sync(self._prompt, request, limiter=threads)
        except InputError as error:  # a picture that cannot be read
            return Response(request.id, error=str(error))
        try:
            return replace(await ask(request, prompt), sent=prompt.sent)
        except NoLikelihood as error:
            return Response(request.id, sent=prompt.sent, error=str(error))
        except NoReply as error:
            if self._client.down:
                raise InputError(
                    f"the server does not reply ({error}); the answers so far are kept; repeat the command to continue "
                    "once it does"
                ) from error
            return Response(request.id, sent=prompt.sent, error=f"no reply from {error}")
        except BrokeOff as error:
            return Response(request.id, sent=prompt.sent, error=f"the answer broke off; {error}")
        except Refused as error:
            if not error.of_request:
                raise refusal(error) from error
            return Response(request.id, sent=prompt.sent, error=f"the server refuses the request: {error}")

    def _parameters(self, generation: Generation) -> dict[str, Any]:
        return parameters(generation, thinking=self._options.thinking == "on")

    async def _stream(self, pieces: Pieces, sampling: dict[str, Any], request: Request, prompt: Messages) -> Response:
        """Ask for a stream, unless there are several answers. Remember what the server refuses of it."""
        while True:
            form = FORMS[self._form] if sampling.get("n", 1) == 1 else {}
            chunks = StreamedReply(pieces.grow, self._client.secrets)
            try:
                return await self._generate(sampling | form, request, prompt, chunks)
            except Refused as refused:
                if not form or not refused.of_request or "stream" not in str(refused):
                    raise
                self._form += 1

    async def _generate(
        self, sampling: dict[str, Any], request: Request, prompt: Messages, chunks: Chunks | None = None
    ) -> Response:
        expected = sampling.get("n", 1)
        try:
            body = {"messages": prompt.messages, **with_all_tokens(sampling, self._engines)}
            reply, seconds = await self._post(body, chunks)
        except Refused as refused:
            check_samples(refused, expected)
            check_temperature(refused, sampling["temperature"])
            raise
        response = read(reply, request.id)
        if response.error is not None:
            return replace(response, error=self._client.secrets.hide(response.error), seconds=seconds)
        if (returned := len(response.samples) or 1) != expected:
            raise InputError(
                f"the server returns {returned} of the {expected} answers asked for; use one that knows the parameter "
                "n, or --samples 1"
            )
        return replace(response, seconds=seconds)

    async def _post(self, body: dict[str, Any], chunks: Chunks | None = None) -> tuple[dict[str, Any], float]:
        """Return the reply. Raises InputError if it comes from another model."""
        body = {"model": self._model, **body, **self._settings}
        reply, seconds = await self._client.post("/chat/completions", body, chunks)
        if other := other_model(self._model, reply):
            raise InputError(
                f"the server answers with the model '{self._client.secrets.hide(other)[:80]}', but '{self._model}' was "
                "asked; after the # name a model that the server has"
            )
        return reply, seconds

    def _prompt(self, request: Request) -> Messages:
        """Return the messages. Raises InputError for a picture that cannot be read."""
        conversation = turns(request, self._options.context == "numbered", self._options.system)
        return messages(conversation, self._pictures, self._detail)

    async def _check(self) -> None:
        """Ask once which engines the servers are. Raises InputError as `engines` does."""
        if not self._engines:
            self._engines = list(dict.fromkeys(await engines(self._client, self._model)))
