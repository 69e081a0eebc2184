"""Evaluate the checkpoints of a training run on benchmarks, each in a run folder under the training's output.

Training and evaluation do not depend on each other; `mmeval train` passes the function made here to the trainer.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from mmeval.configuration import configure
from mmeval.evaluation import evaluate
from mmeval.evaluation.settings import data_of
from mmeval.evaluation.sweep import ModelCache
from mmeval.mmicl.training.config import EVALUATIONS
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.types import InputError, RunMismatch


def benchmarks_of(
    benchmark_data: Mapping[str, str | None], limit: int | None, output: Path, context: str, say: Callable[[str], None]
) -> Callable[[Path], dict[str, float]]:
    """Return a function that evaluates a checkpoint's folder on these benchmarks: name -> data (None: the default).

    `context` introduces the pictures, as in training. The function returns numbers named like `mme_perception`; if
    several processes share the questions, only the last to finish returns them. Checks every name and the start of its
    data before training; raises InputError.
    """
    specs = {}
    for name, data in benchmark_data.items():
        spec = RunSpec(name, "mmicl", data=data, limit=limit, context=context)
        try:
            specs[_checked(spec)] = spec
        except InputError as error:
            raise InputError(f"evaluate: {error}") from error
    if len(specs) < len(benchmark_data):
        raise InputError(f"evaluate: two of {', '.join(benchmark_data)} have the same name; rename a file")

    def benchmarks(checkpoint: Path) -> dict[str, float]:
        load = ModelCache()
        values: dict[str, float] = {}
        for name, spec in specs.items():
            checkpoint_spec = replace(spec, model=f"mmicl:{checkpoint}")
            try:
                run = evaluate(checkpoint_spec, out=output / EVALUATIONS / checkpoint.name / name, load=load)
            except RunMismatch as error:
                say(f"{checkpoint.name} is not evaluated on {name} again: {error}")
                continue
            if not run.up_to_date:
                continue
            labels = load_task(spec.task).labels
            metrics = {key: metric["value"] for key, metric in run.results["metrics"].items() if key in labels}
            metrics = {key: value for key, value in metrics.items() if value is not None}
            scores = [f"{labels[key]} {value:.1f}" for key, value in metrics.items()]
            say(f"{checkpoint.name}, {name}: {', '.join(scores)} ({run.folder})")
            values |= {f"{name}_{key}": value for key, value in metrics.items()}
        return values

    return benchmarks


def _checked(spec: RunSpec) -> str:
    """Return the name of the spec's task. Raises InputError if there is none, or its data cannot be read."""
    task = configure(load_task(spec.task), spec)
    _, source, _ = data_of(spec, task)
    if next(task.samples(source), None) is None:
        raise InputError(f"{source}: has no questions; check that it is the right file or folder")
    return task.name
