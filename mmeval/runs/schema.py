"""The types of a run's files, and their form in JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from mmeval.scoring.verdicts import Verdicts
from mmeval.types import Estimate, Score, Session

SCHEMA = 2
_OPTIONAL = {
    *("available", "data_digest", "pictures", "benchmark", "control"),
    *("recipe", "prices", "reused", "servers", "model_commit"),
    *("unscored", "partly_correct", "passed", "judge", "records"),
}
"""Keys of a header, a session and results that are left out of the files if they have no value."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """The content of `run.json`."""

    schema: int
    identity: dict[str, Any]
    samples: int
    available: int | None = None
    """How many samples the data has."""
    sessions: tuple[Session, ...]
    data_digest: str | None = None
    """The SHA-256 over the samples to ask, with the contents of their pictures."""
    pictures: dict[str, int] = field(default_factory=dict)
    """The number of distinct pictures, and of those with each trait that decoding changes or drops."""
    benchmark: dict[str, int] = field(default_factory=dict)
    """The size of the whole benchmark: `questions`."""
    control: dict[str, str] = field(default_factory=dict)
    """What the control of this run shows (`about`) and does (`acts`)."""
    others: dict[str, Any] = field(default_factory=dict)
    """What only other versions of mmeval know. In the file, each is a key of its own."""


@dataclass(frozen=True)
class Counts:
    """The number of samples, in total and per outcome."""

    samples: int
    correct: int
    incorrect: int
    unparsed: int
    refused: int
    error: int
    unscored: int = 0
    partly_correct: int = 0
    """Of the correct ones."""


@dataclass(frozen=True)
class Baseline:
    """What one answer to every question would score."""

    answer: str
    values: dict[str, float | None]


@dataclass(frozen=True)
class ScoredRecords:
    """The records that scores were made from: their number, and the SHA-256 of the journals."""

    count: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Results:
    """The content of `scores.json`."""

    task: str = ""
    scorer: str
    """The first scorer, whose numbers are the headline."""
    metrics: dict[str, Estimate]
    others: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    """The same metrics by each other scorer, such as `strict`. In the file, each is a key of its own."""
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    """The named terms of a metric."""
    baselines: dict[str, Baseline] = field(default_factory=dict)
    """The majority answer and a constant one."""
    counts: Counts
    differences: str = ""
    """A sentence on why the first two scorers differ."""
    passed: dict[str, Estimate] = field(default_factory=dict)
    """pass@k, if several answers were sampled."""
    remarks: list[str]
    answered: int
    planned: int
    marks: list[str]
    judge: Verdicts | None = None
    records: ScoredRecords | None = None
    """None for answers outside a run."""

    def by(self, scorer: str) -> dict[str, Estimate]:
        """Return the metrics by a scorer, the first or another."""
        return self.metrics if scorer == self.scorer else self.others[scorer]

    @property
    def strict(self) -> dict[str, Estimate]:
        """The numbers of the strict reading, if the headline's is another."""
        return self.others.get("strict", {})

    @property
    def fully_judged(self) -> bool:
        """Whether the judge, if there is one, gave a reply about every answer that it was asked about."""
        return self.judge is None or not self.judge.failed


@dataclass(frozen=True)
class SampleScores:
    """A line of `samples.jsonl`."""

    id: str
    category: str
    groups: dict[str, str]
    scores: dict[str, Score]
    """By scorer, the headline's first."""


def results_to_json(results: Results) -> dict[str, Any]:
    """Return the results as the JSON object in `scores.json`."""
    return {"schema": SCHEMA, **to_json(results)}


def to_json(value: Any) -> Any:
    """Return a value of these types as it is in JSON. Keys in `_OPTIONAL` are left out if they have no value."""
    match value:
        case str() | int() | float() | None:
            return value
        case Score(value=number, outcome=outcome, answer=answer):
            return {"outcome": outcome, "value": number, "answer": answer}
        case dict():
            return {name: to_json(item) for name, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
        case datetime():
            return value.isoformat()
        case Verdicts():
            return value.to_json()
    keys: dict[str, Any] = {}
    for key in fields(value):
        name, item = key.name, getattr(value, key.name)
        if name == "others":
            keys |= to_json(item)
        elif name not in _OPTIONAL or item not in (None, 0, {}):
            keys[name] = to_json(item)
    return keys


def known(kind: type, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the keys that a type has, and all other keys under `others`."""
    names = {key.name for key in fields(kind)} - {"others"}
    others = {name: item for name, item in value.items() if name not in names}
    return {name: item for name, item in value.items() if name in names} | {"others": others}
