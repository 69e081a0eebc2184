"""Streamed replies of servers: equal to whole ones, cut anywhere, damaged, broken off, refused."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.models import ModelOptions, load_model
from mmeval.models.conformance import check
from mmeval.models.server import Server as Model
from mmeval.types import Generation, InputError, Request, Response
from tests.models.fake_server import DONE, EVENTS, USAGE, Part, Reply, Server, event, says, streams

START = event(role="assistant", content="")
STOP = event(finish="stop")
pytestmark = pytest.mark.usefixtures("quick")


def stream(server: Server, *parts: Part, **options: Any) -> tuple[Response, list[str]]:
    """Stream these parts and return the response and its pieces."""
    if parts:
        server.behave = lambda body, n: streams(*parts)
    model = load_model(server.model, ModelOptions(**{"context": "template", "timeout": 10.0, **options}))
    assert isinstance(model, Model)
    pieces: list[str] = []
    return model.stream(Request("0", ("?",)), Generation(4), pieces.append), pieces


def test_a_streamed_reply_equals_the_whole_one(server: Server) -> None:
    def behave(body: dict[str, Any], n: int) -> Reply:
        if not body.get("stream"):
            return says(None, message={"content": "It is red.", "reasoning_content": "Look."})
        thought = event(reasoning_content="Look."), event(None, reasoning_content="")
        return streams(
            START, *thought, event("It"), event(content=[{"text": " is red"}]), event("."), STOP, USAGE, DONE
        )

    server.behave = behave
    streamed, pieces = stream(server)
    model = load_model(server.model)
    (generated,) = model.generate([Request("0", ("?",))], Generation(4))
    facts = ("text", "reasoning", "finish_reason", "input_tokens", "output_tokens", "sent", "error")
    assert [getattr(streamed, name) for name in facts] == [getattr(generated, name) for name in facts]
    assert (streamed.text, pieces) == ("It is red.", ["It", " is red", "."])
    assert server.asked[0]["stream_options"] == {"include_usage": True}
    assert [finding for finding in check(model, ["a streamed answer is the answer"]) if finding.level != "passed"] == []


def test_pieces_arrive_as_they_are_written(server: Server) -> None:
    shown = threading.Event()
    parts = (event("one"), lambda: shown.wait(10), event(" two"), STOP, DONE)
    server.behave = lambda body, n: streams(*parts)
    model = load_model(server.model)
    assert isinstance(model, Model)
    pieces: list[str] = []

    def show(text: str) -> None:
        pieces.append(text)
        shown.set()

    began = time.monotonic()
    model.stream(Request("0", ("?",)), Generation(4), show)
    assert pieces == ["one", " two"]
    assert time.monotonic() - began < 5  # the second came once the first was shown


def test_events_may_be_cut_anywhere(server: Server) -> None:
    content = (
        b": a comment\r\n\r\nevent: x\n" + event("grün, ") + event("\u2028 猫") + STOP.replace(b"\n", b"\r\n") + DONE
    )
    content = content.replace(b"\\u00fc", "ü".encode())
    for size in (1, 7):
        response, pieces = stream(server, *(content[start : start + size] for start in range(0, len(content), size)))
        assert response.text == "".join(pieces) == "grün, \u2028 猫"


def test_characters_secrets_and_tags_that_are_cut_are_shown_whole_or_not_at_all(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = [event("ok").replace(b'"ok"', half) for half in (rb'"\ud83d"', rb'"\ude00 and"')]
    response, pieces = stream(server, *halves, STOP, DONE)
    assert response.text == "".join(pieces) == "😀 and"
    assert not any("\ud800" <= letter <= "\udfff" for letter in "".join(pieces))

    monkeypatch.setenv("MMEVAL_API_KEY", "sk-secret")
    response, pieces = stream(server, *map(event, ("key sk", "-sec", "ret, sk", "-other")), STOP, DONE)
    assert response.text == "".join(pieces) == "key ***, sk-other"
    assert not any("-sec" in piece for piece in pieces)

    thought = ("<th", "ink>Red", "?</thi", "nk>\n It is", " a <b")
    response, pieces = stream(server, *map(event, thought), STOP, DONE)
    assert (response.text, response.reasoning) == ("It is a <b", "Red?")
    assert "".join(pieces) == "It is a <b"

    response, pieces = stream(server, *map(event, ("Hm.", "</think>", "red", " one")), STOP, DONE)
    assert (response.text, "".join(pieces)) == ("red one", "Hm.\nred one")  # nothing marks it as reasoning


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ((None,), "RemoteProtocolError"),
        ((event("two")[:30], None), "RemoteProtocolError"),
        ((), "its reply ends before the answer does"),
        ((b"data: {\n\n",), "its reply is not JSON"),
        ((b"data: " + b"[" * 99_999 + b"\n\n",), "RecursionError"),
        ((b"data: [1]\n\n",), "its reply is not a JSON object"),
        ((b'data: {"choices": 1}\n\n',), "an event of its reply has no choices"),
        ((b'data: {"choices": [{"delta": {"content": 1}}]}\n\n',), "an event of its reply has no text"),
        ((b'data: {"choices": [1]}\n\n',), "an event of its reply has no text"),
        ((b'data: {"error": {"message": "out of memory"}}\n\n',), "its reply is an error: out of memory"),
    ],
    ids=["broken", "half", "ended", "json", "nested", "object", "choices", "text", "choice", "error"],
)
def test_what_breaks_off_is_an_error_after_what_was_shown(
    server: Server, events: tuple[bytes | None, ...], message: str
) -> None:
    response, pieces = stream(server, START, event("one"), *events)
    assert response.text is None and pieces == ["one"]
    assert str(response.error).startswith(f"the answer broke off; {server.url}: ") and message in str(response.error)
    assert len(server.asked) == 1  # not asked again: another answer would follow the first


def test_limits_of_time_and_size(server: Server) -> None:
    slowly: list[Part] = [b": wait\n\n", lambda: server.done.wait(0.02)] * 1000
    response, pieces = stream(server, event("one"), *slowly, timeout=0.3)
    assert pieces == ["one"] and "no whole reply within 0.3 seconds" in str(response.error)
    for parts in ([event("word " * 20)] * 40, [b"data: " + b"x" * 3000]):
        model = load_model(server.model)
        assert isinstance(model, Model)
        model._client._longest = 2000
        server.behave = lambda body, n, parts=parts: streams(event("one"), *parts)  # type: ignore[misc]
        error = str(model.stream(Request("0", ("?",)), Generation(4), str).error)
        assert "2,000 bytes" in error or "2000 byte limit" in error


def test_what_fails_before_the_first_chunk_is_asked_again(server: Server) -> None:
    busy, bad = Reply(status=429, headers={"Retry-After": "0.01"}), Reply(status=500)
    first = [busy, bad, streams(None), streams(b'data: {"error": "overloaded"}\n\n')]
    server.behave = lambda body, n: first[n] if n < len(first) else streams(event("yes"), STOP, DONE)
    response, pieces = stream(server)
    assert (response.text, pieces, len(server.asked)) == ("yes", ["yes"], 5)


def test_a_server_that_ignores_or_refuses_streams_answers_whole(server: Server) -> None:
    response, pieces = stream(server)  # says yes
    assert (response.text, pieces) == ("yes", ["yes"])

    def behave(body: dict[str, Any], n: int) -> Reply:
        for name in refused:
            if name in body:
                return Reply({"error": {"message": f"Unknown parameter: '{name}'"}}, 400)
        return streams(event("one"), STOP, DONE) if "stream" in body else says("whole")

    server.behave = behave
    for refused, text in ((["stream_options"], "one"), (["stream_options", "stream"], "whole")):
        server.asked.clear()
        model = load_model(server.model)
        assert isinstance(model, Model)
        for _ in range(2):
            assert model.stream(Request("0", ("?",)), Generation(4), str).text == text
        assert len(server.asked) == len(refused) + 2  # it remembers


def test_no_text_a_redirect_and_another_model(server: Server) -> None:
    assert "withholds the answer" in str(stream(server, event(finish="content_filter"), DONE)[0].error)
    assert "has no text" in str(stream(server, DONE)[0].error)
    assert stream(server, STOP, DONE)[0].text == ""
    with pytest.raises(InputError, match="answers with the model 'huge'"):
        stream(server, *(part.replace(b"tiny", b"huge") for part in (event("one"), STOP, DONE)))
    server.behave = lambda body, n: Reply(status=307, headers={**EVENTS, "Location": "http://example.org/"})
    with pytest.raises(InputError, match=r"redirects to example.org .status 307., which is not followed"):
        stream(server)


def test_ask_shows_the_beginning_of_an_answer_and_then_the_error(server: Server) -> None:
    def behave(body: dict[str, Any], n: int) -> Reply:
        conversation = json.dumps(body["messages"])
        if "break" in conversation:
            return streams(event("\x1b"), event("[2J one"), None)
        return streams(event("two"), event(" words"), STOP, USAGE, DONE)

    server.behave = behave
    result = CliRunner().invoke(main, ["ask", "--model", server.model, "break ?"])
    assert (result.exit_code, result.stdout) == (2, "\\x1b[2J one\n")
    assert result.stderr.startswith(f"mmeval: the answer broke off; {server.url}: ")
    chat = CliRunner().invoke(main, ["ask", "--model", server.model, "--chat"], input="break ?\nand ?\n")
    assert chat.stdout.splitlines() == ["\\x1b[2J one", "two words"]
    assert len(server.asked[-1]["messages"]) == 1  # a broken answer is not remembered
