"""Reads true or false out of an answer: true counts as yes, false as no, so that `yesno` does the rest."""

from __future__ import annotations

import re

from mmeval.scoring.readings import yesno
from mmeval.scoring.readings.yesno import YesNo

_SAID: dict[str, YesNo] = {"true": "yes", "false": "no"}
_TRUE = re.compile(r"\btrue\b", re.IGNORECASE)
_FALSE = re.compile(r"\bfalse\b", re.IGNORECASE)
_ANSWER = re.compile(r"\banswer(?: to the question)? is:? (true|false)\b(?! or\b)", re.IGNORECASE)
_STATEMENT = re.compile(r"\b(?:statement|sentence|claim|caption|description)\b", re.IGNORECASE)


def official(text: str) -> YesNo | None:
    """What NLVR2's `metrics.py` takes: the word itself, in any case, and nothing beside it."""
    return _SAID.get(text.strip().lower())


def strict(text: str) -> YesNo | None:
    """What the whole answer says in so many words: "The statement is true.", and "False, there are two".

    Whatever leads up to "the answer (to the question) is", what comes after counts, unless it is said both ways.
    """
    marked = {_SAID[match[1].lower()] for match in _ANSWER.finditer(text)}
    if marked:
        return marked.pop() if len(marked) == 1 else None
    said = _FALSE.sub("no", _TRUE.sub("yes", text))
    return yesno.strict(_STATEMENT.sub("answer", said))
