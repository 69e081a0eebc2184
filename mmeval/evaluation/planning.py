"""The first stage: determine a run's questions, model and folder.

It reads the data once, and loads and writes nothing.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmeval import controls, recipes
from mmeval.configuration import check_judge, configure
from mmeval.evaluation.rendering import render
from mmeval.evaluation.settings import check_effects, check_samples, data_of, dtype, extra_identity, filled
from mmeval.evaluation.survey import Survey, survey
from mmeval.files import read_ids
from mmeval.models import ADAPTERS, Checkpoint, ModelOptions, catalogue, check_options, find_model, pick_context
from mmeval.runs.folder import check_removable
from mmeval.runs.identity import data_name, defaults, folder_name, identity
from mmeval.spec import RunSpec
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import InputError, Request, Sample

REPORTS = Path("reports")
"""The default folder of runs."""
CONTROL_RUNS = "controls"
"""Subfolder of a run that holds its runs under controls, each named after its control."""


@dataclass(frozen=True)
class Plan:
    """Everything about a run but the answers."""

    spec: RunSpec
    """With every default filled in; task, model and data are names without folders."""
    task: Task
    checkpoint: Checkpoint
    options: ModelOptions
    source: str
    """The source that the task reads."""
    survey: Survey
    identity: Mapping[str, Any]
    folder: Path
    control: controls.Applied | None = None

    def requests(self, samples: Iterable[Sample]) -> Iterator[tuple[Sample, Request]]:
        """Yield the samples with their requests, changed by the control."""
        rendered = _renderer(self.task, self.spec)
        for sample in samples:
            request = rendered(sample)
            yield (sample, request) if self.control is None else self.control(sample, request, rendered)

    def asked(self, ids: Collection[str]) -> Iterator[Request]:
        """Yield the requests with these ids. Reads the data up to the last of them."""
        remaining = set(ids)
        for _, request in self.requests(sample for sample in self.task.samples(self.source) if sample.id in remaining):
            remaining.remove(request.id)
            yield request
            if not remaining:
                return

    @property
    def by_likelihood(self) -> bool:
        """Tell whether the model is asked for likelihoods, not for texts."""
        return self.spec.scoring != "text" or self.task.candidates is not None


@dataclass(frozen=True)
class _Settled:
    """What a spec names, before the data are read."""

    spec: RunSpec
    task: Task
    checkpoint: Checkpoint
    source: str
    only: tuple[str, ...] | None
    folder: Path
    """The default one."""


def plan(spec: RunSpec, out: str | Path | None = None, *, fresh: bool = False) -> Plan:
    """Find task and checkpoint, and read the data once. Loads and writes nothing. Raises as `evaluate` does."""
    resolved = _settled(spec)
    task, checkpoint, source, settled = resolved.task, resolved.checkpoint, resolved.source, resolved.spec
    folder = Path(out) if out else resolved.folder
    if fresh:
        check_removable(folder)
    settled = replace(settled, dtype=dtype(settled, None if fresh else folder, checkpoint))
    _check_scoring(settled, checkpoint)
    read = survey(lambda: task.samples(source), settled.limit, source)
    if resolved.only is not None:
        read = read.of(resolved.only, str(spec.only_ids))
    full_identity = {**identity(settled), **extra_identity(task, checkpoint, source), "questions": read.questions}
    planned = Plan(settled, task, checkpoint, _options(settled), source, read, full_identity, folder)
    return planned if settled.control is None else _controlled(planned, settled.control)


def default_folder(spec: RunSpec) -> Path:
    """Return the folder of a run whose folder is not chosen. Raises InputError as `plan` does; reads no data."""
    return _settled(spec).folder


def _settled(spec: RunSpec) -> _Settled:
    spec = recipes.apply(spec)
    check_effects(spec)
    known = load_task(spec.task)
    data, source, spec = data_of(spec, known)
    _check_hub(known, source)
    task = configure(known, spec)
    check_judge(known, spec)
    check_samples(spec, task)
    checkpoint = find_model(spec.model)
    check_options(checkpoint, vars(spec), vars(defaults(spec)))
    only = None if spec.only_ids is None else _only(Path(spec.only_ids))
    named = replace(spec, task=task.name, model=checkpoint.name, data=data_name(data), only_ids=only and only[0])
    if spec.control is not None:
        named = replace(named, control=_single_control(spec, task))
    _, _, default_spec = data_of(defaults(named), task)
    settled = filled(named, task, checkpoint)
    if named.control == controls.TEXT:
        checkpoint, settled = _language_model(checkpoint, settled)
    folder = _folder(settled, filled(default_spec, task, checkpoint))
    return _Settled(settled, task, checkpoint, source, only and only[1], folder)


def _check_hub(task: Task, source: str) -> None:
    if source == "hub" and "hub" not in task.card:
        advice = f"; get them from {task.card['source']}" if "source" in task.card else ""
        raise InputError(f"{task.name} is read from its own files, not from a hub{advice}")


def _options(settled: RunSpec) -> ModelOptions:
    assert settled.context is not None
    return ModelOptions(
        settled.context,
        settled.device,
        settled.dtype,
        settled.batch_tokens,
        system=settled.system,
        thinking=settled.thinking,
        model_args=settled.model_args,
        quantize=settled.quantize,
        trust_remote_code=settled.trust_remote_code,
        concurrency=settled.concurrency,
        timeout=settled.timeout,
        first_token=settled.scoring == "first-token",
    )


def _folder(filled: RunSpec, default_spec: RunSpec) -> Path:
    """Return a run's folder. The folder of a run under a control is inside the main run's."""
    main = REPORTS / folder_name(replace(filled, control=None), default_spec)
    return main if filled.control is None else main / CONTROL_RUNS / filled.control


def _only(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the `NAME@DIGEST` by which a run identifies a file of ids, and the ids. Raises InputError."""
    ids = read_ids(path)
    digest = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:12]
    return f"{path.name}@{digest}", ids


def _check_scoring(spec: RunSpec, checkpoint: Checkpoint) -> None:
    if spec.scoring == "first-token" and not ADAPTERS[checkpoint.adapter].first_token:
        raise InputError(
            f"the adapter '{checkpoint.adapter}' has no likelihoods of first tokens; use --scoring likelihood"
        )


def _single_control(spec: RunSpec, task: Task) -> str:
    assert spec.control is not None
    names = controls.expand([spec.control], list(task.prompts))
    if len(names) != 1:
        raise InputError(f"'{spec.control}' names {len(names)} controls; evaluate each, as `mmeval run` does")
    return names[0]


def _language_model(checkpoint: Checkpoint, spec: RunSpec) -> tuple[Checkpoint, RunSpec]:
    """Return a checkpoint's language model, and the spec with its context. Raises InputError if it has none."""
    name = catalogue().get(checkpoint.name, {}).get("language_model")
    alone = find_model(name) if name else replace(checkpoint, adapter="text")
    if ADAPTERS[alone.adapter].load != ADAPTERS[checkpoint.adapter].load:
        reason = f"the adapter '{checkpoint.adapter}' cannot run the language model alone"
        raise controls.ActsOnNothing(f"the control 'text' cannot act: {reason}")
    return alone, replace(spec, context=pick_context(alone, None))


def _controlled(plan: Plan, name: str) -> Plan:
    """Return the plan under a control, limited to questions it can act on. Raises InputError if there are none."""
    ids, rendered = set(plan.survey.ids), _renderer(plan.task, plan.spec)

    def questions() -> Iterator[tuple[Sample, Request, Callable[[Sample], Request]]]:
        return ((sample, rendered(sample), rendered) for sample in plan.task.samples(plan.source) if sample.id in ids)

    applied = controls.Applied(name, questions)
    limited = plan.survey.without(applied.left_out)
    if not limited.ids:
        raise controls.ActsOnNothing(f"the control '{name}' {applied.acts}")
    return replace(plan, survey=limited, control=applied)


def _renderer(task: Task, spec: RunSpec) -> Callable[[Sample], Request]:
    """Return the function that renders a sample with the run's prompt, or with the one that its control names."""
    prompt = spec.prompt
    if spec.control is not None and spec.control.startswith(controls.PROMPT):
        prompt = spec.control.removeprefix(controls.PROMPT)
    assert prompt is not None
    return lambda sample: render(task, sample, prompt, spec.scoring)
