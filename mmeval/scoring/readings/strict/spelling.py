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
    options, remaining = " ".join(choices).lower(), iter(range(_WORDS))

    def correct(match: re.Match[str]) -> str:
        word = match[0].lower()
        if next(remaining, None) is None or word in options:
            return match[0]
        return _nearest(word) or match[0]

    return _WORD.sub(correct, answer)


@lru_cache(maxsize=1 << 14)  # comparing is slow, and models use the same words
def _nearest(word: str) -> str | None:
    """Return the word that is misspelled, if it is one of these."""
    matches = (meant for meant in _MEANT if meant not in word and SequenceMatcher(None, meant, word).ratio() >= _LIKE)
    return next(matches, None)
