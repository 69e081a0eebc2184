"""The types of a run's files, and reading and writing them. The header of mmeval 0.1 is translated to current names."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mmeval import jsonl
from mmeval.files import read_json, validated, write_json, write_text
from mmeval.scoring.verdicts import Verdicts
from mmeval.types import Estimate, InputError, Score, malformed

SCHEMA = 2
_FORMER = {"wording": "prompt", "by": "scoring", "source": "data", "version": "task_version", "digest": "questions"}
"""Names in identities of schema 1 -> current names, if they differ."""
OPTIONAL = {"unscored", "partly_correct", "passed", "judge", "records"}
"""Keys that are left out of a file if they have no value."""


@dataclass(frozen=True)
class Session:
    """The keys of a session in `run.json` that are used, not only shown."""

    version: str | None = None
    started: datetime | None = None
    packages: dict[str, str | None] | None = None
    recipe: str | None = None
    reused: int = 0
    servers: list[str] | None = None
    prices: tuple[float | None, float | None] | None = None


@dataclass(frozen=True)
class Header:
    """The keys of `run.json` that are used."""

    schema: int
    identity: dict[str, Any]
    samples: int
    sessions: list[Session]
    available: int | None = None
    """How many samples the data has."""
    benchmark: dict[str, int] = field(default_factory=dict)
    """The size of the whole benchmark."""
    pictures: dict[str, int] = field(default_factory=dict)
    control: dict[str, str] = field(default_factory=dict)


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


def read_header(folder: Path) -> dict[str, Any]:
    """Read `run.json`. Raises InputError if it is not a run's header."""
    path, advice = folder / "run.json", "the folder holds no run; name another"
    header: dict[str, Any] = jsonl.without_surrogates(read_json(path, advice))
    if header.get("schema") == 1:
        header = _from_schema_1(header, path)
    validated(Header, header, str(path), advice, strict=True)
    return header


def read_results(folder: Path, advice: str) -> Results:
    """Read `scores.json`. Raises InputError, with the advice, if it is not a run's scores."""
    path = folder / "scores.json"
    value = _known(Results, jsonl.without_surrogates(read_json(path, advice)))
    others = value.pop("others")
    results: Results = validated(Results, value, str(path), advice, strict=True)
    by_scorer = {
        name: validated(dict[str, Estimate], numbers, f"{path}, {name}", advice, strict=True)
        for name, numbers in others.items()
        if name == "strict" or _are_estimates(numbers)
    }
    return replace(results, others=by_scorer)


def write_results(folder: Path, results: Results) -> None:
    """Write `scores.json`."""
    write_json(folder / "scores.json", results_to_json(results))


def results_to_json(results: Results) -> dict[str, Any]:
    """Return the results as the JSON object in `scores.json`."""
    return {"schema": SCHEMA, **to_json(results)}


def read_samples(path: Path, advice: str = "score the run again: mmeval score RUN") -> list[SampleScores]:
    """Read the lines of a `samples.jsonl`. Raises InputError, with the advice, naming an invalid line."""
    if not path.is_file():
        raise InputError(f"{path}: missing; {advice}")
    return [
        validated(SampleScores, jsonl.without_surrogates(line), where, advice, strict=True)
        for line, where in jsonl.read(path, advice=advice)
    ]


def write_samples(path: Path, samples: Iterable[SampleScores]) -> None:
    """Write a `samples.jsonl`."""
    lines = (json.dumps(to_json(sample), ensure_ascii=False, separators=(",", ":")) + "\n" for sample in samples)
    write_text(path, "".join(lines))


def scores_by_id(samples: Iterable[SampleScores]) -> dict[str, dict[str, Score]]:
    """Return, by id, the score under every scorer, headline first."""
    return {sample.id: sample.scores for sample in samples}


def to_json(value: Any) -> Any:
    """Return a value of these types as it is in JSON. Keys in `OPTIONAL` are left out if they have no value."""
    match value:
        case Verdicts():
            return value.to_json()
        case Score(value=number, outcome=outcome, answer=answer):
            return {"outcome": outcome, "value": number, "answer": answer}
        case Mapping():
            return {name: to_json(item) for name, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
    if not is_dataclass(value):
        return value
    keys: dict[str, Any] = {}
    for key in fields(value):
        name, item = key.name, getattr(value, key.name)
        if name == "others":
            keys |= to_json(item)
        elif name not in OPTIONAL or item not in (None, 0, {}):
            keys[name] = to_json(item)
    return keys


def _known(kind: type, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the keys that a type has, and all other keys under `others`."""
    names = {key.name for key in fields(kind)} - {"others"}
    others = {name: item for name, item in value.items() if name not in names}
    return {name: item for name, item in value.items() if name in names} | {"others": others}


def _are_estimates(value: object) -> bool:
    """Tell whether a key of `scores.json` is a scorer's metrics, and not one that only another version knows."""
    if not isinstance(value, dict) or not value:
        return False
    return all(isinstance(item, dict) and "full_marks" in item for item in value.values())


def _from_schema_1(header: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the header of a run of mmeval 0.1 with current names. Such a run can be scored but not continued."""
    try:
        task, data, model = (dict(header["identity"][name]) for name in ("task", "data", "model"))
        named = {"task": task.pop("name"), "model": model.pop("name"), "limit": data.pop("limit")}
        rest = {**task, **data, **model, **header["identity"]["generation"]}
    except (KeyError, TypeError, ValueError) as error:
        advice = "name another folder, or delete it"
        raise InputError(f"{path}: not a run's header ({malformed(error)}); {advice}") from error
    identity = {**named, **{_FORMER.get(name, name): value for name, value in rest.items()}}
    return {**header, "identity": {name: value for name, value in identity.items() if value is not None}}
