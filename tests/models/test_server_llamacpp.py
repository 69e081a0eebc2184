"""The adapter `server` with what llama.cpp's server replied to it (2026.10): its lists, likelihoods and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mmeval.models import load_model
from mmeval.models.conformance import check
from mmeval.models.server_sampling import ALL_TOKENS
from mmeval.servers import client
from mmeval.types import Generation, InputError, Request
from tests.models.fake_server import Reply, Server, serving, streams
from tests.models.test_server import ask, compare, opened

pytestmark = pytest.mark.usefixtures("quick")
USAGE = {"completion_tokens": 1, "prompt_tokens": 24, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 0}}
LOWEST = -3.4028234663852886e38
TEXT_ONLY = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
LOADING = Reply({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}, 503)


def models(owner: str = "llamacpp") -> Reply:
    entry = {"id": "tiny", "aliases": ["tiny"], "tags": [], "object": "model", "created": 1, "owned_by": owner}
    return Reply({"models": [{"name": "tiny", "capabilities": ["completion"]}], "object": "list", "data": [entry]})


def completes(*texts: str, finish: str = "length", top: dict[str, float] | None = None) -> Reply:
    choices: list[dict[str, Any]] = [
        {"finish_reason": finish, "index": index, "message": {"role": "assistant", "content": text}}
        for index, text in enumerate(texts)
    ]
    if top is not None:
        tokens = [
            {"id": id, "token": token, "bytes": list(token.encode()), "logprob": value}
            for id, (token, value) in enumerate(top.items())
        ]
        choices[0]["logprobs"] = {"content": [{**tokens[0], "top_logprobs": tokens}]}
    facts = {"created": 1, "model": "tiny", "system_fingerprint": "b0-unknown", "object": "chat.completion"}
    return Reply({"choices": choices, **facts, "usage": USAGE, "timings": {"cache_n": 0, "prompt_n": 24}})


def error(status: int, message: str, kind: str = "invalid_request_error") -> Reply:
    return Reply({"error": {"code": status, "message": message, "type": kind}}, status)


def text_only(body: dict[str, Any], n: int) -> Reply:
    """Refuse pictures, as a server without a vision model does."""
    pictures = any(isinstance(message["content"], list) for message in body["messages"])
    return error(500, TEXT_ONLY, "server_error") if pictures else completes(" b")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(lambda body, n: completes(" b")) as started:
        started.models = models()
        started.other["/props"] = Reply({"build_info": "b8681-0fcb376", "modalities": {"vision": True}})
        yield started


def test_an_answer_its_tokens_and_the_version(server: Server) -> None:
    model = opened(server.model)
    (answer,) = model.generate([Request("0", ("?",))], Generation(1))
    assert (answer.text, answer.finish_reason, answer.input_tokens, answer.output_tokens) == (" b", "length", 24, 1)
    assert model.session_facts["servers"] == ["llamacpp b8681-0fcb376"]
    server.behave = lambda body, n: completes("", finish="stop")  # its first token ends the answer
    (answer,) = model.generate([Request("0", ("?",))], Generation(1))
    assert (answer.text, answer.finish_reason, answer.error) == ("", "stop", None)


def test_a_picture_to_a_text_model_is_an_error_of_its_question(server: Server) -> None:
    server.behave = text_only
    responses = ask(server.model, 12, concurrency=1)
    assert {response.error for response in responses} == {f"the server refuses the request: {TEXT_ONLY} (status 500)"}
    assert len(server.asked) == 12  # none is asked again: it would be refused again


def test_a_text_model_keeps_the_contract_and_sees_nothing(server: Server) -> None:
    server.behave = text_only
    findings = {finding.duty: finding for finding in check(load_model(server.model))}
    assert [finding for finding in findings.values() if finding.level == "FAILED"] == []
    assert TEXT_ONLY in findings["each request gets one answer, a text or an error"].detail
    assert findings["pictures and their order matter"].level == "note"


def test_errors_of_a_stream_and_of_the_whole_answer_may_differ(server: Server) -> None:
    server.behave = lambda body, n: streams(None) if body.get("stream") else error(500, "overloaded")
    assert [finding.level for finding in check(load_model(server.model), ["a streamed answer is the answer"])] == [
        "passed"
    ]
    server.behave = lambda body, n: streams(None) if body.get("stream") else completes("yes")
    (finding,) = check(load_model(server.model), ["a streamed answer is the answer"])
    assert finding.level == "FAILED" and "streamed: 'error: no reply from" in finding.detail


def test_a_server_that_loads_its_model_is_waited_for(server: Server) -> None:
    server.behave = lambda body, n: LOADING if n < 8 else completes("yes")
    assert ask(server.model)[0].text == "yes" and len(server.asked) == 9


def test_a_server_that_never_ends_loading_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.05)
    server.behave = lambda body, n: LOADING
    assert "busy for longer than 0.05 seconds (status 503: Loading model)" in str(ask(server.model)[0].error)


def test_another_failure_of_a_server_is_still_tried_again(server: Server) -> None:
    failures = (error(500, "failed to process mtmd chunk", "server_error"), Reply({"error": "no upstream"}, 503))
    for failure in failures:
        server.asked.clear()
        server.behave = lambda body, n, failure=failure: failure if n < 2 else completes("yes")  # type: ignore[misc]
        assert ask(server.model)[0].text == "yes" and len(server.asked) == 3


def test_more_answers_than_it_has_slots_stop_the_run(server: Server) -> None:
    message = "Field 'n': Value must be between 1 <= value <= 2, but got 3"
    server.behave = lambda body, n: error(400, message)
    generation = Generation(4, temperature=0.5, samples=3)
    with pytest.raises(InputError, match=r"refuses 3 answers .* but got 3 .status 400.; lower --samples, .*parallel 3"):
        list(opened(server.model).generate([Request("0", ("?",))], generation))
    server.behave = lambda body, n: error(400, "request (24018 tokens) exceeds the available context size")
    (answer,) = opened(server.model).generate([Request("0", ("?",))], generation)
    assert "exceeds the available context size" in str(answer.error)
    server.behave = lambda body, n: completes(" b", "lef", "i")
    (answer,) = opened(server.model).generate([Request("0", ("?",))], generation)
    assert answer.samples == (" b", "lef", "i")


@pytest.mark.parametrize(("owner", "sent"), [*ALL_TOKENS.items(), ("openai", {})])
def test_it_samples_from_all_tokens(server: Server, owner: str, sent: dict[str, Any]) -> None:
    server.models = models(owner)

    def parameters(**settings: Any) -> dict[str, Any]:
        list(opened(server.model).generate([Request("0", ("?",))], Generation(4, **settings)))
        return {name: server.asked[-1].get(name) for name in ("top_k", "min_p") if name in server.asked[-1]}

    assert parameters() == {}
    assert parameters(temperature=1.0) == sent
    assert parameters(temperature=1.0, top_k=5) == {**sent, "top_k": 5}


def test_servers_of_different_kinds_get_what_all_of_them_know(server: Server) -> None:
    with serving() as second:
        model = opened(f"server:{server.url},{second.url}#tiny")
        list(model.generate([Request("0", ("?",))], Generation(4, temperature=1.0)))
        assert not any("min_p" in body for body in server.asked + second.asked)


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ({" A": -0.5, "": -0.9, "B": -1.5, " C": -2.0}, (-0.5, -1.5)),
        ({"A": 0.0, "s": LOWEST, "B": LOWEST}, (0.0, -1e6)),
        ({"A": 0.0, "s": LOWEST}, (0.0, -1e6)),
    ],
    ids=["likelihoods", "zero", "not-listed"],
)
def test_first_tokens_some_of_them_impossible(
    server: Server, top: dict[str, float], expected: tuple[float, float]
) -> None:
    server.behave = lambda body, n: completes("A", top=top)
    response = compare(server.model, ["A", "B"], first_token=True)
    assert response.error is None and response.loglikelihoods == pytest.approx(expected)


def test_an_impossible_letter_is_no_answer(server: Server) -> None:
    server.behave = lambda body, n: completes("s", top={"s": 0.0, "A": LOWEST, "B": LOWEST})
    assert "none of A, B is among" in str(compare(server.model, ["A", "B"], first_token=True).error)


def test_it_has_no_likelihoods_of_whole_candidates(server: Server) -> None:
    with pytest.raises(InputError, match=r"the server returns no likelihoods \(prompt_logprobs"):
        compare(server.model, ["yes", "no"])
