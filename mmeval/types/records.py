"""What a run keeps: sessions, records, scores and estimates."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mmeval.types.errors import InputError
from mmeval.types.models import Output

Outcome = Literal["correct", "incorrect", "unparsed", "refused", "error", "unscored"]
"""`unscored`: the target is unknown, or the question was skipped because an earlier one settled it."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A period of work on a run. What is not known is None."""

    started: datetime | None = None
    version: str | None = None
    """Of mmeval."""
    commit: str | None = None
    packages: dict[str, str | None] = field(default_factory=dict)
    """The versions of the packages that answers depend on."""
    python: str | None = None
    machine: str | None = None
    device: str | None = None
    batch_tokens: int | None = None
    recipe: str | None = None
    prices: tuple[float | None, float | None] | None = None
    """Per million tokens read and written."""
    reused: int = 0
    """How many answers come from earlier runs."""
    others: dict[str, Any] = field(default_factory=dict)
    """What else the adapter reports, such as its requests, and what only other versions of mmeval know.

    In the file, each is a key of its own."""
    servers: list[str] | None = None
    """The programs of the servers that answered, with their versions."""
    model_commit: str | None = None
    """The commit of a model on the hub."""


@dataclass(frozen=True)
class Score:
    """The score of an answer: a value, or None (never 0) if it could not be scored."""

    value: float | None
    outcome: Outcome
    answer: str | None = None
    """The answer parsed from the text."""


@dataclass(frozen=True)
class Record(Output):
    """A line of `records.jsonl`: the sample's facts and the model's output, enough to score it again."""

    id: str
    targets: tuple[str, ...]
    category: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    question: str = ""
    """The rendered question without pictures."""
    images: tuple[str, ...] = ()
    """Digests of the pictures."""
    digest: str = ""
    """The first 16 hex digits of the SHA-256 over the whole sample. An answer to a changed sample does not count."""
    attempt: int = 0
    """How often other processes asked the question before. The record of the last attempt counts."""
    request: str = ""
    """The SHA-256 over the request, as 64 hex digits: the same model need not be asked the same request again."""


def whole_number(tags: Mapping[str, str], name: str, default: str | None = None) -> int:
    """Return a tag as a number. Raises InputError, since records are files that anybody may have changed."""
    value = tags[name] if default is None else tags.get(name, default)
    if not re.fullmatch("[0-9]{1,9}", value):
        raise InputError(f"a record's tag '{name}' is {value!r:.60}, not a whole number; restore the file")
    return int(value)


def one_of(value: str, known: Collection[str], what: str) -> str:
    """Return a record's value if it is known. Raises InputError otherwise, since anybody may have changed the file."""
    if value not in known:
        raise InputError(f"{what} is {value!r:.60}, not one of {', '.join(known)}; restore the file")
    return value


@dataclass(frozen=True)
class Estimate:
    """A reported number with its 95% interval, in the benchmark's own unit."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    full_marks: float
    chance: float | None
    """The expected value of guessing."""
    reason: str | None = None
    """Why there is no value."""
