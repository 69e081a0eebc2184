"""A judge: a language model on an OpenAI-compatible server that is asked about answers.

It is asked which option an unparsed answer means, or what the official script of a benchmark asks about every answer.

Readable replies are cached on disk by content, so no question is paid for twice. Failures are counted but not stored;
the next run asks again. A failure never becomes a letter.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval import jsonl
from mmeval.reasoning import split, tagged
from mmeval.scoring.facts import needed
from mmeval.scoring.readings.choices import texts
from mmeval.scoring.readings.strict.letter import strict
from mmeval.scoring.verdicts import WHOSE, Dialogue, Verdicts
from mmeval.servers.addresses import check_address, without_password
from mmeval.servers.client import Client, NoReply, Refused, key, names_parameter
from mmeval.servers.replies import other_model
from mmeval.types import InputError, Record, plural

if TYPE_CHECKING:
    import jsonlines

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


MATCHING = Dialogue(
    prompt=lambda record, replies: None if replies else prompt(record),
    usable=lambda record, replies: strict(replies[-1], record.choices) is not None,
    final=True,
)
"""Which option does the answer mean?"""


def ask(
    judge: Judge,
    records: Sequence[Record],
    say: Callable[[str], None] = lambda line: None,
    dialogue: Dialogue = MATCHING,
) -> Verdicts:
    """Ask about each record whose replies are not in the cache. Raises InputError for an invalid URL.

    The verdicts are final unless `Verdicts.failed` names records. Those got no reply; the next call asks again.
    """
    from anyio.from_thread import start_blocking_portal

    check_address(judge.url, WHOSE)
    client = Client([judge.url], key(KEY), **LIMITS, timeout=judge.timeout)
    address = without_password(judge.url)
    with needed(records):
        dialogue = dialogue.among(records) if dialogue.among else dialogue
    session = _Session(judge, dialogue, _cached(judge.cache), Verdicts.none_yet(judge.model))
    verdicts, open_questions = session.verdicts, session.settle(records)
    if open_questions:
        count = sum(map(len, open_questions.values()))
        what = plural(count, "unparsed answer" if dialogue is MATCHING else "answer")
        say(f"asking {judge.model} at {address} about {what}")
        with start_blocking_portal() as portal:  # its own event loop: a notebook's main thread already runs one
            portal.call(session.ask_all, client, open_questions)
    if lost := len(verdicts.failed) + len(verdicts.unreadable):
        what, effect = "letter", "strict counts them as unparsed"
        if dialogue is not MATCHING:
            what = "usable reply"
            effect = (
                "the official numbers are withheld" if verdicts.failed else "these count as wrong, as in the script"
            )
        say(
            f"the judge at {address} gave no {what} for {lost} of {plural(len(records), 'answer')} ({verdicts.why}); "
            f"{effect}; repeat the command to ask again"
        )
    return verdicts


@dataclass
class _Session:
    """A dialogue with a judge about several records: replies by key, and what came of them."""

    judge: Judge
    dialogue: Dialogue
    replies: dict[str, str]
    verdicts: Verdicts
    refused: str = ""
    """Why the server would refuse every request, once it has refused one for such a reason."""

    def settle(self, records: Iterable[Record]) -> dict[str, list[Record]]:
        """Note the verdicts on records with all replies. Return the next prompts, each with its records."""
        prompts: dict[str, list[Record]] = {}
        for record in records:
            replies, question = self.open(record)
            if question is not None:
                prompts.setdefault(question, []).append(record)
            elif self.dialogue is MATCHING:
                self.verdicts.read[record.id] = str(strict(replies[-1], record.choices))
            elif replies:
                self.verdicts.replies[record.id] = replies
        return prompts

    def open(self, record: Record) -> tuple[list[str], str | None]:
        """Return the usable replies, and the first prompt that has none yet."""
        replies: list[str] = []
        with needed([record]):
            while (question := self.dialogue.prompt(record, replies)) is not None:
                reply = self.replies.get(self.key(question))
                if reply is None or not self.dialogue.usable(record, [*replies, reply]):
                    return replies, question
                replies.append(reply)
        return replies, None

    def key(self, prompt: str) -> str:
        return hashlib.sha256(f"{self.judge.model}\n{prompt}".encode("utf-8", "backslashreplace")).hexdigest()

    async def ask_all(self, client: Client, questions: Mapping[str, Sequence[Record]]) -> None:
        """Ask the prompts, then those that follow from the replies. Equal prompts are asked once."""
        with jsonl.appending(self.judge.cache) as lines:
            try:
                async with client:
                    while questions:
                        replied = await self.ask_once(client, questions, lines)
                        questions = self.settle(replied)
            except ExceptionGroup as errors:  # a full disk
                raise errors.exceptions[0] from errors

    async def ask_once(
        self, client: Client, questions: Mapping[str, Sequence[Record]], lines: "jsonlines.Writer"
    ) -> list[Record]:
        """Ask each prompt, and return the records of those with a usable reply."""
        waiting, replied = iter(questions.items()), list[Record]()

        async def ask_in_turn() -> None:
            for question, rows in waiting:
                reply, problem = (None, self.refused) if self.refused else await self.post(client, rows[0], question)
                if problem:
                    self.verdicts.why = problem
                    again = reply is None or not self.dialogue.final
                    (self.verdicts.failed if again else self.verdicts.unreadable).update(row.id for row in rows)
                    continue
                lines.write({"key": self.key(question), "model": self.judge.model, "reply": reply})
                self.replies[self.key(question)] = str(reply)
                replied.extend(rows)

        async with asyncio.TaskGroup() as group:
            for _ in range(LIMITS["concurrency"]):  # a task per question would be woken by every reply
                group.create_task(ask_in_turn())
        return replied

    async def post(self, client: Client, record: Record, question: str) -> tuple[str | None, str]:
        """Return the last reply to a prompt, and the problem if it cannot be used."""
        reply, problem, earlier = None, "", self.open(record)[0]
        body: dict[str, Any] = {"model": self.judge.model, "messages": [{"role": "user", "content": question}]}
        body |= {"temperature": 0, "max_tokens": self.dialogue.max_tokens}
        for _ in range(TRIES):
            try:
                answer, _seconds = await client.post("/chat/completions", body)
                if other := other_model(self.judge.model, answer):
                    name = client.secrets.hide(other)[:80]  # cut last: half a key would not be recognized
                    self.refused = f"it answers with the model '{name}'; give --judge-model one that it has"
                    return reply, self.refused
                choice = answer["choices"][0]
                reply = _without_reasoning(str(choice["message"]["content"] or ""))
            except NoReply as error:
                return reply, str(error)
            except Refused as error:
                if not error.of_request:
                    self.refused = f"{error}{_advice(error.status)}"
                elif names_parameter(error, "temperature"):
                    self.refused = f"{error}; judges are asked at temperature 0, so choose one that takes it"
                return reply, self.refused or str(error)
            except (KeyError, IndexError, TypeError):
                problem = f"no choices[0].message.content in {str(answer)[:80]}"
                continue
            if self.dialogue.usable(record, [*earlier, reply]):
                return reply, ""
            problem = f"its reply to {record.id} was {reply[:60]!r}"
            if not reply and choice.get("finish_reason") == "length":
                problem += (
                    f", for it still thought after {self.dialogue.max_tokens} tokens; use one that does not think"
                )
        return reply, problem


def _advice(status: int) -> str:
    """Return what to do about a refusal of every request."""
    if status in (401, 403):
        return f"; {'check' if os.environ.get(KEY) else 'set'} the key in {KEY}"
    return "" if status < 400 else "; check the address, which ends in /v1 for most servers, and --judge-model"


def _cached(path: Path) -> dict[str, str]:
    """Return the replies by key, without a truncated last line."""
    replies: dict[str, str] = {}
    for entry, where in jsonl.read(path, advice="delete the line", whole_lines=True) if path.exists() else ():
        if not {"key", "reply"} <= entry.keys():
            raise InputError(f"{where}: not a judge's reply; delete the line")
        replies[str(entry["key"])] = _without_reasoning(str(entry["reply"]))
    return replies


def _without_reasoning(reply: str) -> str:
    """Return a reply as it is, or without the reasoning that a server did not parse; scripts look for words in it."""
    return split(reply)[1] if tagged(reply) else reply
