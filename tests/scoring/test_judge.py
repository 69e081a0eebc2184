"""The judge: asked once, cached when it can be read, asked again when it failed, never guessed for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mmeval.scoring import judge
from mmeval.scoring.judge import Judge, Verdicts
from mmeval.types import InputError, Record

Reply = Callable[[str], bytes | None]


class Server:
    """An OpenAI-compatible server on this machine that replies as it is told; None: status 500."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.reply: Reply = lambda prompt: says("B")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body | {"path": self.path})
                found = outer.reply(body["messages"][0]["content"])
                self.send_response(200 if found is not None else 500)
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def says(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.delenv(judge.KEY, raising=False)
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def records(count: int = 3) -> list[Record]:
    options = ("teddy bear", "rabbit")
    return [
        Record(str(n), ("B",), choices=options, tags={"question": f"What is in {n}"}, text=f"it hops {n}")
        for n in range(count)
    ]


def test_it_is_asked_the_official_prompt_once(server: Server, tmp_path: Path) -> None:
    asked = Judge(server.url, "m", tmp_path / "judge.jsonl")
    assert judge.ask(asked, records()).read == {"0": "B", "1": "B", "2": "B"}
    assert server.asked[0]["path"] == "/v1/chat/completions"
    prompts = sorted(body["messages"][0]["content"] for body in server.asked)
    assert prompts[0].endswith(
        "Question: What is in 0?\nOptions: There are several options: \nA. teddy bear\nB. rabbit\n\n"
        "Answer: it hops 0\nYour output: "
    )
    assert judge.ask(asked, records()).read == {"0": "B", "1": "B", "2": "B"}
    assert len(server.asked) == 3
    judge.ask(Judge(server.url, "another", asked.cache), records(1))
    assert len(server.asked) == 4  # another judge's word is its own


def test_a_chinese_question_gets_the_chinese_prompt() -> None:
    record = Record("1", ("A",), choices=("猫", "狗"), tags={"question": "图中是什么"}, text="喵")
    assert judge.prompt(record).startswith("你是一个帮助我匹配答案与单选题中多个选项的 AI 助手。")


def test_two_records_with_the_same_answer_are_one_question(server: Server, tmp_path: Path) -> None:
    one = records(1)[0]
    twice = [one, Record("again", one.targets, choices=one.choices, tags=one.tags, text=one.text)]
    assert judge.ask(Judge(server.url, "m", tmp_path / "j"), twice).read == {"0": "B", "again": "B"}
    assert len(server.asked) == 1


@pytest.mark.parametrize("reply", [None, b"<html>busy</html>", b'{"error": "no"}', b'{"choices": []}'])
def test_a_failed_judge_is_counted_and_asked_again(server: Server, tmp_path: Path, reply: bytes | None) -> None:
    asked = Judge(server.url, "m", tmp_path / "judge.jsonl")
    server.reply = lambda prompt: reply
    said: list[str] = []
    found = judge.ask(asked, records(), said.append)
    assert (found.read, found.failed) == ({}, {"0", "1", "2"})
    assert "gave no letter for 3 of 3 answers" in said[0]
    assert found.official(records()[0]) is None and found.strict(records()[0]) is None
    server.reply = lambda prompt: says("A")
    assert judge.ask(asked, records()).read == {"0": "A", "1": "A", "2": "A"}


def test_nonsense_is_not_kept_and_only_official_draws_for_it(server: Server, tmp_path: Path) -> None:
    server.reply = lambda prompt: says("as a large language model I like all options")
    found = judge.ask(Judge(server.url, "m", tmp_path / "judge.jsonl"), records(20))
    assert len(found.unreadable) == 20
    assert (tmp_path / "judge.jsonl").read_bytes() == b""
    drawn = [found.official(record) for record in records(20)]
    assert set(drawn) == {"A", "B", "Z"}
    assert drawn == [found.official(record) for record in records(20)]  # the same ones each time
    assert {found.strict(record) for record in records(20)} == {None}
    assert "100.0% of all" in found.remark(20)


def test_a_judge_that_is_down_is_not_asked_about_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    start = time.monotonic()
    found = judge.ask(Judge("http://127.0.0.1:9/v1", "m", tmp_path / "j"), records(500))
    assert len(found.failed) == 500
    assert time.monotonic() - start < 20


def test_a_slow_judge_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    def slow(prompt: str) -> bytes:
        threading.Event().wait(1.0)
        return says("B")

    server.reply = slow
    found = judge.ask(Judge(server.url, "m", tmp_path / "j", timeout=0.05), records(1))
    assert found.failed == {"0"}
    assert "timed out" in found.why


def test_a_line_that_a_kill_tore_is_asked_again(server: Server, tmp_path: Path) -> None:
    asked = Judge(server.url, "m", tmp_path / "judge.jsonl")
    judge.ask(asked, records())
    whole = asked.cache.read_bytes()
    asked.cache.write_bytes(whole[:-5])
    assert len(judge.ask(asked, records()).read) == 3
    assert len(server.asked) == 4
    assert sorted(asked.cache.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_verdicts_survive_their_file() -> None:
    found = Verdicts("m", {"1": "A"}, {"2"}, {"3"})
    assert judge.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert judge.from_json(None) is None


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8000/v1", ""])
def test_only_web_addresses_are_asked(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no http"):
        judge.ask(Judge(url, "m", tmp_path / "j"), records())
