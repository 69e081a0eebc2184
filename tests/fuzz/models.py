"""Models: checkpoints of both kinds, and the replies of servers, judges and user-written adapters."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from mmeval import evaluation
from mmeval.models import load_model
from mmeval.models.constant import Constant
from mmeval.runs.run import open_run
from mmeval.servers import client
from mmeval.types import Generation, Image, Request, Response
from tests import evaluating, mmbench_table
from tests.fuzz.mutate import ODD
from tests.fuzz.target import Target
from tests.mme_folder import make_release
from tests.models.fake_server import Reply, Server, says
from tests.tasks.small_folders import picture


def _checkpoint(folder: Path) -> None:
    from tests.mmicl import mmicl_small as small

    small.write(folder / "model")
    picture(folder.with_name("a.png"))


def _chat(folder: Path) -> None:
    from tests.models import tiny_llava

    tiny_llava.save(folder / "model")
    picture(folder.with_name("a.png"))


def _answer(folder: Path, rng: random.Random) -> None:
    """Load the model and ask it something, in words or for likelihoods."""
    model = load_model(str(folder / "model"))
    request = Request("0", (Image(folder.with_name("a.png")), "What is this?"), candidates=("a cat", "a dog"))
    if rng.random() < 0.5:
        list(model.generate([replace(request, candidates=())], Generation(2)))
    else:
        list(model.loglikelihood([request]))


@cache
def _server() -> Server:
    return Server()


TEXTS = {
    "says": says("yes").body,
    "likelihoods": says("yes", logprobs={"content": [{"token": "yes", "logprob": -0.1, "top_logprobs": [
        {"token": "no", "logprob": -2.3}]}]}).body,
    "error": {"error": {"message": "no such model", "code": 404}},
    "models": {"data": [{"id": "tiny", "max_model_len": 4096}]},
}  # fmt: skip
"""What a server replies."""


def _replies(folder: Path) -> None:
    for name, body in TEXTS.items():
        (folder / f"{name}.json").write_text(json.dumps(body))
    picture(folder.with_name("a.png"))


def _serving(folder: Path, rng: random.Random) -> Server:
    """Return a server that answers every request with one of the folder's files."""
    server, bodies = _server(), [path.read_bytes() for path in sorted(folder.glob("*.json"))]
    status = rng.choice((200, 200, 200, 200, 302, 400, 401, 404, 429, 500, 503))
    headers = {"Retry-After": rng.choice(("0", "-1", "x", "1e9", ""))} if status in (429, 503) else {}
    server.behave = lambda body, n: Reply(rng.choice(bodies), status if n % 2 else 200, headers)
    server.models = Reply(bodies[-2])
    return server


def _quick() -> mock._patch[float]:
    return mock.patch.multiple(client, PAUSE=0.0001, LONGEST_PAUSE=0.001, LONGEST_WAIT=0.05)


def _ask_server(folder: Path, rng: random.Random) -> None:
    server = _serving(folder, rng)
    with _quick():
        model = load_model(server.model)
        request = Request("0", (Image(folder.with_name("a.png")), "What is this?"), candidates=("yes", "no"))
        if rng.random() < 0.5:
            list(model.generate([replace(request, id=str(n), candidates=()) for n in range(3)], Generation(2)))
        else:
            list(model.loglikelihood([request]))


def _judged(folder: Path) -> None:
    """Make a run whose answers cannot be read, and what a judge says of them."""
    mmbench_table.write(folder.with_name("mmbench.tsv"), mmbench_table.with_turns(mmbench_table.questions()))
    data = str(folder.with_name("mmbench.tsv"))
    run = evaluating.evaluate("constant:perhaps", "mmbench", data=data, out=folder / "run")
    for name in ("says", "likelihoods"):
        (folder / f"{name}.json").write_text(json.dumps(says("B").body))
    server = _server()
    server.behave = lambda body, n: says("B")
    evaluation.score(run, judge=server.url, judge_model="tiny")
    assert (run.folder / "judge.jsonl").exists()


def _judge(folder: Path, rng: random.Random) -> None:
    server = _serving(folder, rng)
    with _quick():
        evaluation.score(open_run(folder / "run"), judge=server.url, judge_model="tiny")


class Odd(Constant):
    """Sometimes returns a damaged response, as a user's adapter may."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__("yes", "odd")
        self._rng = rng

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for response in super().generate(requests, generation):
            values: dict[str, Any] = vars(response).copy()
            if self._rng.random() < 0.3:
                values[self._rng.choice([*values])] = self._rng.choice(ODD)
            for _ in range(self._rng.choice((0, 1, 1, 1, 1, 2))):
                yield Response(**values)


def _own(folder: Path) -> None:
    make_release(folder.with_name(f"{folder.name}-data"), pictures=1)
    (folder / "a").write_text("nothing to damage")


def _ask_own(folder: Path, rng: random.Random) -> None:
    out = folder.with_name(f"{folder.name}-run")
    shutil.rmtree(out, ignore_errors=True)
    data = str(folder.with_name(f"{folder.name}-data"))
    run = evaluating.evaluate("constant", "mme", data=data, out=out, load=lambda *_: Odd(rng))
    evaluation.score(open_run(run.folder))  # what was kept can be read


TARGETS: Mapping[str, Target] = {
    "checkpoint": Target(_checkpoint, _answer),
    "chat checkpoint": Target(_chat, _answer),
    "server": Target(_replies, _ask_server, good=False),
    "judge": Target(_judged, _judge, good=False),
    "own adapter": Target(_own, _ask_own, good=False),
}
