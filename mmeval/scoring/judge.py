"""A judge: a language model on an OpenAI-compatible server, asked which option an unreadable answer means.

Replies that can be read are cached by content on disk, so that no question is paid for twice. A judge that fails is
counted and asked again the next time: no failure is stored, and none becomes a letter.
"""

import hashlib
import http.client
import io
import json
import os
import random
import re
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmeval import jsonl
from mmeval.scoring.readings.choices import NONE_OF_THEM, texts
from mmeval.scoring.readings.strict import strict
from mmeval.types import InputError, Record

KEY = "MMEVAL_JUDGE_KEY"
"""The environment variable with the server's key, if it needs one."""
TRIES, AT_ONCE = 3, 8
LONGEST = 1 << 20
"""Bytes of a reply at most."""
HOPELESS = 5
"""Questions in a row that got no reply at all; then the judge is down, and the rest are not asked."""

_ENGLISH = (
    "You are an AI assistant who will help me to match an answer with several options of a single-choice question. "
    "You are provided with a question, several options, and an answer, and you need to find which option is most "
    "similar to the answer. If the meaning of all options are significantly different from the answer, output Z. "
    "Your should output a single uppercase character in A, B, C, D (if they are valid options), and Z. \n"
    "Example 1: \nQuestion: What is the main object in image?\nOptions: A. teddy bear B. rabbit C. cat D. dog\n"
    "Answer: a cute teddy bear\nYour output: A\n"
    "Example 2: \nQuestion: What is the main object in image?\nOptions: A. teddy bear B. rabbit C. cat D. dog\n"
    "Answer: Spider\nYour output: Z\nExample 3: \nQuestion: {}?\nOptions: {}\nAnswer: {}\nYour output: "
)
_CHINESE = (
    "你是一个帮助我匹配答案与单选题中多个选项的 AI 助手。"
    "你会被提供：一个问题，多个选项，一个答案。你的任务是找到与答案意义最相近的选项。"
    "如果所有选项的意义都与答案显著不同，则输出 Z。"
    "你应该输出一个单个的大写字母，例如 A, B, C, D（如果它们是有效选项），或 Z。"
    "例 1:问题: 图中最主要的物体是什么?\n选项: A. 泰迪熊 B. 兔子 C. 猫 D. 狗\n答案: 一只可爱的泰迪熊\n输出: A\n"
    "例 2: \n问题: 图中最主要的物体是什么?\n选项: A. 泰迪熊 B. 兔子 C. 猫 D. 狗\n答案: 蜘蛛\n输出: Z\n"
    "例 3: \n问题: {}?\n选项: {}\n答案: {}\n输出: "
)
"""MMBench's matching prompts, word for word (VLMEvalKit, multiple_choice.py), this one for a Chinese question."""


@dataclass(frozen=True)
class Judge:
    """A server, its model, and where replies are kept."""

    url: str
    """Up to `/v1`, as OpenAI-compatible servers are usually given."""
    model: str
    cache: Path
    """A .jsonl file that replies are appended to, one a line."""
    timeout: float = 60.0
    """Seconds that a reply may take."""


@dataclass
class Verdicts:
    """What the judge replied about each record, by the record's id."""

    model: str = ""
    read: dict[str, str] = field(default_factory=dict)
    """A letter, or Z."""
    unreadable: set[str] = field(default_factory=set)
    """It replied, and the reply is not a letter."""
    failed: set[str] = field(default_factory=set)
    """It did not reply: the judge has to be asked again, and the scores are not final."""
    why: str = ""
    """What went wrong last."""

    def strict(self, record: Record) -> str | None:
        """Return the judge's letter, if its reply was one."""
        return self.read.get(record.id)

    def official(self, record: Record) -> str | None:
        """Return the judge's letter; where its reply is not one, draw a letter or Z, as the benchmark's script does.

        That script draws in the file's order from the seed 2680; here each record has its own draw from that seed,
        so that a score does not depend on an order.
        """
        if record.id not in self.unreadable:
            return self.read.get(record.id)
        letters = [label for label, _ in texts(record.choices)]
        return random.Random(f"2680 {record.id}").choice([*letters, NONE_OF_THEM])

    def to_json(self) -> dict[str, Any]:
        """Return what `scores.json` keeps of the verdicts, enough to read the answers in the same way again."""
        failed, unreadable = sorted(self.failed), sorted(self.unreadable)
        return {"model": self.model, "read": self.read, "unreadable": unreadable, "failed": failed}

    def remark(self, answers: int) -> str:
        """Return how many answers were asked about and how many verdicts there are, for under a table."""
        read, failed, unreadable = len(self.read), len(self.failed), len(self.unreadable)
        return (
            f"The judge {self.model} was asked about {read + failed + unreadable} of {answers} answers: {read} read, "
            f"{failed} without a reply, {unreadable} with a reply that is not a letter. The official scorer drew a "
            f"letter for {100 * unreadable / max(answers, 1):.1f}% of all answers."
        )


def from_json(value: Mapping[str, Any] | None) -> Verdicts | None:
    """Return the verdicts that a `scores.json` kept, if a judge was asked."""
    if value is None:
        return None
    return Verdicts(value["model"], dict(value["read"]), set(value["unreadable"]), set(value["failed"]))


def prompt(record: Record) -> str:
    """Return the question to the judge."""
    question = record.tags.get("question", record.question)
    options = "There are several options: \n" + "".join(f"{label}. {text}\n" for label, text in texts(record.choices))
    template = _CHINESE if re.search("[\u4e00-\u9fff]", question) else _ENGLISH
    return template.format(question, options, record.text)


def check_address(url: str) -> None:
    """Raise InputError for what is not the address of a web server."""
    try:
        parts = urllib.parse.urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", url)
        sound = sound and (parts.port is None or parts.port > 0)
    except ValueError:  # a port or a bracket that is not one
        sound = False
    if not sound:
        raise InputError(f"the judge's address '{url}' is not an http:// or https:// address; give one up to /v1")


def ask(judge: Judge, records: Sequence[Record], say: Callable[[str], None] = lambda line: None) -> Verdicts:
    """Ask about each record that the cache does not know. Raises InputError for what is not a URL.

    The verdicts are final unless `Verdicts.failed` names records: those got no reply, and are asked again next time.
    """
    check_address(judge.url)
    verdicts = Verdicts(judge.model)
    cached = _cached(judge.cache)
    open_questions: dict[str, list[Record]] = {}
    for record in records:
        key = hashlib.sha256(f"{judge.model}\n{prompt(record)}".encode("utf-8", "backslashreplace")).hexdigest()
        letter = strict(cached[key], record.choices) if key in cached else None
        if letter is not None:
            verdicts.read[record.id] = letter
        else:
            open_questions.setdefault(key, []).append(record)
    if open_questions:
        say(f"asking {judge.model} at {judge.url} about {len(open_questions)} answers that no scorer can read")
        _ask_all(judge, open_questions, verdicts)
    if lost := len(verdicts.failed) + len(verdicts.unreadable):
        say(
            f"the judge at {judge.url} gave no letter for {lost} of {len(records)} answers ({verdicts.why}); "
            "strict counts them as unparsed, and the same command asks again for these"
        )
    return verdicts


def _ask_all(judge: Judge, questions: Mapping[str, Sequence[Record]], verdicts: Verdicts) -> None:
    in_a_row = 0
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        with jsonl.appending(judge.cache) as lines:
            waiting = {pool.submit(_letter, judge, rows[0]): key for key, rows in questions.items()}
            for future in as_completed(waiting):
                key, ids = waiting[future], [row.id for row in questions[waiting[future]]]
                if future.cancelled():
                    verdicts.failed.update(ids)
                    continue
                reply, letter, problem = future.result()
                if letter is not None:
                    lines.write({"key": key, "model": judge.model, "reply": reply})
                    verdicts.read |= dict.fromkeys(ids, letter)
                else:
                    verdicts.why = problem
                    (verdicts.failed if reply is None else verdicts.unreadable).update(ids)
                in_a_row = in_a_row + 1 if reply is None else 0
                if in_a_row == HOPELESS:
                    for other in waiting:  # a pool that shuts down would not say which it dropped
                        other.cancel()
    finally:
        pool.shutdown(cancel_futures=True)  # whoever presses Ctrl-C does not wait for thousands of questions


def _letter(judge: Judge, record: Record) -> tuple[str | None, str | None, str]:
    """Return the last reply, the letter in it, and what is wrong where there is none."""
    reply, problem = None, ""
    for attempt in range(TRIES):
        try:
            reply = _reply(judge, prompt(record))
        except TimeoutError as error:  # asking again would double the wait: the next command does
            return reply, None, f"{error} within {judge.timeout:g} seconds"
        except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
            problem = f"{type(error).__name__}: {error}"
            if attempt + 1 < TRIES:
                time.sleep(0.2 * 4**attempt)
            continue
        if letter := strict(reply, record.choices):
            return reply, letter, ""
        problem = f"its reply to {record.id} was {reply[:60]!r}"
    return reply, None, problem


def _reply(judge: Judge, question: str) -> str:
    """Return a reply. Raises OSError where the server is not reached, ValueError where it does not answer like one."""
    messages = [{"role": "user", "content": question}]
    asked = {"model": judge.model, "messages": messages, "temperature": 0, "max_tokens": 64}
    headers = {"Content-Type": "application/json"}
    if os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {os.environ[KEY]}"
    url = f"{judge.url.rstrip('/')}/chat/completions"
    request = urllib.request.Request(url, json.dumps(asked).encode(), headers)
    with OPENER.open(request, timeout=judge.timeout) as response:
        body = response.read(LONGEST + 1)
    if len(body) > LONGEST:
        raise ValueError(f"its reply has more than {LONGEST:,} bytes")
    answer = json.loads(body)
    try:
        return str(answer["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"no choices[0].message.content in {str(answer)[:80]}") from error


def _cached(path: Path) -> dict[str, str]:
    """Return the replies by key, without a last line that a kill cut short."""
    found: dict[str, str] = {}
    for entry, where in jsonl.read(path, advice="delete the line", whole_lines=True) if path.exists() else ():
        if not {"key", "reply"} <= entry.keys():
            raise InputError(f"{where}: not a judge's reply; delete the line")
        found[str(entry["key"])] = str(entry["reply"])
    return found


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
