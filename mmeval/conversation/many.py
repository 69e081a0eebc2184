"""Answer many questions, given as JSON objects, in batches. Each gets a row, in the order of the questions."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmeval.conversation import Chat, Reply, messages
from mmeval.types import InputError, Request, nearest

WINDOW = 512
"""Questions in one stream of requests; an answer waits until all earlier ones have arrived."""
FIX = "fix the adapter (docs/adapters.md)"
KEYS = ("id", "prompt", "shots", "choices")
"""The keys of a question."""
AS_ASKED = ""
"""The name of the answer without a control."""


@dataclass
class AskedLine:
    """A line of a file, and its answers so far."""

    value: Mapping[str, Any]
    location: str
    replies: dict[str, Reply | InputError | None] = field(default_factory=dict)
    """A control or AS_ASKED -> the answer, an error, or None until there is one."""

    @property
    def done(self) -> bool:
        """Tell whether all its answers have arrived."""
        return bool(self.replies) and None not in self.replies.values()

    def row(self, explain: bool) -> dict[str, Any]:
        """Return the answer, with its prompt and cost to `explain` it, and the answers under the controls."""
        row = {"id": self.value["id"]} if "id" in self.value else {}
        (_, answer), *changed_replies = self.replies.items()
        if not isinstance(answer, Reply):
            return row | {"error": f"{self.location}: {answer}"}
        row |= _outcome(answer)
        if explain:
            response = answer.response
            row |= {"prompt": response.sent, "input_tokens": response.input_tokens}
            row |= {"output_tokens": response.output_tokens, "seconds": round(response.seconds, 3)}
        changed = {name: _outcome(reply) for name, reply in changed_replies}
        return row | ({"controls": changed} if changed else {})


def answers(
    chat: Chat, rows: Iterable[tuple[Mapping[str, Any], str]], folder: Path, *, explain: bool, controls: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield a row per question, each a conversation of its own. `rows` are objects and their places in the file.

    The files that they name are in the folder. A question that cannot be answered gets an `error`.
    """
    remaining = iter(rows)
    while window := [AskedLine(value, location) for value, location in itertools.islice(remaining, WINDOW)]:
        waiting = deque(window)
        for choosing in (False, True):
            questions = [question for question in window if bool(question.value.get("choices")) == choosing]
            for _ in _ask(chat, questions, choosing, folder, controls) if questions else ():
                while waiting and waiting[0].done:
                    yield waiting.popleft().row(explain)
        yield from (question.row(explain) for question in waiting)


def _ask(
    chat: Chat, questions: Sequence[AskedLine], choosing: bool, folder: Path, controls: Sequence[str]
) -> Iterator[None]:
    """Ask questions that all have choices (`choosing`), or all have none; yield after each answer."""
    underway: dict[str, tuple[AskedLine, str, Request]] = {}

    def requests() -> Iterator[Request]:
        for number, question in enumerate(questions):
            for name, request in _requests(chat, question, folder, controls):
                numbered = replace(request, id=f"{number} {name}")
                underway[numbered.id] = question, name, numbered
                yield numbered

    try:
        for response in chat.respond(requests(), choosing=choosing):
            if response.id not in underway:
                raise InputError(f"{chat.model.name} answers '{response.id:.60}', which was not asked; {FIX}")
            question, name, request = underway.pop(response.id)
            try:
                question.replies[name] = Reply.of(request, response)
            except InputError as error:
                question.replies[name] = error
            yield
    except InputError as error:  # the model as a whole: a server that does not reply
        reason = error
    else:
        reason = InputError(f"{chat.model.name} gives no answer; {FIX}")
    for question in questions:
        replies = question.replies or {AS_ASKED: None}
        question.replies = {name: reason if reply is None else reply for name, reply in replies.items()}


def _requests(chat: Chat, question: AskedLine, folder: Path, controls: Sequence[str]) -> Iterator[tuple[str, Request]]:
    """Yield a question's requests, as asked and under each control, and note the errors of the others."""
    try:
        request = _request(chat, question.value, folder)
    except InputError as error:
        question.replies[AS_ASKED] = error
        return
    question.replies = dict.fromkeys((AS_ASKED, *controls))
    yield AS_ASKED, request
    for control in controls:
        try:
            yield control, chat.changed(request, control)
        except InputError as error:
            question.replies[control] = error


def _request(chat: Chat, value: Mapping[str, Any], folder: Path) -> Request:
    """Return the request of a line. Raises InputError."""
    for key in value:
        if key not in KEYS:
            raise InputError(f"unknown key '{key:.60}'{nearest(key, KEYS)}; choose from {', '.join(KEYS)}")
    choices = value.get("choices", [])
    if not isinstance(choices, list) or not all(isinstance(choice, str) and choice.strip() for choice in choices):
        raise InputError('choices: write ["yes", "no"]')
    parts, shots = messages.from_json(value, folder)
    demonstrations = [chat.demonstration(*prompt, answer=answer) for prompt, answer in shots]
    return replace(chat, shots=demonstrations, history=[]).request(*parts, choices=choices)


def _outcome(answer: Reply | InputError | None) -> dict[str, Any]:
    if not isinstance(answer, Reply):
        return {"error": str(answer)}
    return {"answer": answer.text} | ({"probabilities": {**answer.probabilities}} if answer.probabilities else {})
