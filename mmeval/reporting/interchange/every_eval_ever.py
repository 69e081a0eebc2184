"""Every Eval Ever: a record of a run's scores with their intervals, and a file with its samples.

Source: eval.schema.json and instance_level_eval.schema.json, version 0.3.0, of github.com/evaleval/every_eval_ever
(commit 9bce413). The format has no samples without a score; they are left out and counted.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmeval.files import component
from mmeval.reporting import about
from mmeval.reporting.run_report import data_label, task_of_run
from mmeval.runs.run import Run
from mmeval.runs.schema import to_json
from mmeval.types import Estimate, InputError, Record, Score

VERSION = "0.3.0"
NEXT = (
    "Fill in the organization in source_metadata. The repository evaleval/every_eval_ever explains how to validate and "
    "submit the record."
)


def name(run: Run) -> str:
    """Return the record's path in the database: data/BENCHMARK/DEVELOPER/MODEL/UUID.json."""
    developer, model = _names(run)
    return "/".join(
        ("data", component(task_of_run(run).name), component(developer), component(model), f"{_uuid(run)}.json")
    )


def texts(run: Run, path: Path) -> dict[Path, str]:
    """Return the record and the file with its samples. Raises InputError for a run without any score."""
    numbers = run.results.metrics
    task = task_of_run(run)
    labels = {
        metric: label for metric, label in {**task.axes, **task.totals}.items() if numbers[metric].value is not None
    }
    if not labels:
        raise InputError(f"{run.folder}: no score has a value, so there is nothing to record")
    scored = [(record, next(iter(run.scored[record.id].values()))) for record in run.records]
    ids, reading = {"evaluation_id": _id(run), "model_id": "/".join(_names(run))}, run.results.scorer
    known = [(record, score) for record, score in scored if score.value is not None]
    lines = [_sample(ids | {"evaluation_name": task.name}, reading, record, score) for record, score in known]
    samples = "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
    results = [_result(run, task.title, numbers[metric], metric, label) for metric, label in labels.items()]
    details = {"format": "jsonl", "file_path": f"{name(run).removesuffix('.json')}_samples.jsonl"}
    checksum = {"hash_algorithm": "sha256", "checksum": hashlib.sha256(samples.encode()).hexdigest()}
    omitted = {"additional_details": {"samples_without_score": str(len(scored) - len(lines))}}
    record = _about(run) | {
        "evaluation_results": results,
        "detailed_evaluation_results": {**details, **checksum, "total_rows": len(lines), **omitted},
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    return {path: text, path.with_name(f"{path.stem}_samples.jsonl"): samples}


def _about(run: Run) -> dict[str, Any]:
    started = about.started(run)
    developer, model = _names(run)
    facts = {"deployment_type": "unknown", "model_availability": "unknown"}
    facts |= {key: str(run.identity[key]) for key in ("model_revision", "checkpoint", "dtype") if key in run.identity}
    return {
        "schema_version": VERSION,
        "evaluation_id": _id(run),
        "evaluation_timestamp": "" if started is None else str(started),
        "retrieved_timestamp": str(time.time()),
        "source_metadata": {
            "source_name": "mmeval",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
            "additional_details": {"marks": "; ".join(run.marks), "command": about.command(run.spec, run.identity)},
        },
        "eval_library": {"name": "mmeval", "version": run.sessions[-1].version or "unknown"},
        "model_info": {
            "name": model,
            "id": f"{developer}/{model}",
            "developer": developer,
            "additional_details": facts,
        },
    }


def _result(run: Run, title: str, estimate: Estimate, metric: str, label: str) -> dict[str, Any]:
    spec = run.spec
    top = estimate.full_marks if (estimate.value or 0.0) <= estimate.full_marks else "Infinity"
    uncertainty: dict[str, Any] = {"num_samples": estimate.n}
    if estimate.low is not None and estimate.high is not None:
        limits = {"lower": estimate.low, "upper": estimate.high, "confidence_level": 0.95}
        uncertainty["confidence_interval"] = limits
    details = {"chance": "" if estimate.chance is None else f"{estimate.chance:g}", "answered": run.answered}
    return {
        "evaluation_result_id": metric,
        "evaluation_name": label,
        "source_data": {
            "dataset_name": title,
            "source_type": "other",
            "additional_details": {
                "data": data_label(run),
                "digest": run.header.data_digest or "",
                "samples": str(run.samples_planned),
            },
        },
        "metric_config": {
            "metric_id": metric,
            "metric_name": label,
            "metric_parameters": {"reading": run.results.scorer},
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": top,
        },
        "score_details": {"score": estimate.value, "details": details, "uncertainty": uncertainty},
        "generation_config": {
            "generation_args": {
                "temperature": spec.temperature,
                "max_tokens": spec.max_new_tokens,
                "execution_command": about.command(run.spec, run.identity),
            },
            "additional_details": {"prompt": str(spec.prompt), "shots": str(spec.shots or 0), "scoring": spec.scoring},
        },
    }


def _sample(ids: Mapping[str, str], reading: str, record: Record, score: Score) -> dict[str, Any]:
    """Return a sample; `ids` are those of its evaluation."""
    texts_given = [record.text] if record.text is not None else [score.answer or ""]
    used = (record.input_tokens, record.output_tokens)
    texts: Mapping[str, Any] = {"raw": list(record.samples) or texts_given}
    read = {"source": "output.raw", "extracted_value": score.answer or "", "extraction_method": reading}
    return {
        "schema_version": VERSION,
        **ids,
        "sample_id": record.id,
        "sample_hash": record.digest or None,
        "interaction_type": "single_turn",
        "input": {
            "raw": record.question,
            "formatted": record.sent or None,
            "reference": list(record.targets),
            "choices": list(record.choices) or None,
        },
        "output": {**texts, "reasoning_trace": [record.reasoning] if record.reasoning else None},
        "messages": None,
        "answer_attribution": [{"turn_idx": 0, **read, "is_terminal": True}],
        "evaluation": {"score": score.value, "is_correct": score.value == 1.0},
        "token_usage": {"input_tokens": used[0], "output_tokens": used[1], "total_tokens": sum(used)},
        "error": record.error,
        "metadata": {"outcome": score.outcome, "category": record.category, "images": " ".join(record.images)},
    }


def _names(run: Run) -> tuple[str, str]:
    developer, _, model = run.spec.model.rpartition("/")
    return developer or "unknown", model


def _id(run: Run) -> str:
    return f"{task_of_run(run).name}/{'_'.join(_names(run))}/{_uuid(run)}"


def _uuid(run: Run) -> str:
    """Return a UUID that depends only on the run and its answers, so a repeated export replaces itself."""
    what = json.dumps([run.identity, to_json(run.results.records)], sort_keys=True).encode()
    return str(uuid.UUID(bytes=hashlib.sha256(what).digest()[:16], version=4))
