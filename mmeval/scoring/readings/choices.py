"""Multiple choice, for any task: letters, options in a list, scorers by the text of an answer or by likelihood.

How a letter is read out of a text is in `public` (the generations of the public tool), `letters` and `strict`.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from mmeval.scoring.metrics.ranking import rank
from mmeval.types import InputError, Parts, Record, Score

LETTERS = string.ascii_uppercase
"""The first option is A, whatever order the options are in: a rotated question is a sample of its own."""
NONE_OF_THEM = "Z"
"""What a reader returns for an answer that declines to choose; MMBench's judge says it, too."""

Reader = Callable[[str, Sequence[str]], str | None]
"""Reads a letter out of an answer, given the options' texts; NONE_OF_THEM, or None where nothing is found."""


def letter(index: int) -> str:
    """Return the letter of the option at that place, from 0. Raises InputError beyond Z."""
    if index >= len(LETTERS):
        raise InputError(f"option {index + 1} has no letter: there are {len(LETTERS)} letters; leave some options out")
    return LETTERS[index]


def listed(choices: Sequence[Parts], form: str = "{}. ", end: str = "\n") -> Parts:
    """Return the options one after the other, each after its letter; an option may hold pictures."""
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


def judged(own: Callable[[Record], Score], fallback: Callable[[Record], str | None]) -> Callable[[Record], Score]:
    """Return the scorer that asks `fallback` for a letter where a task's own finds none in an answer."""

    def score(record: Record) -> Score:
        found = own(record)
        letter = fallback(record) if record.text is not None and found.answer is None else None
        return graded(record, letter) if letter else found

    return score


def offered(record: Record) -> tuple[str, ...]:
    """Return the options' texts: where the record knows letters alone, those that its question lists.

    "A: nan, B: Two" has no first option. What the question does not list has no text.
    """
    if record.choices != tuple(LETTERS[: len(record.choices)]):
        return record.choices
    heads = [re.compile(rf"(?<![^\s,;(]){label}[.:)]\s*") for label in record.choices]
    for first in reversed(list(heads[0].finditer(record.question)) if heads else []):
        found = [first]
        for head in heads[1:]:
            if (match := head.search(record.question, found[-1].end())) is None:
                break
            found.append(match)
        if len(found) > 1:
            ends = [*(match.start() for match in found[1:]), len(record.question)]
            listed = [record.question[match.end() : end] for match, end in zip(found, ends, strict=True)]
            texts = [text.strip().partition("\n")[0].strip(" \t,;(") for text in listed]
            texts = ["" if text.lower() == "nan" else text for text in texts]
            return (*texts, *[""] * (len(record.choices) - len(texts)))
    return record.choices


@lru_cache(maxsize=1 << 16)
def read_once(read: Reader, text: str, choices: tuple[str, ...]) -> str | None:
    """Read each answer once, although the scores, the table and the page all judge it."""
    return read(text, choices)


def by_likelihood(normalisation: str) -> Callable[[Record], Score]:
    """Return the scorer that takes the likeliest option; where two are equally likely, nothing was chosen."""

    def score(record: Record) -> Score:
        if record.loglikelihoods is None:
            return unanswered(record)
        candidates = [text.strip() for text in record.choices]  # as the model was asked
        best = rank(record.loglikelihoods, candidates, normalisation).best
        return graded(record, None if best is None else letter(best))

    return score


LIKELIHOOD_SCORERS = {
    "likelihood": by_likelihood("per-byte"),
    "likelihood-sum": by_likelihood("sum"),
    "first-token": by_likelihood("sum"),
}
"""Ways to choose without generating text; per byte is lm-evaluation-harness' acc_norm, which needs no tokenizer."""
NORMALISED = {
    "likelihood": "divided by the number of UTF-8 bytes of the option's text",
    "likelihood-sum": "not normalised for the option's length",
    "first-token": "of an answer whose first token is the option's letter",
}
"""How the likelihoods are normalised, in words, for under a table."""


def unanswered(record: Record) -> Score:
    """Return the score of a record without an answer: not asked since its question was lost already, or an error."""
    return Score(None, "unscored" if "skipped" in record.tags else "error")


def graded(record: Record, answer: str | None) -> Score:
    """Return what a letter is worth: nothing read is wrong, and a question without a known answer has no score."""
    if not record.targets:
        return Score(None, "unscored", answer)
    if answer is None:
        return Score(0.0, "unparsed")
    if answer in record.targets:
        return Score(1.0, "correct", answer)
    return Score(0.0, "refused" if answer == NONE_OF_THEM else "incorrect", answer)


def lost(score: Score) -> bool:
    """Return whether the answer was read and is wrong, which no later answer can change."""
    return score.value == 0.0 and score.answer is not None


def histogram(records: Sequence[Record], scores: Sequence[Score]) -> str:
    """Return `A 31% (right: 25%), B ...`: the letters answered beside those that were right."""
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
    """Ask the question and for the letter of an option, in the fewest words, so that less depends on the reading."""
    return merged([question, "\n", listed(options), LETTER])
