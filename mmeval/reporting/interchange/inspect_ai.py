"""inspect_ai's log as JSON, which `inspect view` shows and `inspect_ai.log.read_eval_log` reads.

Source: log/_log.py, model/_model_output.py and scorer/_metric.py of inspect_ai 0.3.285 (format version 2). A score of a
sample is our mark from 0 to 1, and a sampled answer is an epoch. A number is `results.scores[READING].metrics[METRIC]`,
in the benchmark's own unit. The format has standard errors but no intervals: these are in a metric's `metadata`, and
the run's identity and marks are in `eval.metadata.mmeval`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mmeval.files import component
from mmeval.reporting import about
from mmeval.reporting.run_report import data_label, task_of_run
from mmeval.runs.run import Run
from mmeval.runs.schema import to_json
from mmeval.runs.scored import score_records
from mmeval.spec import options
from mmeval.task import Task
from mmeval.types import Estimate, Record, Score, replace_surrogates

VERSION = 2
NEXT = "Show the log with: inspect view --log-dir FOLDER"
UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of runs that did not keep theirs: a log must have one."""
STOPS = {"stop": "stop", "length": "max_tokens", None: "unknown"}
REASONS = {"unparsed": "invalid_response_format", "refused": "refusal"}
"""inspect_ai's words for why a score is not an ordinary one."""


def name(run: Run) -> str:
    """Return the file's name in the form by which `inspect view` finds logs: TIME_TASK_ID.json."""
    task = component(task_of_run(run).name).replace("_", "-")
    return f"{_started(run):%Y-%m-%dT%H-%M-%S}_{task}_{_id(run)}.json"


def texts(run: Run, path: Path) -> dict[Path, str]:
    """Return the log."""
    task = task_of_run(run)
    log = _header(run, task) | {"samples": list(_samples(run, task))}
    return {path: replace_surrogates(json.dumps(log, indent=2, ensure_ascii=False)) + "\n"}


def _samples(run: Run, task: Task) -> Iterator[dict[str, Any]]:
    """Yield the samples, epoch by epoch: a sampled answer has its own score."""
    if _epochs(run) == 1:
        for record in run.records:
            yield _sample(run.spec.model, record, run.scored[record.id], 1)
        return
    for epoch, column in enumerate(score_records(task, run.records).columns, 1):
        for record, *scores in zip(column.records, *column.scores.values(), strict=True):
            yield _sample(run.spec.model, record, dict(zip(column.scores, scores, strict=True)), epoch)


def _epochs(run: Run) -> int:
    return max((len(record.samples) for record in run.records), default=0) or 1


def _header(run: Run, task: Task) -> dict[str, Any]:
    spec, results, started = run.spec, run.results, _started(run).isoformat()
    readings = {results.scorer: results.metrics, **results.others}
    session = run.sessions[-1] if run.sessions else None
    commit = session.commit if session else None
    metadata = {"mmeval": {**about.exported(run), "commit": commit, "estimates": to_json(readings)}}
    decoding = {
        "max_tokens": spec.max_new_tokens,
        "temperature": spec.temperature,
        "top_p": spec.top_p,
        "top_k": spec.top_k,
        "presence_penalty": spec.presence_penalty,
        "seed": spec.seed,
    }
    known = options().keys() - {"task", "model"}
    settings = {key: value for key, value in run.identity.items() if key in known and value is not None}
    packages = {"mmeval": session.version, **session.packages} if session else {}
    return {
        "version": VERSION,
        "status": "success" if run.samples_asked == run.samples_planned else "cancelled",
        "eval": {
            **dict.fromkeys(("eval_id", "run_id", "task_id"), _id(run)),
            "created": started,
            "task": task.name,
            "task_version": run.identity.get("task_version", 0),
            "task_display_name": task.title,
            "task_args": settings,
            "tags": run.marks,
            "dataset": {
                "name": data_label(run),
                "samples": run.samples_planned,
                "sample_ids": [record.id for record in run.records],
                "shuffled": False,
            },
            "model": spec.model,
            "model_generate_config": {key: value for key, value in decoding.items() if value is not None},
            "model_args": {key: run.identity[key] for key in ("model_revision", "dtype") if key in run.identity},
            "config": {"limit": spec.limit, "epochs": _epochs(run)},
            "packages": {package: version for package, version in packages.items() if version},
            "metadata": metadata,
            "scorers": [{"name": reading} for reading in readings],
        },
        "plan": {"steps": [{"solver": "mmeval", "params": {}}]},
        "results": {
            "total_samples": run.samples_planned * _epochs(run),
            "completed_samples": run.samples_answered * _epochs(run),
            "scores": [_score(run, task, reading, numbers) for reading, numbers in readings.items()],
        },
        "stats": {
            "started_at": started,
            "completed_at": _ended(run).isoformat(),
            "model_usage": {spec.model: _usage(*run.records)},
        },
    }


def _score(run: Run, task: Task, reading: str, numbers: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return the numbers of a reading, totals first: the first is shown in lists. One without a value is left out."""
    labels = {**task.totals, **task.labels}
    metrics = {
        metric: {
            "name": metric,
            "value": numbers[metric].value,
            "metadata": {"label": label, **to_json(numbers[metric])},
        }
        for metric, label in labels.items()
        if metric in numbers and numbers[metric].value is not None
    }
    values = [scores[reading].value for scores in run.scored.values() if reading in scores]
    unscored = values.count(None)
    counts = {"scored_samples": len(values) - unscored, "unscored_samples": unscored}
    reducer = {"reducer": "mean"} if _epochs(run) > 1 else {}
    return {"name": reading, "scorer": reading, **reducer, **counts, "metrics": metrics}


def _sample(model: str, record: Record, scores: Mapping[str, Score], epoch: int) -> dict[str, Any]:
    """Return a sample. A failed question has an `error`; where likelihoods were compared, the answer is the choice."""
    first = next(iter(scores.values()))
    answer = record.text if record.text is not None else first.answer or ""
    message = {"role": "assistant", "content": answer, "source": "generate", "model": model}
    choice = {"message": message, "stop_reason": STOPS[record.finish_reason]}
    failed = record.error is not None
    usage, seconds = (_usage(record), record.seconds) if epoch == 1 else (_usage(), 0.0)  # of all epochs together
    compared = {} if record.loglikelihoods is None else {"loglikelihoods": list(record.loglikelihoods)}
    error = {"message": record.error, "traceback": "", "traceback_ansi": ""}
    return {
        "id": record.id,
        "epoch": epoch,
        "input": record.question,
        **({"choices": list(record.choices)} if record.choices else {}),
        "target": list(record.targets),
        "messages": [{"role": "user", "content": record.sent or record.question}, *([] if failed else [message])],
        "output": {
            "model": model,
            "choices": [] if failed else [choice],
            "completion": "" if failed else answer,
            "usage": usage,
            "time": seconds,
        },
        "scores": {reading: _mark(score) for reading, score in scores.items() if score.value is not None},
        "metadata": {
            "category": record.category,
            "groups": dict(record.groups),
            "images": list(record.images),
            "digest": record.digest,
            "outcome": first.outcome,
            **({"reasoning": record.reasoning} if record.reasoning else {}),
            **compared,
        },
        "model_usage": {model: usage},
        "total_time": seconds,
        **({"error": error} if failed else {}),
    }


def _mark(score: Score) -> dict[str, Any]:
    reason = {"reason": REASONS[score.outcome]} if score.outcome in REASONS else {}
    return {"value": score.value, "answer": score.answer, **reason, "metadata": {"outcome": score.outcome}}


def _usage(*records: Record) -> dict[str, int]:
    tokens_in, tokens_out = (
        sum(getattr(record, f"{kind}_tokens") for record in records) for kind in ("input", "output")
    )
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _started(run: Run) -> datetime:
    started = run.sessions[0].started if run.sessions else None
    return UNKNOWN if started is None else started.replace(microsecond=0)


def _ended(run: Run) -> datetime:
    """Return the start plus the time of all answers, since a run does not keep its end."""
    try:
        return _started(run) + timedelta(seconds=sum(record.seconds for record in run.records))
    except (OverflowError, ValueError):  # records are files that anybody may have changed
        return _started(run)


def _id(run: Run) -> str:
    """Return an id that depends only on the run and its answers, as long as those of inspect_ai."""
    what = json.dumps([run.identity, to_json(run.results.records)], sort_keys=True)
    return hashlib.sha256(what.encode()).hexdigest()[:22]
