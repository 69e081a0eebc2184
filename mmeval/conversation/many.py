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
"""Questions in one stream of requests; its answers are held until all before them are there."""
FIX = "fix the adapter (docs/adapters.md)"
KEYS = ("id", "prompt", "shots", "choices")
"""The keys of a question."""
AS_ASKED = ""
"""The name of the answer without a control."""


@dataclass
class AskedLine:
    """A line of a file, and its answers so far."""

    value: Mapping[str, Any]
    where: str
    found: dict[str, Reply | InputError | None] = field(default_factory=dict)
    """A control or AS_ASKED -> the answer, an error, or None while there is neither."""

    @property
    def done(self) -> bool:
        """Tell whether all its answers are there."""
        return bool(self.found) and None not in self.found.values()

    def row(self, explain: bool) -> dict[str, Any]:
        """Return the answer, with its prompt and cost to `explain` it, and the answers under the controls."""
        row = {"id": self.value["id"]} if "id" in self.value else {}
        (_, answer), *others = self.found.items()
        if not isinstance(answer, Reply):
            return row | {"error": f"{self.where}: {answer}"}
        row |= _said(answer)
        if explain:
            said = answer.response
            row |= {"prompt": said.sent, "input_tokens": said.input_tokens, "output_tokens": said.output_tokens}
            row |= {"seconds": round(said.seconds, 3)}
        changed = {name: _said(other) for name, other in others}
        return row | ({"controls": changed} if changed else {})


def answers(
    chat: Chat, rows: Iterable[tuple[Mapping[str, Any], str]], folder: Path, *, explain: bool, controls: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield a row per question, each a conversation of its own. `rows` are objects and their places in the file.

    The files that they name are in the folder. A question that cannot be answered gets an `error`.
    """
    places = iter(rows)
    while window := [AskedLine(value, where) for value, where in itertools.islice(places, WINDOW)]:
        waiting = deque(window)
        for choosing in (False, True):
            own = [one for one in window if bool(one.value.get("choices")) == choosing]
            for _ in _asked(chat, own, choosing, folder, controls) if own else ():
                while waiting and waiting[0].done:
                    yield waiting.popleft().row(explain)
        yield from (question.row(explain) for question in waiting)


def _asked(
    chat: Chat, questions: Sequence[AskedLine], choosing: bool, folder: Path, controls: Sequence[str]
) -> Iterator[None]:
    """Ask questions that all have choices (`choosing`), or all have none; yield after each answer."""
    underway: dict[str, tuple[AskedLine, str, Request]] = {}

    def requests() -> Iterator[Request]:
        for number, question in enumerate(questions):
            for name, request in _requests(chat, question, folder, controls):
                asked = replace(request, id=f"{number} {name}")
                underway[asked.id] = question, name, asked
                yield asked

    try:
        for response in chat.respond(requests(), choosing=choosing):
            if response.id not in underway:
                raise InputError(f"{chat.model.name} answers '{response.id:.60}', which was not asked; {FIX}")
            question, name, request = underway.pop(response.id)
            try:
                question.found[name] = Reply.of(request, response)
            except InputError as error:
                question.found[name] = error
            yield
    except InputError as error:  # the model as a whole: a server that does not reply
        reason = error
    else:
        reason = InputError(f"{chat.model.name} gives no answer; {FIX}")
    for question in questions:
        found = question.found or {AS_ASKED: None}
        question.found = {name: reason if one is None else one for name, one in found.items()}


def _requests(chat: Chat, question: AskedLine, folder: Path, controls: Sequence[str]) -> Iterator[tuple[str, Request]]:
    """Yield a question's requests, as asked and under each control, and note the errors of the others."""
    try:
        asked = _request(chat, question.value, folder)
    except InputError as error:
        question.found[AS_ASKED] = error
        return
    question.found = dict.fromkeys((AS_ASKED, *controls))
    yield AS_ASKED, asked
    for control in controls:
        try:
            yield control, chat.changed(asked, control)
        except InputError as error:
            question.found[control] = error


def _request(chat: Chat, value: Mapping[str, Any], folder: Path) -> Request:
    """Return the request of a line. Raises InputError."""
    for key in value:
        if key not in KEYS:
            raise InputError(f"unknown key '{key:.60}'{nearest(key, KEYS)}; choose from {', '.join(KEYS)}")
    choices = value.get("choices", [])
    if not isinstance(choices, list) or not all(isinstance(one, str) and one.strip() for one in choices):
        raise InputError('choices: write ["yes", "no"]')
    parts, shots = messages.from_json(value, folder)
    shown = [chat.demonstration(*prompt, answer=answer) for prompt, answer in shots]
    return replace(chat, shots=shown, history=[]).request(*parts, choices=choices)


def _said(answer: Reply | InputError | None) -> dict[str, Any]:
    if not isinstance(answer, Reply):
        return {"error": str(answer)}
    return {"answer": answer.text} | ({"probabilities": {**answer.probabilities}} if answer.probabilities else {})
