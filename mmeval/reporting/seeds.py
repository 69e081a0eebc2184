"""Runs that differ only in their seed, side by side: mean and spread of every number over the seeds.

A run's own interval is the uncertainty from its questions; the spread is that from its sampled demonstrations.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from mmeval.reporting import run_report
from mmeval.reporting.chart import with_interval
from mmeval.reporting.lines import grid, print_whole, tell
from mmeval.runs.run import Run
from mmeval.runs.schema import SCHEMA
from mmeval.types import Estimate, InputError, number, plural


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the output of `run --seeds ... --json`: each number that the task reports, by scorer and name.

    A number has mean, sd (the sample standard deviation over the seeds; None for one seed), min, max, and each run's
    own value and interval. If a run has no value, mean, sd, min and max are None, and there is a reason. Raises
    InputError for runs that differ in anything but the seed.
    """
    first, results, seeds = runs[0], [run.results for run in runs], [run.spec.seed for run in runs]
    for run in runs[1:]:
        if but_seed(run) != but_seed(first):
            raise InputError(f"{run.folder} and {first.folder} differ in more than the seed; name runs of one kind")
    task, digests = run_report.task_of_run(first), {run.header.data_digest for run in runs}
    return {
        "schema": SCHEMA,
        "title": run_report.title(first),
        "data": run_report.subtitle(first),
        "task": task.name,
        "model": first.spec.model,
        "shots": first.spec.shots,
        "seeds": seeds,
        "runs": [str(run.folder) for run in runs],
        "labels": task.labels,
        "scorers": {
            scorer: {name: _spread(seeds, [result.by(scorer)[name] for result in results]) for name in task.labels}
            for scorer in task.scorers
        },
        "errors": sum(result.counts.error for result in results),
        "baselines": run_report.table_of_run(first, task).baselines,
        "remarks": [SAME] if len(seeds) > 1 and len(digests) == 1 and not first.spec.temperature else [],
    }


SPREAD = ("mean", "sd", "min", "max")
SAME = "The seed has no effect on this data: every run asked the same questions, and the spread has no meaning."


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print one row per number: the spread, then each seed's value and interval; strict rows below if they differ."""
    official: Mapping[str, Any] = next(iter(summary["scorers"].values()))
    strict: Mapping[str, Any] = summary["scorers"].get("strict", {})
    labels: Mapping[str, str] = summary["labels"]
    rows = [_cells(label, official[name]) for name, label in labels.items()]
    rows += [
        _cells(f"{label}, strict", strict[n]) for n, label in labels.items() if strict and strict[n] != official[n]
    ]
    shots = "" if summary["shots"] is None else f", {plural(summary['shots'], 'demonstration')}"
    tell(console, f"{summary['title']}{shots}: {plural(len(summary['seeds']), 'seed')}", "bold")
    tell(console, summary["data"])
    print_whole(grid(["", *SPREAD, *(f"seed {seed}" for seed in summary["seeds"])], [(rows, "")]), console)
    if below := summary["baselines"]:
        console.print(grid(below[0], [(below[1:], "dim")]))
    errors = summary["errors"]
    tell(console, plural(errors, "error"), "red" if errors else "")
    lacking = [
        f"{summary['labels'][name]}: no value ({row['reason']})" for name, row in official.items() if row["reason"]
    ]
    for note in (*lacking, *summary["remarks"]):
        tell(console, note, "dim")


def _spread(seeds: Sequence[int], estimates: Sequence[Estimate]) -> dict[str, Any]:
    by_seed = [{"seed": seed, **asdict(estimate)} for seed, estimate in zip(seeds, estimates, strict=True)]
    values = [estimate["value"] for estimate in by_seed if estimate["value"] is not None]
    known = len(values) == len(seeds)
    sd = statistics.stdev(values) if known and len(values) > 1 else None
    spread = (statistics.fmean(values), sd, min(values), max(values)) if known else (None,) * len(SPREAD)
    return {
        **dict(zip(SPREAD, spread, strict=True)),
        **{name: by_seed[0][name] for name in ("full_marks", "chance")},
        "reason": next((f"seed {entry['seed']}: {entry['reason']}" for entry in by_seed if entry["reason"]), None),
        "runs": [{name: entry[name] for name in ("seed", "value", "low", "high", "n")} for entry in by_seed],
    }


def _cells(label: str, row: Mapping[str, Any]) -> list[str]:
    runs = (Estimate(entry["value"], entry["low"], entry["high"], entry["n"], 0.0, None) for entry in row["runs"])
    return [label, *(number(row[key]) for key in SPREAD), *map(with_interval, runs)]


def but_seed(run: Run) -> dict[str, Any]:
    """Return what identifies a run apart from its seed and the questions that are drawn by it."""
    return {name: value for name, value in run.identity.items() if name not in ("seed", "questions")}
