"""Read and write the files of a run. The header of mmeval 0.1 is translated to current names."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval import jsonl
from mmeval.files import read_json, validated, write_json, write_text
from mmeval.runs.schema import Header, Results, SampleScores, known, results_to_json, to_json
from mmeval.runs.study import Study, study_to_json
from mmeval.types import Estimate, InputError, Score, Session, malformed

_FORMER = {"wording": "prompt", "by": "scoring", "source": "data", "version": "task_version", "digest": "questions"}
"""Names in identities of schema 1 -> current names, if they differ."""


def read_header(folder: Path) -> Header:
    """Read `run.json`. Raises InputError if it is not a run's header."""
    path, advice = folder / "run.json", "the folder holds no run; name another"
    value: dict[str, Any] = jsonl.without_surrogates(read_json(path, advice))
    if value.get("schema") == 1:
        value = _from_schema_1(value, path)
    value = known(Header, value)
    if isinstance(sessions := value.get("sessions"), list):
        value["sessions"] = [known(Session, item) if isinstance(item, dict) else item for item in sessions]
    header: Header = validated(Header, value, str(path), advice, strict=True)
    return header


def write_header(folder: Path, header: Header) -> None:
    """Write `run.json`."""
    write_json(folder / "run.json", to_json(header))


def with_facts(session: Session, facts: Mapping[str, Any]) -> Session:
    """Return the session with what an adapter says of it. Raises InputError for a fact of another type."""
    value = known(Session, {**to_json(session), **facts})
    where, advice = "what the adapter says of this session", "change its session_facts"
    changed: Session = validated(Session, value, where, advice, strict=True)
    return changed


def read_results(folder: Path, advice: str) -> Results:
    """Read `scores.json`. Raises InputError, with the advice, if it is not a run's scores."""
    path = folder / "scores.json"
    value = known(Results, jsonl.without_surrogates(read_json(path, advice)))
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


def read_study(path: Path, advice: str) -> Study:
    """Read a `bias.json`. Raises InputError, with the advice, if it is not a study."""
    value = jsonl.without_surrogates(read_json(path, advice))
    study: Study = validated(Study, value, str(path), advice, strict=True)
    return study


def write_study(path: Path, study: Study) -> None:
    """Write a `bias.json`."""
    write_json(path, study_to_json(study))


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
