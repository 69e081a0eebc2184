"""The Hugging Face hub's `.eval_results/*.yaml`: a model repository's scores on a benchmark.

Source: huggingface.co/docs/hub/eval-results ("work in progress") and its specification, eval_results.yaml of
github.com/huggingface/hub-docs, as `huggingface_hub.EvalResultEntry` (2.4) reads it: a list of `dataset` (`id`,
`task_id`, `revision`), `value`, `date`, `source`, `notes`. The format has no field for an interval; the notes have it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mmeval.files import component
from mmeval.provenance import versions
from mmeval.reporting.chart import interval
from mmeval.reporting.lines import clean
from mmeval.reporting.run_report import data_label, task_of_run
from mmeval.runs.run import Run
from mmeval.task import Task
from mmeval.types import InputError, plural

NEXT = (
    "Put the file into .eval_results/ of the model's repository on the hub. The hub shows a score if the data set is "
    "registered as a benchmark and its eval.yaml has each task_id: check these, and the unit, first."
)


def name(run: Run) -> str:
    """Return the file's name."""
    return f"{component(task_of_run(run).name)}.yaml"


def texts(run: Run, path: Path) -> dict[Path, str]:
    """Return an entry for each total, or each axis of a benchmark without totals. Raises InputError.

    A run is refused if its benchmark has no data set on the hub, or a score has no value.
    """
    task = task_of_run(run)
    return {path: yaml.safe_dump(_entries(run, task), sort_keys=False, allow_unicode=True)}


def _entries(run: Run, task: Task) -> list[dict[str, Any]]:
    hub = task.card.get("hub")
    repo = hub.get("repo") if isinstance(hub, Mapping) else None
    if not isinstance(repo, str):
        raise InputError(
            f"{task.name}: its card names no data set on the hub, but an entry needs one; use another --to"
        )
    revision = run.identity.get("data_revision")
    numbers, entries = run.results.metrics, []
    for metric, label in (task.totals or task.axes).items():
        estimate = numbers[metric]
        if estimate.value is None:
            raise InputError(f"{run.folder}: {label} has no value ({estimate.reason}), but an entry needs one")
        notes = [
            f"{task.title} on {data_label(run)}",  # languages and splits share a repository
            f"{label}, of {estimate.full_marks:g}; 95% interval {interval(estimate)}; {run.answered}",
            f"prompt {run.spec.prompt}, {plural(run.spec.shots or 0, 'demonstration')}, answers by {run.spec.scoring}",
            f"reading {run.spec.reading or run.results.scorer}; {'; '.join(versions(run.sessions))}",
        ]
        entry: dict[str, Any] = {"dataset": {"id": repo, "task_id": metric}}
        if revision:
            entry["dataset"]["revision"] = str(revision)
        entry["value"] = round(estimate.value, 4)
        if (started := run.sessions[-1].started) is not None:
            entry["date"] = started.isoformat()
        entries.append({**entry, "notes": clean("; ".join(notes))})
    return entries
