"""Choosing among candidates by how likely the model finds them, with the length normalisation by name."""

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

    Raises InputError for an unknown normalisation and for values that are not numbers.
    """
    if normalisation not in NORMALISATIONS:
        hint = nearest(normalisation, NORMALISATIONS)
        raise InputError(f"unknown normalisation '{normalisation}'{hint}; choose from {', '.join(NORMALISATIONS)}")
    if not values or any(math.isnan(value) for value in values):
        raise InputError(f"cannot rank {list(values)}: every candidate must have a likelihood")
    size = NORMALISATIONS[normalisation]
    if texts is not None:
        values = [value / max(size(text), 1) for value, text in zip(values, texts, strict=True)]
    best = [place for place, value in enumerate(values) if value == max(values)]
    return Ranking(best[0] if len(best) == 1 else None, len(best))


def yes_odds(values: Sequence[float]) -> float:
    """Return log P(yes) - log P(no) from the log-likelihoods of YES_NO, both spellings of a word taken together."""
    import numpy as np

    upper_yes, upper_no, lower_yes, lower_no = values
    return float(np.logaddexp(upper_yes, lower_yes) - np.logaddexp(upper_no, lower_no))


def yes_likelihood(values: Sequence[float]) -> float:
    """Return log P("Yes") alone: what Kosmos-1 and MMICL compare across prompts, whatever else the model might say."""
    return values[0]


def likelier(record: Record) -> Score:
    """Score one yes/no question by the likelihoods of YES_NO: the likelier word; equal ones are unparsed."""
    if record.loglikelihoods is None:
        return Score(None, "error")
    odds = yes_odds(record.loglikelihoods)
    if odds == 0.0:
        return Score(0.0, "unparsed")
    answer = "yes" if odds > 0 else "no"
    right = answer in record.targets
    return Score(float(right), "correct" if right else "incorrect", answer)
