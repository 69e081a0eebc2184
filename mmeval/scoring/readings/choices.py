"""Multiple choice for any task: letters, lists of options, scorers by text or by likelihood.

`scripts.letters`, `scripts.public` (versions of public tools) and `strict.letter` read a letter from a text.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

from mmeval.scoring.readings.likelihood import likeliest
from mmeval.types import InputError, Parts, Record, Score

LETTERS = string.ascii_uppercase
"""The first option is always A: each rotation of a question is its own sample."""
NONE_OF_THEM = "Z"
"""A reader's result for an answer that declines to choose, and the reply of MMBench's judge."""

Reader = Callable[[str, Sequence[str]], str | None]
"""Reads a letter, NONE_OF_THEM, or None (nothing found) from an answer, given the options' texts."""


def letter(index: int) -> str:
    """Return the letter of the option at that index, from 0. Raises InputError beyond Z."""
    if index >= len(LETTERS):
        raise InputError(f"option {index + 1} has no letter: there are {len(LETTERS)} letters; leave some options out")
    return LETTERS[index]


def listed(choices: Sequence[Parts], form: str = "{}. ", end: str = "\n") -> Parts:
    """Return the options in a row, each after its letter. An option may hold pictures."""
    return merged([part for index, choice in enumerate(choices) for part in (form.format(letter(index)), choice, end)])


def merged(parts: Sequence[str | Parts]) -> Parts:
    """Return texts and parts in a row, with adjacent texts joined."""
    flat = (part for item in parts for part in ((item,) if isinstance(item, str) else item))
    runs = groupby(flat, key=lambda part: isinstance(part, str))
    return tuple(part for is_text, run in runs for part in (["".join(map(str, run))] if is_text else run))


def scorer(read: Reader) -> Callable[[Record], Score]:
    """Return the scorer that reads answers with `read`."""

    def score(record: Record) -> Score:
        if record.text is None:
            return unanswered(record)
        return graded(record, read_once(read, record.text, offered(record)) or None)

    return score


def judged(primary: Callable[[Record], Score], fallback: Callable[[Record], str | None]) -> Callable[[Record], Score]:
    """Return the scorer that asks `fallback` for a letter if `primary` finds none in an answer."""

    def score(record: Record) -> Score:
        result = primary(record)
        letter = fallback(record) if record.text is not None and result.answer is None else None
        return graded(record, letter) if letter else result

    return score


def offered(record: Record) -> tuple[str, ...]:
    """Return the options' texts. If the record has only letters, take the texts that its question lists.

    "A: nan, B: Two" has no first option. An option that the question does not list has an empty text.
    """
    if record.choices != tuple(LETTERS[: len(record.choices)]):
        return record.choices
    heads = [re.compile(rf"(?<![^\s,;(]){label}[.:)]\s*") for label in record.choices]
    for first in reversed(list(heads[0].finditer(record.question)) if heads else []):
        matches = [first]
        for head in heads[1:]:
            if (match := head.search(record.question, matches[-1].end())) is None:
                break
            matches.append(match)
        if len(matches) > 1:
            ends = [*(match.start() for match in matches[1:]), len(record.question)]
            listed = [record.question[match.end() : end] for match, end in zip(matches, ends, strict=True)]
            texts = [text.strip().partition("\n")[0].strip(" \t,;(") for text in listed]
            texts = ["" if text.lower() == "nan" else text for text in texts]
            return (*texts, *[""] * (len(record.choices) - len(texts)))
    return record.choices


@lru_cache(maxsize=1 << 16)
def read_once(read: Reader, text: str, choices: tuple[str, ...]) -> str | None:
    """Read each answer once, although the scores, the table and the page all use it."""
    return read(text, choices)


def by_sum(record: Record) -> Score:
    """Score the option with the largest log-likelihood. A tie is unparsed."""
    if record.loglikelihoods is None:
        return unanswered(record)
    best = likeliest(record.loglikelihoods)
    return graded(record, None if best is None else letter(best))


def by_byte(record: Record) -> Score:
    """Score the option with the largest log-likelihood per UTF-8 byte of its text, stripped as for the model."""
    if record.loglikelihoods is None:
        return unanswered(record)
    sizes = [max(len(text.strip().encode("utf-8", "backslashreplace")), 1) for text in record.choices]
    means = tuple(value / size for value, size in zip(record.loglikelihoods, sizes, strict=True))
    return by_sum(replace(record, loglikelihoods=means))


LIKELIHOOD_SCORERS = {"likelihood": by_byte, "likelihood-sum": by_sum, "first-token": by_sum}
"""Ways to choose without generating text. Per byte is lm-evaluation-harness's acc_norm, which needs no tokenizer."""
NORMALIZED = {
    "likelihood": "divided by the number of UTF-8 bytes of the option's text",
    "likelihood-sum": "not normalized for the option's length",
    "first-token": "of an answer whose first token is the option's letter",
}
"""How the likelihoods are normalized, in words, for under a table."""


def unanswered(record: Record) -> Score:
    """Return the score of a record without an answer: an error, or skipped because its question was already lost."""
    return Score(None, "unscored" if "skipped" in record.tags else "error")


def graded(record: Record, answer: str | None) -> Score:
    """Return a letter's score. Unparsed is wrong; a question without a known answer has no score."""
    if not record.targets:
        return Score(None, "unscored", answer)
    if answer is None:
        return Score(0.0, "unparsed")
    if answer in record.targets:
        return Score(1.0, "correct", answer)
    return Score(0.0, "refused" if answer == NONE_OF_THEM else "incorrect", answer)


def options_right(record: Record) -> int:
    """Return how many of the options are right. The key may be a letter that no option has."""
    return len({*LETTERS[: len(record.choices)]}.intersection(record.targets))


def lost(score: Score) -> bool:
    """Return whether the answer was parsed and is wrong, so no later rotation can save the question."""
    return score.value == 0.0 and score.answer is not None


def histogram(records: Sequence[Record], scores: Sequence[Score]) -> str:
    """Return `A 31% (right: 25%), B ...`: the letters answered, with the share of right answers with each letter."""
    given = Counter(score.answer or "none" for score in scores if score.outcome not in ("error", "unscored"))
    right = Counter(target for record in records for target in record.targets)
    shares = {name: f"{name} {100 * given[name] / max(given.total(), 1):.0f}%" for name in given | right}
    shares |= {name: f"{shares[name]} (right: {100 * number / right.total():.0f}%)" for name, number in right.items()}
    return ", ".join(shares[name] for name in sorted(shares, key=lambda name: (name == "none", name)))


def texts(choices: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the letter and the text of each option."""
    return ((letter(index), text) for index, text in enumerate(choices))


LETTER = "Answer with the option's letter from the given choices directly."


def lettered(question: Parts, options: Sequence[Parts]) -> Parts:
    """Ask the question and for an option's letter in few words, so less depends on the reading."""
    return merged([question, "\n", listed(options), LETTER])
