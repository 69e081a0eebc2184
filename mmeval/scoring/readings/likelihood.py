"""Choose among candidates by log-likelihood."""

import math
from collections.abc import Sequence

from mmeval.types import InputError, Record, Score

YES_NO = ("Yes", "No", "yes", "no")
"""The candidates of a yes/no question: both words in both spellings that models use."""


def likeliest(values: Sequence[float]) -> int | None:
    """Return the index of the largest value, or None if several share it. Raises InputError for NaN and no values."""
    if not values or any(math.isnan(value) for value in values):
        raise InputError(f"cannot rank {list(values)}: every candidate must have a likelihood")
    best = max(values)
    return None if values.count(best) > 1 else values.index(best)


def yes_odds(values: Sequence[float]) -> float:
    """Return log P(yes) - log P(no) from the log-likelihoods of YES_NO, adding up both spellings of a word."""
    import numpy as np

    if len(values) != len(YES_NO) or any(math.isnan(value) for value in values):
        raise InputError(f"cannot compare {list(values)!s:.60}: each of {', '.join(YES_NO)} must have a likelihood")
    upper_yes, upper_no, lower_yes, lower_no = values
    return float(np.logaddexp(upper_yes, lower_yes) - np.logaddexp(upper_no, lower_no))


def yes_likelihood(values: Sequence[float]) -> float:
    """Return log P("Yes"), which Kosmos-1 and MMICL compare across prompts."""
    if not values:
        raise InputError("a record has a list of likelihoods without any; restore the file")
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
