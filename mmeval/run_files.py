"""What the files of a run hold, every key with its type; the header of mmeval 0.1 is read with today's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmeval import jsonl
from mmeval.files import read_json, validated
from mmeval.types import Estimate, InputError, Score

SCHEMA = 2
_FORMER = {"wording": "prompt", "by": "scoring", "source": "data", "version": "task_version", "digest": "questions"}
"""Names in the identities of schema 1 -> today's, where they differ and stand under no other name."""


@dataclass(frozen=True)
class Session:
    """What `run.json` may say of a session, beside what is only shown."""

    version: str | None = None
    packages: dict[str, str | None] | None = None
    recipe: str | None = None
    reused: int = 0
    servers: list[str] | None = None
    prices: tuple[float | None, float | None] | None = None


@dataclass(frozen=True)
class Header:
    """What `run.json` holds at least."""

    schema: int
    identity: dict[str, Any]
    samples: int
    sessions: list[Session]
    available: int | None = None
    """How many samples the data has."""
    benchmark: dict[str, int] = field(default_factory=dict)
    """How large the whole benchmark is."""
    pictures: dict[str, int] = field(default_factory=dict)
    control: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """How many samples there are, and what became of their answers."""

    samples: int
    correct: int
    incorrect: int
    unparsed: int
    refused: int
    error: int
    unscored: int = 0


@dataclass(frozen=True)
class Results:
    """What `scores.json` holds at least."""

    scorer: str
    metrics: dict[str, Estimate]
    counts: Counts
    remarks: list[str]
    marks: list[str]
    answered: int
    planned: int
    strict: dict[str, Estimate] = field(default_factory=dict)
    """The numbers of that reading, where the headline is another's."""


@dataclass(frozen=True)
class SampleScores:
    """A line of `samples.jsonl`."""

    id: str
    category: str
    groups: dict[str, str]
    scores: dict[str, Score]


def read_header(folder: Path) -> dict[str, Any]:
    """Read `run.json`. Raises InputError for what is not a run's."""
    path, advice = folder / "run.json", "the folder holds no run; name another, or delete it"
    header = read_json(path, advice)
    if header.get("schema") == 1:
        header = _from_schema_1(header, path)
    validated(Header, header, str(path), advice)
    return header


def read_results(folder: Path, advice: str) -> dict[str, Any]:
    """Read `scores.json`. Raises InputError, with the advice, for what is not a run's."""
    path = folder / "scores.json"
    results = read_json(path, advice)
    validated(Results, results, str(path), advice)
    return results


def read_samples(path: Path, advice: str = "score the run again: mmeval score RUN") -> list[dict[str, Any]]:
    """Read the lines of a `samples.jsonl`. Raises InputError, with the advice, naming the line that is none."""
    if not path.is_file():
        raise InputError(f"{path}: not there; {advice}")
    lines = []
    for line, where in jsonl.read(path, advice=advice):
        validated(SampleScores, line, where, advice)
        lines.append(jsonl.without_surrogates(line))
    return lines


def scores_by_id(lines: list[dict[str, Any]]) -> dict[str, dict[str, Score]]:
    """Return, by id, the score under every scorer, the headline's first."""
    read = map(jsonl.without_surrogates, lines)  # as they are after writing and reading
    return {line["id"]: {name: Score(**score) for name, score in line["scores"].items()} for line in read}


def _from_schema_1(header: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the header of a run made by mmeval 0.1, with today's names: it can be scored but not continued."""
    try:
        task, data, model = (dict(header["identity"][name]) for name in ("task", "data", "model"))
        named = {"task": task.pop("name"), "model": model.pop("name"), "limit": data.pop("limit")}
        rest = {**task, **data, **model, **header["identity"]["generation"]}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a run's header ({error!r}); name another folder, or delete it") from error
    identity = {**named, **{_FORMER.get(name, name): value for name, value in rest.items()}}
    return {**header, "identity": {name: value for name, value in identity.items() if value is not None}}
