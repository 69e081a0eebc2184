"""Errors in a leaderboard's file, and warnings for its user."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """An error in a file, or a warning for its user."""

    level: Literal["error", "warning"]
    sentence: str


problem, warning = partial(Finding, "error"), partial(Finding, "warning")


def empty(what: str, locations: Sequence[str], total: int) -> Iterator[Finding]:
    """Yield a warning about empty answers, since a model may say nothing; an error if all are empty."""
    if locations and len(locations) == total:
        yield problem(f"{locations[0]}: the {what} is empty, and so are all others; write what the model said")
    elif locations:
        advice = "empty ones count as wrong, so check that the model said nothing"
        yield warning(f"{locations[0]}: the {what} is empty{more(len(locations) - 1, 'row')}; {advice}")


def more(count: int, what: str) -> str:
    """Return the end of a sentence about the first of several, such as `; so are 2 more rows`."""
    if not count:
        return ""
    return f"; so is 1 more {what}" if count == 1 else f"; so are {count:,} more {what}s"
