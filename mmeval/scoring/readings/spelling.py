"""Correct misspelled words of a declaration ("teh anwser is B"), and nothing else."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

_MEANT = ("answer", "correct", "option", "choice", "because")
_LIKE = 0.8
"""Minimum similarity of a misspelling: "anser" and "answer" have 0.91, "caption" and "option" 0.77."""
_WORDS, _CHARACTERS = 12, 400
"""Words examined, from the start, and maximum length of an answer that is corrected."""
_WORD = re.compile(r"[^\W\d_]{5,9}")


def corrected(answer: str, choices: Sequence[str]) -> str:
    """Return a short answer with these words corrected at its start, unless an option has such a word."""
    if len(answer) > _CHARACTERS:
        return answer
    options, left = " ".join(choices).lower(), iter(range(_WORDS))

    def meant(match: re.Match[str]) -> str:
        word = match[0].lower()
        if next(left, None) is None or word in options:
            return match[0]
        return _nearest(word) or match[0]

    return _WORD.sub(meant, answer)


@lru_cache(maxsize=1 << 14)  # comparing is slow, and models use the same words
def _nearest(word: str) -> str | None:
    """Return the word that is misspelled, if it is one of these."""
    near = (one for one in _MEANT if one not in word and SequenceMatcher(None, one, word).ratio() >= _LIKE)
    return next(near, None)
