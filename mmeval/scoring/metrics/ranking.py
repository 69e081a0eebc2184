"""Choosing among candidates by how likely the model finds them, with the length normalisation by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mmeval.types import InputError, Record, Score, nearest

NORMALISATIONS: dict[str, Callable[[str], int]] = {
    "sum": lambda text: 1,
    "per-byte": lambda text: len(text.encode("utf-8", "backslashreplace")),
    "per-character": len,
    "per-word": lambda text: len(text.split()),
}
"""What a candidate's log-likelihood is divided by. None of them depends on a tokenizer."""

YES_NO = ("Yes", "No", "yes", "no")
"""The candidates of a yes/no question whose likelihoods are compared: both words as models write them."""


@dataclass(frozen=True)
class Ranking:
    """The best candidate's place, from 0, or None where several share the first place; and how many do."""

    best: int | None
    tied: int


def rank(values: Sequence[float], texts: Sequence[str] | None = None, normalisation: str = "sum") -> Ranking:
    """Find the candidate of the largest value, the log-likelihoods of `texts` being normalised first.

    A tie chooses nothing: the first of equals would be a guess. Raises InputError for an unknown normalisation and
    for values that are not numbers.
    """
    if normalisation not in NORMALISATIONS:
        hint = nearest(normalisation, NORMALISATIONS)
        raise InputError(f"unknown normalisation '{normalisation}'{hint}; choose from {', '.join(NORMALISATIONS)}")
    if not values or any(math.isnan(value) for value in values):
        raise InputError(f"cannot rank {list(values)}: every candidate must have a likelihood")
    sizes = [max(NORMALISATIONS[normalisation](text), 1) for text in texts] if texts is not None else [1] * len(values)
    normalised = [value / size for value, size in zip(values, sizes, strict=True)]
    best = [index for index, value in enumerate(normalised) if value == max(normalised)]
    return Ranking(best[0] if len(best) == 1 else None, len(best))


def yes_odds(values: Sequence[float]) -> float:
    """Return log P(yes) - log P(no) from the log-likelihoods of YES_NO, both spellings of a word taken together."""
    upper_yes, upper_no, lower_yes, lower_no = values
    return _together(upper_yes, lower_yes) - _together(upper_no, lower_no)


def yes_likelihood(values: Sequence[float]) -> float:
    """Return log P("Yes") alone: what Kosmos-1 and MMICL compare across prompts, whatever else the model might say."""
    return values[0]


def likelier(record: Record) -> Score:
    """Score a yes/no question by the likelihoods of YES_NO: the likelier word is the answer; equal ones are unparsed.

    This is the mark of one question; benchmarks that compare the questions of a group look at the values themselves.
    """
    if record.loglikelihoods is None:
        return Score(None, "error")
    odds = yes_odds(record.loglikelihoods)
    if odds == 0.0:
        return Score(0.0, "unparsed")
    answer = "yes" if odds > 0 else "no"
    right = answer in record.targets
    return Score(float(right), "correct" if right else "incorrect", answer)


def _together(one: float, other: float) -> float:
    high, low = max(one, other), min(one, other)
    return high if math.isinf(high) else high + math.log1p(math.exp(low - high))
