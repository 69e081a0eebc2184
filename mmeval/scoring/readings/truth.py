"""Read true or false out of an answer: true counts as yes, false as no, so that `yesno` does the rest."""

from __future__ import annotations

import re

from mmeval.scoring.readings import yesno
from mmeval.scoring.readings.yesno import YesNo

_TRUTH: dict[str, YesNo] = {"true": "yes", "false": "no"}
_TRUE = re.compile(r"\btrue\b", re.IGNORECASE)
_FALSE = re.compile(r"\bfalse\b", re.IGNORECASE)
_ANSWER = re.compile(r"\banswer(?: to the question)? is:? (true|false)\b(?! or\b)", re.IGNORECASE)
_STATEMENT = re.compile(r"\b(?:statement|sentence|claim|caption|description)\b", re.IGNORECASE)


def official(text: str) -> YesNo | None:
    """Read as NLVR2's `metrics.py`: the word itself, in any case, and nothing beside it."""
    return _TRUTH.get(text.strip().lower())


def strict(text: str) -> YesNo | None:
    """Read what the whole answer says in so many words: "The statement is true.", and "False, there are two".

    What comes after "the answer (to the question) is" counts, whatever is before, unless both words come after it.
    """
    marked = {_TRUTH[match[1].lower()] for match in _ANSWER.finditer(text)}
    if marked:
        return marked.pop() if len(marked) == 1 else None
    as_yes_or_no = _FALSE.sub("no", _TRUE.sub("yes", text))
    return yesno.strict(_STATEMENT.sub("answer", as_yes_or_no))
