"""A judge: a language model on an OpenAI-compatible server, asked which option an unparsed answer means.

Readable replies are cached on disk by content, so no question is paid for twice. Failures are counted but not stored;
the next run asks again. A failure never becomes a letter.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval import jsonl
from mmeval.scoring.readings.choices import texts
from mmeval.scoring.readings.strict import strict
from mmeval.scoring.verdicts import WHOSE, Verdicts
from mmeval.servers.addresses import check_address, without_password
from mmeval.servers.client import Client, NoReply, Refused, key
from mmeval.types import InputError, Record, plural

KEY = "MMEVAL_JUDGE_KEY"
"""The environment variable with the server's key, if it needs one."""
TRIES = 3
"""How often to ask if a reply is not a letter."""
LIMITS: dict[str, Any] = {"concurrency": 8, "tries": 3, "timeouts": 1, "longest": 1 << 20}
"""Limits of the client. They are short, because the next command asks again where a reply is missing."""

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
"""MMBench's matching prompts, verbatim (VLMEvalKit, multiple_choice.py). This one is for Chinese questions."""


@dataclass(frozen=True)
class Judge:
    """A server, its model, and the cache of replies."""

    url: str
    """The base URL up to `/v1`, as usual for OpenAI-compatible servers."""
    model: str
    cache: Path
    """A .jsonl file that replies are appended to, one per line."""
    timeout: float = 60.0
    """Maximum seconds per reply."""


def prompt(record: Record) -> str:
    """Return the prompt for the judge."""
    question = record.tags.get("question", record.question)
    options = "There are several options: \n" + "".join(f"{label}. {text}\n" for label, text in texts(record.choices))
    template = _CHINESE if re.search("[\u4e00-\u9fff]", question) else _ENGLISH
    return template.format(question, options, record.text)


def ask(judge: Judge, records: Sequence[Record], say: Callable[[str], None] = lambda line: None) -> Verdicts:
    """Ask about each record that is not in the cache. Raises InputError for an invalid URL.

    The verdicts are final unless `Verdicts.failed` names records. Those got no reply; the next call asks again.
    """
    from anyio.from_thread import start_blocking_portal

    check_address(judge.url, WHOSE)
    client = Client([judge.url], key(KEY), **LIMITS, timeout=judge.timeout)
    place = without_password(judge.url)
    verdicts = Verdicts(judge.model)
    cached = _cached(judge.cache)
    open_questions: dict[str, list[Record]] = {}
    for record in records:
        own = hashlib.sha256(f"{judge.model}\n{prompt(record)}".encode("utf-8", "backslashreplace")).hexdigest()
        letter = strict(cached[own], record.choices) if own in cached else None
        if letter is not None:
            verdicts.read[record.id] = letter
        else:
            open_questions.setdefault(own, []).append(record)
    if open_questions:
        say(f"asking {judge.model} at {place} about {plural(len(open_questions), 'unparsed answer')}")
        with start_blocking_portal() as portal:  # its own event loop: a notebook's main thread already runs one
            portal.call(_ask_all, judge, client, open_questions, verdicts)
    if lost := len(verdicts.failed) + len(verdicts.unreadable):
        say(
            f"the judge at {place} gave no letter for {lost} of {plural(len(records), 'answer')} ({verdicts.why}); "
            "strict counts them as unparsed; repeat the command to ask again"
        )
    return verdicts


async def _ask_all(judge: Judge, client: Client, questions: Mapping[str, Sequence[Record]], verdicts: Verdicts) -> None:
    async def ask_one(key: str, rows: Sequence[Record]) -> None:
        ids = [row.id for row in rows]
        reply, letter, problem = await _letter(client, judge, rows[0])
        if letter is not None:
            lines.write({"key": key, "model": judge.model, "reply": reply})
            verdicts.read |= dict.fromkeys(ids, letter)
        else:
            verdicts.why = problem
            (verdicts.failed if reply is None else verdicts.unreadable).update(ids)

    waiting = iter(questions.items())

    async def ask_in_turn() -> None:
        for question, rows in waiting:
            await ask_one(question, rows)

    with jsonl.appending(judge.cache) as lines:
        try:
            async with client, asyncio.TaskGroup() as group:
                for _ in range(LIMITS["concurrency"]):  # a task per question would be woken by every reply
                    group.create_task(ask_in_turn())
        except ExceptionGroup as errors:  # a full disk
            raise errors.exceptions[0] from errors


async def _letter(client: Client, judge: Judge, record: Record) -> tuple[str | None, str | None, str]:
    """Return the last reply, its letter, and the problem if there is no letter."""
    reply, problem = None, ""
    messages = [{"role": "user", "content": prompt(record)}]
    asked = {"model": judge.model, "messages": messages, "temperature": 0, "max_tokens": 64}
    for _ in range(TRIES):
        try:
            answer, _seconds = await client.post("/chat/completions", asked)
            reply = str(answer["choices"][0]["message"]["content"] or "")
        except (NoReply, Refused) as error:
            return reply, None, str(error)
        except (KeyError, IndexError, TypeError):
            problem = f"no choices[0].message.content in {str(answer)[:80]}"
            continue
        if letter := strict(reply, record.choices):
            return reply, letter, ""
        problem = f"its reply to {record.id} was {reply[:60]!r}"
    return reply, None, problem


def _cached(path: Path) -> dict[str, str]:
    """Return the replies by key, without a truncated last line."""
    found: dict[str, str] = {}
    for entry, where in jsonl.read(path, advice="delete the line", whole_lines=True) if path.exists() else ():
        if not {"key", "reply"} <= entry.keys():
            raise InputError(f"{where}: not a judge's reply; delete the line")
        found[str(entry["key"])] = str(entry["reply"])
    return found
