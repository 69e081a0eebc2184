"""The keys and types of a run's files. The header of mmeval 0.1 is translated to current names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mmeval import jsonl
from mmeval.files import read_json, validated
from mmeval.types import Estimate, InputError, Score, malformed

SCHEMA = 2
_FORMER = {"wording": "prompt", "by": "scoring", "source": "data", "version": "task_version", "digest": "questions"}
"""Names in identities of schema 1 -> current names, if they differ."""


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


@dataclass(frozen=True)
class Judged:
    """The verdicts of a judge in `scores.json`."""

    model: str
    read: dict[str, str]
    unreadable: list[str]
    failed: list[str]
    replies: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Baseline:
    """What one answer to every question would score."""

    answer: str
    values: dict[str, float | None]


@dataclass(frozen=True)
class Results:
    """The keys of `scores.json` that are used."""

    scorer: str
    metrics: dict[str, Estimate]
    counts: Counts
    remarks: list[str]
    marks: list[str]
    answered: int
    planned: int
    strict: dict[str, Estimate] = field(default_factory=dict)
    """The numbers of the strict reading, if the headline's is another."""
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    """The named terms of a metric."""
    baselines: dict[str, Baseline] = field(default_factory=dict)
    """The majority answer and a constant one."""
    passed: dict[str, Estimate] = field(default_factory=dict)
    """pass@k, if several answers were sampled."""
    differences: str = ""
    judge: Judged | None = None


@dataclass(frozen=True)
class SampleScores:
    """A line of `samples.jsonl`."""

    id: str
    category: str
    groups: dict[str, str]
    scores: dict[str, Score]


def read_header(folder: Path) -> dict[str, Any]:
    """Read `run.json`. Raises InputError if it is not a run's header."""
    path, advice = folder / "run.json", "the folder holds no run; name another"
    header: dict[str, Any] = jsonl.without_surrogates(read_json(path, advice))
    if header.get("schema") == 1:
        header = _from_schema_1(header, path)
    validated(Header, header, str(path), advice, strict=True)
    return header


def read_results(folder: Path, advice: str) -> dict[str, Any]:
    """Read `scores.json`. Raises InputError, with the advice, if it is not a run's scores."""
    path = folder / "scores.json"
    results: dict[str, Any] = jsonl.without_surrogates(read_json(path, advice))
    validated(Results, results, str(path), advice, strict=True)
    return results


def read_samples(path: Path, advice: str = "score the run again: mmeval score RUN") -> list[dict[str, Any]]:
    """Read the lines of a `samples.jsonl`. Raises InputError, with the advice, naming an invalid line."""
    if not path.is_file():
        raise InputError(f"{path}: missing; {advice}")
    lines = []
    for line, where in jsonl.read(path, advice=advice):
        line = jsonl.without_surrogates(line)
        validated(SampleScores, line, where, advice, strict=True)
        lines.append(line)
    return lines


def scores_by_id(lines: list[dict[str, Any]]) -> dict[str, dict[str, Score]]:
    """Return, by id, the score under every scorer, headline first."""
    return {
        line["id"]: {
            name: Score(score["value"], score["outcome"], score.get("answer")) for name, score in line["scores"].items()
        }
        for line in map(jsonl.without_surrogates, lines)  # as they are after writing and reading
    }


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
