"""The judge: asked once, cached if its reply is parsed, asked again after a failure, never guessed for."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mmeval import files, jsonl
from mmeval.scoring import judge
from mmeval.scoring.judge import Judge
from mmeval.scoring.verdicts import Dialogue, Verdicts
from mmeval.servers import client
from mmeval.types import InputError, Record

Reply = Callable[[str], bytes | None]


class Server:
    """A local OpenAI-compatible server that sends `reply(prompt)` with `status`, or status 500 if that is None."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.reply: Reply = lambda prompt: says("B")
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body | {"path": self.path})
                reply = outer.reply(body["messages"][0]["content"])
                self.send_response(outer.status if reply is not None else 500)
                self.end_headers()
                self.wfile.write(reply or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def says(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run a judge that is asked without pauses."""
    monkeypatch.setattr(client, "PAUSE", 0.0)
    monkeypatch.delenv(judge.KEY, raising=False)
    fake = Server()
    yield fake
    fake.http.shutdown()
    fake.http.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as fake:
        yield fake


def records(count: int = 3) -> list[Record]:
    options = ("teddy bear", "rabbit")
    return [
        Record(str(n), ("B",), choices=options, tags={"question": f"What is in {n}"}, text=f"it hops {n}")
        for n in range(count)
    ]


def test_it_is_asked_the_official_prompt_once(server: Server, tmp_path: Path) -> None:
    model = Judge(server.url, "m", tmp_path / "judge.jsonl")
    assert judge.ask(model, records()).read == {"0": "B", "1": "B", "2": "B"}
    assert server.asked[0]["path"] == "/v1/chat/completions"
    prompts = sorted(body["messages"][0]["content"] for body in server.asked)
    assert prompts[0].endswith(
        "Question: What is in 0?\nOptions: There are several options: \nA. teddy bear\nB. rabbit\n\n"
        "Answer: it hops 0\nYour output: "
    )
    assert judge.ask(model, records()).read == {"0": "B", "1": "B", "2": "B"}
    assert len(server.asked) == 3
    judge.ask(Judge(server.url, "another", model.cache), records(1))
    assert len(server.asked) == 4  # another judge is asked anew


def test_the_official_prompts_byte_for_byte() -> None:
    record = Record("1", ("A",), choices=("{a} cat", "a dog"), tags={"question": "What is it?"}, text="a pet {}")
    assert judge.prompt(record) == (
        "You are an AI assistant who will help me to match an answer with several options of a single-choice "
        "question. You are provided with a question, several options, and an answer, and you need to find which "
        "option is most similar to the answer. If the meaning of all options are significantly different from the "
        "answer, output Z. Your should output a single uppercase character in A, B, C, D (if they are valid options), "
        "and Z. \nExample 1: \nQuestion: What is the main object in image?\nOptions: A. teddy bear B. rabbit C. cat "
        "D. dog\nAnswer: a cute teddy bear\nYour output: A\nExample 2: \nQuestion: What is the main object in image?\n"
        "Options: A. teddy bear B. rabbit C. cat D. dog\nAnswer: Spider\nYour output: Z\nExample 3: \n"
        "Question: What is it??\nOptions: There are several options: \nA. {a} cat\nB. a dog\n\n"
        "Answer: a pet {}\nYour output: "
    )
    record = Record("1", ("A",), choices=("猫", "狗"), tags={"question": "图中是什么"}, text="喵")
    assert judge.prompt(record) == (
        "你是一个帮助我匹配答案与单选题中多个选项的 AI 助手。你会被提供：一个问题，多个选项，一个答案。"
        "你的任务是找到与答案意义最相近的选项。如果所有选项的意义都与答案显著不同，则输出 Z。"
        "你应该输出一个单个的大写字母，例如 A, B, C, D（如果它们是有效选项），或 Z。例 1:"
        "问题: 图中最主要的物体是什么?\n选项: A. 泰迪熊 B. 兔子 C. 猫 D. 狗\n答案: 一只可爱的泰迪熊\n输出: A\n例 2: \n"
        "问题: 图中最主要的物体是什么?\n选项: A. 泰迪熊 B. 兔子 C. 猫 D. 狗\n答案: 蜘蛛\n输出: Z\n例 3: \n"
        "问题: 图中是什么?\n选项: There are several options: \nA. 猫\nB. 狗\n\n答案: 喵\n输出: "
    )


def test_it_is_asked_from_a_notebook_whose_loop_runs(server: Server, tmp_path: Path) -> None:
    async def cell() -> Verdicts:
        return judge.ask(Judge(server.url, "m", tmp_path / "judge.jsonl"), records(1))

    assert asyncio.run(cell()).read == {"0": "B"}


def test_two_records_with_the_same_answer_are_one_question(server: Server, tmp_path: Path) -> None:
    record = records(1)[0]
    pair = [record, Record("again", record.targets, choices=record.choices, tags=record.tags, text=record.text)]
    assert judge.ask(Judge(server.url, "m", tmp_path / "j"), pair).read == {"0": "B", "again": "B"}
    assert len(server.asked) == 1


@pytest.mark.parametrize("reply", [None, b"<html>busy</html>", b'{"error": "no"}', b'{"choices": []}', b"[" * 99_999])
def test_a_failed_judge_is_counted_and_asked_again(server: Server, tmp_path: Path, reply: bytes | None) -> None:
    model = Judge(server.url, "m", tmp_path / "judge.jsonl")
    server.reply = lambda prompt: reply
    messages: list[str] = []
    result = judge.ask(model, records(), messages.append)
    assert (result.read, result.failed) == ({}, {"0", "1", "2"})
    assert "gave no letter for 3 of 3 answers" in messages[-1]
    assert result.official(records()[0]) is None and result.strict(records()[0]) is None
    server.reply = lambda prompt: says("A")
    assert judge.ask(model, records()).read == {"0": "A", "1": "A", "2": "A"}


@pytest.mark.slow
def test_nonsense_is_not_kept_and_only_official_draws_for_it(server: Server, tmp_path: Path) -> None:
    server.reply = lambda prompt: says("as a large language model I like all options")
    result = judge.ask(Judge(server.url, "m", tmp_path / "judge.jsonl"), records(20))
    assert len(result.unreadable) == 20
    assert (tmp_path / "judge.jsonl").read_bytes() == b""
    letters = [result.official(record) for record in records(20)]
    assert set(letters) == {"A", "B", "Z"}
    assert letters == [result.official(record) for record in records(20)]  # the same ones each time
    assert {result.strict(record) for record in records(20)} == {None}
    assert "drew a letter for 100.0% of all answers" in result.remark(20)


GRADING = Dialogue(
    prompt=lambda record, replies: None if replies else "correct or incorrect?",
    usable=lambda record, replies: bool(replies[-1].strip()),
    max_tokens=7,
)
"""As HallusionBench's, whose script looks for a word anywhere in the reply."""


@pytest.mark.parametrize("thought", ["Is it incorrect? No.", ""])
def test_a_judges_reasoning_is_not_its_verdict(thought: str, server: Server, tmp_path: Path) -> None:
    server.reply = lambda prompt: says(f"<think>\n{thought}\n</think>\n\ncorrect")
    model = Judge(server.url, "m", tmp_path / "judge.jsonl")
    assert judge.ask(model, records(1), dialogue=GRADING).replies == {"0": ["correct"]}
    assert judge.ask(model, records(1), dialogue=GRADING).replies == {"0": ["correct"]}  # from the file
    assert len(server.asked) == 1


def test_a_judge_that_thinks_until_it_is_cut_gives_no_verdict(server: Server, tmp_path: Path) -> None:
    choice = {"message": {"content": "<think>It could be correct, but"}, "finish_reason": "length"}
    server.reply = lambda prompt: json.dumps({"choices": [choice]}).encode()
    verdicts = judge.ask(Judge(server.url, "m", tmp_path / "judge.jsonl"), records(1), dialogue=GRADING)
    assert verdicts.failed == {"0"}
    assert "it still thought after 7 tokens; use one that does not think" in verdicts.why


def test_a_judge_that_is_down_is_not_asked_about_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.0)
    start = time.monotonic()
    result = judge.ask(Judge("http://127.0.0.1:9/v1", "m", tmp_path / "j"), records(500))
    assert len(result.failed) == 500
    assert time.monotonic() - start < 20


def test_many_questions_do_not_all_wait_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks: list[int] = []

    async def post(*_: object) -> tuple[dict[str, Any], float]:
        await asyncio.sleep(0)
        tasks.append(len(asyncio.all_tasks()))
        return json.loads(says("B")), 0.0

    monkeypatch.setattr(client.Client, "post", post)
    result = judge.ask(Judge("http://127.0.0.1:1/v1", "m", tmp_path / "judge.jsonl"), records(200))
    assert len(result.read) == len(tasks) == 200
    assert max(tasks) < 20  # 8 and the loop's own; each reply wakes every waiting task


def test_a_full_disk_is_the_error_of_the_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, line: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(jsonl, "appending", lambda path: contextlib.nullcontext(Full()))
    with pytest.raises(OSError, match="No space left"):
        judge.ask(Judge(server.url, "m", tmp_path / "judge.jsonl"), records())


def test_a_slow_judge_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    def slow(prompt: str) -> bytes:
        threading.Event().wait(1.0)
        return says("B")

    server.reply = slow
    result = judge.ask(Judge(server.url, "m", tmp_path / "j", timeout=0.05), records(1))
    assert result.failed == {"0"}
    assert "no whole reply within 0.05 seconds" in result.why
    assert len(server.asked) == 1  # and not asked again at once


def test_a_judge_that_never_comes_to_an_end_is_left(tmp_path: Path) -> None:
    done = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked is gone
                while not done.wait(0.02):
                    self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{http.server_address[1]}/v1"
        result = judge.ask(Judge(url, "m", tmp_path / "j", timeout=0.3), records(1))
        assert result.failed == {"0"} and "no whole reply within 0.3 seconds" in result.why
    finally:
        done.set()
        http.shutdown()
        http.server_close()


def test_nor_one_whose_headers_never_come_to_an_end(tmp_path: Path) -> None:
    done = threading.Event()

    def drip(server: socket.socket) -> None:
        asker, _ = server.accept()
        asker.sendall(b"HTTP/1.1 200 OK\r\nX-Wait: ")
        with contextlib.suppress(OSError):  # whoever asked is gone
            while not done.wait(0.02):
                asker.sendall(b".")
        asker.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
            result = judge.ask(Judge(url, "m", tmp_path / "j", timeout=0.3), records(1))
        finally:
            done.set()
            thread.join()
    assert result.failed == {"0"} and "no whole reply within 0.3 seconds" in result.why


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "set the key in MMEVAL_JUDGE_KEY"), (404, "check the address, which ends in /v1 for most servers")],
)
def test_a_judge_that_would_refuse_every_request_is_not_asked_them_all(
    status: int, advice: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(judge.LIMITS, "concurrency", 2)
    server.status = status
    server.reply = lambda prompt: b'{"error": {"message": "no"}}'
    result = judge.ask(Judge(server.url, "m", tmp_path / "j"), records(40))
    assert len(result.failed) == 40 and len(server.asked) <= 2
    assert result.why.startswith(f"no (status {status}); {advice}")


def test_a_judge_that_refuses_one_request_is_asked_the_others(server: Server, tmp_path: Path) -> None:
    server.status = 400
    server.reply = lambda prompt: b'{"error": {"message": "too long"}}'
    result = judge.ask(Judge(server.url, "m", tmp_path / "j"), records(3))
    assert len(result.failed) == 3 == len(server.asked) and result.why == "too long (status 400)"


def test_a_judge_that_refuses_temperature_0_is_not_asked_the_others(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(judge.LIMITS, "concurrency", 2)
    server.status = 400
    server.reply = lambda prompt: b'{"error": {"message": "Unsupported value: \'temperature\' does not support 0"}}'
    result = judge.ask(Judge(server.url, "m", tmp_path / "j"), records(40))
    assert len(result.failed) == 40 and len(server.asked) <= 2
    assert result.why.endswith("judges are asked at temperature 0, so choose one that takes it")


def test_another_model_is_no_judge(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(judge.LIMITS, "concurrency", 2)
    server.reply = lambda prompt: json.dumps({"model": "small", **json.loads(says("A"))}).encode()
    result = judge.ask(Judge(server.url, "large", tmp_path / "j"), records(40))
    assert len(result.failed) == 40 and len(server.asked) <= 2
    assert result.why == "it answers with the model 'small'; give --judge-model one that it has"
    assert judge.ask(Judge(server.url, "small", tmp_path / "j"), records(1)).read


def test_a_reply_without_end_is_no_reply(server: Server, tmp_path: Path) -> None:
    server.reply = lambda prompt: b" " * (judge.LIMITS["longest"] + 9)
    result = judge.ask(Judge(server.url, "m", tmp_path / "j"), records(1))
    assert result.failed == {"0"} and "more than 1,048,576 bytes" in result.why


def test_the_key_goes_nowhere_else(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(judge.KEY, "secret")
    keys: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            keys.append(str(self.headers["Authorization"]))
            self.send_response(302)
            self.send_header("Location", f"{server.url}/chat/completions")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    result = judge.ask(Judge(url, "m", tmp_path / "j"), records(1))
    http.shutdown()
    http.server_close()
    assert result.failed == {"0"} and "302" in result.why
    assert set(keys) == {"Bearer secret"} and server.asked == []


def test_neither_key_nor_password_is_ever_shown(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(judge.KEY, "sk-secret")
    messages: list[str] = []
    server.reply = lambda prompt: says("wrong key: sk-secret")
    url = server.url.replace("//", "//me:hidden@")
    result = judge.ask(Judge(url, "m", tmp_path / "j"), records(1), messages.append)
    server.reply = lambda prompt: None
    judge.ask(Judge(url, "m", tmp_path / "j"), records(1), messages.append)
    assert "***" in result.why and len(messages) == 4
    assert not [line for line in [*messages, result.why] if "secret" in line or "hidden" in line]
    monkeypatch.setenv(judge.KEY, "sk-\nsecret")
    with pytest.raises(InputError, match="MMEVAL_JUDGE_KEY holds blanks or other characters") as raised:
        judge.ask(Judge(url, "m", tmp_path / "j"), records(1))
    assert "secret" not in str(raised.value)


def test_a_line_that_a_kill_tore_is_asked_again(server: Server, tmp_path: Path) -> None:
    model = Judge(server.url, "m", tmp_path / "judge.jsonl")
    judge.ask(model, records())
    content = model.cache.read_bytes()
    model.cache.write_bytes(content[:-5])
    assert len(judge.ask(model, records()).read) == 3
    assert len(server.asked) == 4
    assert sorted(model.cache.read_bytes().splitlines()) == sorted(content.splitlines())


def test_verdicts_survive_their_file() -> None:
    chosen = Verdicts("m", {"1": "A"}, {"2"}, {"3"})
    graded = Verdicts("m", {}, set(), set(), replies={"1": ["14", "1"]})
    for verdicts in (chosen, graded):
        assert files.validated(Verdicts, verdicts.to_json(), "scores.json", "score again", strict=True) == verdicts


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8000/v1", ""])
def test_only_web_addresses_are_asked(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not an http"):
        judge.ask(Judge(url, "m", tmp_path / "j"), records())
