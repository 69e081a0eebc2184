"""lm-evaluation-harness's results JSON, with the samples next to it as JSON Lines.

Source: the files that `lm_eval --output_path DIR --log_samples` of lm-evaluation-harness 0.4 writes, and the types in
its result_schema.py (0.4.13): `date` is Unix time, and log-likelihoods are texts, one request per candidate. A number
is `results[TASK]["METRIC,FILTER"]`, in the benchmark's own unit; the filter is our reading. The format has standard
errors but no intervals: `_stderr` is "N/A", and intervals, full marks, chance and marks are under `mmeval`.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmeval.reporting import about
from mmeval.reporting.run_report import task_of_run
from mmeval.runs.run import Run
from mmeval.runs.schema import to_json
from mmeval.types import Record, Score


def name(run: Run) -> str:
    """Return the file's name, with the run's start time."""
    return f"results_{_time(run)}.json"


def texts(run: Run, path: Path) -> dict[Path, str]:
    """Return the results, and `samples_TASK_TIME.jsonl` next to them."""
    task = task_of_run(run).name
    samples = path.with_name(f"samples_{task.replace('/', '_')}_{_time(run)}.jsonl")
    lines = (_line(number, record, run.scored[record.id]) for number, record in enumerate(run.records))
    return {
        path: json.dumps(_results(run), indent=2, ensure_ascii=False) + "\n",
        samples: "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines),
    }


def _results(run: Run) -> dict[str, Any]:
    task, spec, results = task_of_run(run), run.spec, run.results
    readings = {results.scorer: results.metrics}
    if results.strict:
        readings["strict"] = results.strict
    scores: dict[str, Any] = {"name": task.name, "alias": task.name, "sample_len": run.samples_answered}
    for reading, numbers in readings.items():
        for metric in task.labels:
            if metric in numbers:
                value = numbers[metric].value
                scores[f"{metric},{reading}"] = "N/A" if value is None else value
                scores[f"{metric}_stderr,{reading}"] = "N/A"
    sessions = run.sessions
    version = run.identity.get("task_version")
    return {
        "results": {task.name: scores},
        "group_subtasks": {task.name: []},
        "configs": {task.name: {"task": task.name, "num_fewshot": spec.shots or 0, "metadata": {"version": version}}},
        "versions": {task.name: version},
        "n-shot": {task.name: spec.shots or 0},
        "higher_is_better": {task.name: dict.fromkeys((*task.axes, *task.totals), True)},
        "n-samples": {
            task.name: {
                "original": run.samples_planned if run.header.available is None else run.header.available,
                "effective": run.samples_answered,
            }
        },
        "config": {
            "model": spec.model,
            "model_args": {name: run.identity[name] for name in ("model_revision", "dtype") if name in run.identity},
            "limit": spec.limit,
            "random_seed": spec.seed,
            "gen_kwargs": {"max_gen_toks": spec.max_new_tokens, "num_beams": spec.beams},
        },
        "git_hash": sessions[-1].commit if sessions else None,
        "date": about.started(run),
        "model_name": spec.model,
        "mmeval": {**about.exported(run), "estimates": to_json(readings)},
    }


def _line(number: int, record: Record, scores: Mapping[str, Score]) -> dict[str, Any]:
    """Return a sample as lm-evaluation-harness logs it. A failed question has an `error` and no answer."""
    (reading, score), target = next(iter(scores.items())), "\n".join(record.targets)
    responses: list[Any] = [] if record.text is None else [list(record.samples) or [record.text]]
    read: list[Any] = [] if score.answer is None else [score.answer]
    prompt = record.sent or record.question
    arguments = [{"arg_0": prompt}]
    if record.loglikelihoods is not None:  # a request per candidate, each asked once; None: is_greedy is unknown
        read = [[str(value), None] for value in record.loglikelihoods]
        responses = [[value] for value in read]
        named = record.choices if len(record.choices) == len(read) else [""] * len(read)
        arguments = [{"arg_0": prompt, "arg_1": candidate} for candidate in named]
    doc = {"id": record.id, "question": record.question, "choices": list(record.choices), "category": record.category}
    return {
        "doc_id": number,
        "doc": doc | {"images": list(record.images), "groups": dict(record.groups)},
        "target": target,
        "arguments": {f"gen_args_{index}": value for index, value in enumerate(arguments)},
        "resps": responses,
        "filtered_resps": read,
        "filter": reading,
        "metrics": ["score"],
        "doc_hash": record.digest,
        "prompt_hash": hashlib.sha256(prompt.encode(errors="replace")).hexdigest(),
        "target_hash": hashlib.sha256(target.encode(errors="replace")).hexdigest(),
        "score": score.value,
        "outcome": score.outcome,
        "error": record.error,
    }


def _time(run: Run) -> str:
    started = run.sessions[0].started if run.sessions else None
    return "" if started is None else started.strftime("%Y-%m-%dT%H-%M-%S")
