"""Choose among candidates by log-likelihood, with a named length normalization."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mmeval.types import InputError, Record, Score, nearest

NORMALIZATIONS: dict[str, Callable[[str], int]] = {
    "sum": lambda text: 1,
    "per-byte": lambda text: len(text.encode("utf-8", "backslashreplace")),
    "per-character": len,
    "per-word": lambda text: len(text.split()),
}
"""The divisor of a candidate's log-likelihood, by name. None depends on a tokenizer."""

YES_NO = ("Yes", "No", "yes", "no")
"""The candidates of a yes/no question: both words in both spellings that models use."""


@dataclass(frozen=True)
class Ranking:
    """The best candidate's index, or None if several share first place, and how many share it."""

    best: int | None
    tied: int


def rank(values: Sequence[float], texts: Sequence[str] | None = None, normalization: str = "sum") -> Ranking:
    """Find the candidate with the largest value. With `texts`, log-likelihoods are normalized first.

    Raises InputError for an unknown normalization and for values that are not numbers.
    """
    if normalization not in NORMALIZATIONS:
        hint = nearest(normalization, NORMALIZATIONS)
        raise InputError(f"unknown normalization '{normalization}'{hint}; choose from {', '.join(NORMALIZATIONS)}")
    if not values or any(math.isnan(value) for value in values):
        raise InputError(f"cannot rank {list(values)}: every candidate must have a likelihood")
    size = NORMALIZATIONS[normalization]
    if texts is not None:
        values = [value / max(size(text), 1) for value, text in zip(values, texts, strict=True)]
    best = [place for place, value in enumerate(values) if value == max(values)]
    return Ranking(best[0] if len(best) == 1 else None, len(best))


def yes_odds(values: Sequence[float]) -> float:
    """Return log P(yes) - log P(no) from the log-likelihoods of YES_NO, adding up both spellings of a word."""
    import numpy as np

    upper_yes, upper_no, lower_yes, lower_no = values
    return float(np.logaddexp(upper_yes, lower_yes) - np.logaddexp(upper_no, lower_no))


def yes_likelihood(values: Sequence[float]) -> float:
    """Return log P("Yes"), which Kosmos-1 and MMICL compare across prompts."""
    return values[0]


def likelier(record: Record) -> Score:
    """Score a yes/no question by the likelier word of YES_NO. A tie is unparsed."""
    if record.loglikelihoods is None:
        return Score(None, "error")
    odds = yes_odds(record.loglikelihoods)
    if odds == 0.0:
        return Score(0.0, "unparsed")
    answer = "yes" if odds > 0 else "no"
    right = answer in record.targets
    return Score(float(right), "correct" if right else "incorrect", answer)
