"""Complete a run's settings and its identity.

Settings get the defaults of the task, the model and the embedded suites; the identity gets versions, weights and
revisions.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval import regular
from mmeval.configuration import pick_prompt, pick_reading
from mmeval.embedded import SUITES, suite
from mmeval.models import ADAPTERS, Checkpoint, identity_facts, pick_context
from mmeval.provenance import libraries
from mmeval.runs.identity import defaults
from mmeval.runs.run import open_run
from mmeval.spec import RunSpec
from mmeval.startup import import_quickly
from mmeval.task import Task
from mmeval.types import InputError

NEEDS = {"top_p": "temperature", "top_k": "temperature", "length_penalty": "beams"}
"""Options of decoding -> the option without which they have no effect."""
OF_TEXT = (
    "temperature", "beams", "presence_penalty", "repetition_penalty", "min_new_tokens", "max_new_tokens",
    "thinking_tokens",
)  # fmt: skip
"""Options that have no effect if likelihoods are compared."""


def check_effects(spec: RunSpec) -> None:
    """Raise InputError for an option that would change the run's identity and none of its answers."""
    default_spec = defaults(spec)
    changed = [name for name in (*NEEDS, *OF_TEXT) if getattr(spec, name) != getattr(default_spec, name)]
    for name in changed:
        flag = f"--{name.replace('_', '-')}"
        if spec.scoring != "text":
            raise InputError(f"{flag} has no effect with --scoring {spec.scoring}, which writes no text; remove it")
        if name in NEEDS and NEEDS[name] not in changed:
            raise InputError(f"{flag} has no effect without --{NEEDS[name]}; add that, or remove {flag}")


def check_samples(spec: RunSpec, task: Task) -> None:
    """Raise InputError for several sampled answers of a task that compares likelihoods and writes no text."""
    if spec.samples > 1 and (task.candidates is not None or spec.scoring != "text"):
        raise InputError(f"the task '{task.name}' compares likelihoods and samples no answers; remove --samples")


def data_of(spec: RunSpec, task: Task) -> tuple[str, str, RunSpec]:
    """Return the data's name, the source that the task reads, and the spec with an embedded suite's settings.

    Raises InputError if no file can have that name, and for a task without an embedded suite if no data is named.
    """
    data = task.default_source if spec.data is None else spec.data
    if data != "embedded":
        try:
            regular.exists(Path(data))
        except OSError as error:  # too long, a loop of links, no permission
            raise InputError(f"no data at '{data:.80}' ({error.strerror}); name another file or folder") from error
        return data, data, spec
    if task.name not in SUITES:
        hub = "hub (to download it), a folder or a file" if "hub" in task.card else "a folder or a file"
        raise InputError(f"the task '{task.name}' has no embedded suite; name its data with --data: {hub}")
    path = suite(task.name)
    suite_settings = {name: value for name, value in SUITES[task.name].settings.items() if getattr(spec, name) is None}
    return data, str(path), replace(spec, **suite_settings)


def filled(spec: RunSpec, task: Task, checkpoint: Checkpoint) -> RunSpec:
    """Return the spec with None replaced by the task's and the model's defaults, in the fields that apply to them."""
    reading = pick_reading(task, spec) if spec.scoring == "text" else None
    return replace(
        spec,
        prompt=pick_prompt(task, spec.prompt),
        context=pick_context(checkpoint, spec.context),
        reading=reading,
        shots=task.shots if spec.shots is None else spec.shots,
        frames=(spec.frames or task.frames) if task.video is not None else None,
        sampler=(spec.sampler or task.sampler) if task.video is not None else None,
        max_new_tokens=spec.max_new_tokens or task.max_new_tokens,
    )


def dtype(spec: RunSpec, folder: Path | None, checkpoint: Checkpoint) -> str:
    """Resolve `auto`: the dtype of the run in the folder, or for a new run the device's default."""
    if spec.dtype != "auto" or "torch" not in ADAPTERS[checkpoint.adapter].packages:
        return spec.dtype
    if folder is not None and (folder / "run.json").exists():
        return open_run(folder).spec.dtype
    default: str = import_quickly("mmeval.engine.device").default_dtype(spec.device)
    return default


def extra_identity(task: Task, checkpoint: Checkpoint, source: str) -> dict[str, Any]:
    """Return the part of a run's identity that is not in its spec but could change answers or scores."""
    adapter = ADAPTERS[checkpoint.adapter]
    extra: dict[str, Any] = {
        "task_version": task.version,
        "checkpoint": checkpoint.digest,
        "engine": {"version": adapter.version, **libraries(adapter.packages), **identity_facts(checkpoint)},
    }
    if task.facts is not None:
        extra["card"] = dict(task.facts)
    if not checkpoint.local and not checkpoint.revision:
        extra["model_revision"] = "not pinned"
    hub = task.card.get("hub")
    if isinstance(hub, Mapping) and (source == "hub" or source.startswith("hub:")):
        revision = str(hub.get("revision"))
        if not re.fullmatch("[0-9a-f]{40}", revision):
            extra["data_revision"] = f"{revision}, not pinned"
    return extra
