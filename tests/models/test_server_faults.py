"""The adapter `server` beside servers that hang, are always busy, or send wrong numbers; short keys; long errors."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.evaluation.sweep import evaluate_all
from mmeval.models import server_pictures
from mmeval.models.server_pictures import Sent
from mmeval.servers import client
from mmeval.spec import RunSpec
from mmeval.types import Generation, Image, InputError, Request
from tests.evaluating import Collected
from tests.models.fake_server import Reply, Server, says, serving
from tests.models.test_server import ask, compare, opened

pytestmark = pytest.mark.usefixtures("quick")


def slowly(body: dict[str, Any], n: int) -> Reply:
    time.sleep(0.02)
    return says("yes")


def test_a_server_that_hangs_costs_no_answer_beside_another(server: Server) -> None:
    server.behave = slowly
    with serving(lambda body, n: Reply(manner="hang")) as hanging:
        responses = ask(f"server:{hanging.url},{server.url}#tiny", 60, concurrency=4, timeout=0.3)
    assert {response.text for response in responses} == {"yes"}
    assert len(hanging.asked) < 20  # and it gets fewer and fewer


def test_a_server_that_asks_to_wait_no_time_is_not_asked_without_a_pause(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.05)
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.4)
    server.behave = lambda body, n: Reply(status=429, headers={"Retry-After": "0"})
    assert "busy for longer than 0.4 seconds" in str(ask(server.model)[0].error)
    assert len(server.asked) < 8


@pytest.mark.parametrize("key", ["EMPTY", "token", "a", "message"])
def test_a_short_key_changes_no_answer(server: Server, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("MMEVAL_API_KEY", key)
    server.behave = lambda body, n: says("EMPTY, a token") if n == 0 else Reply({"error": f"wrong key: {key}"}, 400)
    (response,) = ask(server.model)
    assert (response.text, response.input_tokens) == ("EMPTY, a token", 7)
    assert f": {key} " not in str(ask(server.model)[0].error)


@pytest.mark.parametrize("blanks", [270, 290, 4000])
def test_half_a_key_at_the_end_of_a_long_error_is_not_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch, blanks: int
) -> None:
    monkeypatch.setenv("MMEVAL_API_KEY", "sk-secret-and-long")
    server.behave = lambda body, n: Reply(b"x" * (blanks - 4) + b"key sk-secret-and-long", 400)
    assert "sk-" not in str(ask(server.model)[0].error)


INFINITE, HUGE = float("inf"), 10**400


@pytest.mark.parametrize("wrong", [INFINITE, -INFINITE, float("nan"), 1e308, HUGE, 5.0])
def test_a_likelihood_that_cannot_be_is_an_error_of_its_question(server: Server, wrong: float) -> None:
    def behave(body: dict[str, Any], n: int) -> Reply:
        top = [{"token": "A", "logprob": wrong}, {"token": "B", "logprob": -1}]
        prompt_logprobs = [None, {"1": {"logprob": -1}}, {"2": {"logprob": wrong}}]
        choice = {"message": {"content": "A"}, "logprobs": {"content": [{"top_logprobs": top}]}}
        return Reply({"choices": [choice], "prompt_logprobs": prompt_logprobs})

    server.behave = behave
    for options in ({}, {"first_token": True}):
        assert "the server returned an invalid log-probability" in str(
            compare(server.model, ["A", "B"], **options).error
        )


def test_a_likelihood_that_is_no_number_stops_the_run(server: Server) -> None:
    server.behave = lambda body, n: Reply({"choices": [{}], "prompt_logprobs": [None, {"1": {"logprob": "-1"}}]})
    with pytest.raises(InputError, match="returns no likelihoods"):
        compare(server.model, ["A", "B"])


def test_each_of_many_pictures_is_encoded_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    encode = server_pictures.encode

    def counting(image: Image) -> Sent:
        encoded.append(image.name)
        return encode(image)

    monkeypatch.setattr(server_pictures, "encode", counting)
    count = server_pictures.KEPT + 4
    pictures = [Image(PILImage.new("RGB", (3, 2), (n, 0, 0)), str(n)) for n in range(count)]
    assert len(list(opened(server.model).generate([Request("0", (*pictures, "?"))], Generation(4)))) == 1
    assert len(encoded) == count


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no affinity")
def test_pictures_are_encoded_on_the_cores_of_this_process_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    pulled = 0

    def requests() -> Iterator[Request]:
        nonlocal pulled
        for pulled in range(1, 101):
            yield Request(str(pulled), ("Yes?",))

    server.behave = slowly
    answers = opened(server.model, concurrency=1).generate(requests(), Generation(4))
    next(answers)
    assert pulled < 4
    answers.close()  # type: ignore[attr-defined]


def test_runs_that_share_a_model_note_their_own_requests(server: Server, tmp_path: Path) -> None:
    specs = [RunSpec(task, server.model, limit=4) for task in ("mme", "pope")]
    runs = evaluate_all(specs, out=tmp_path / "runs", display=Collected())
    assert [run.sessions[-1].others["requests"] for run in runs] == [4, 4]
