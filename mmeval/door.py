"""The Python door: from names and settings to a scored run. The command line goes through it too.

It joins a task, a model and a run folder; the loop itself is `loop`, the drawing is `reporting`.
"""

from __future__ import annotations

import itertools
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from mmeval import loop
from mmeval import run as runs
from mmeval.models import Checkpoint, Settings, find_model, load_model, pick_context
from mmeval.task import Task, load_task
from mmeval.types import Generation, InputError, Record, nearest

REPORTS = Path("reports")
"""Where runs land unless told otherwise."""

_PACKAGES = ("mmeval-harness", "torch", "transformers", "tokenizers", "pillow", "numpy", "scipy")


def evaluate(
    model: str,
    task: str,
    *,
    data: str = "embedded",
    out: str | Path | None = None,
    wording: str | None = None,
    context: str | None = None,
    limit: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int = 16384,
    beams: int = 1,
    max_new_tokens: int | None = None,
    seed: int = 0,
    fresh: bool = False,
    progress: loop.Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> runs.Run:
    """Evaluates a model on a task and returns the run, scored; a run that was begun goes on.

    `model` is a catalogue name, a checkpoint folder or `adapter:source`; `data` is `embedded`, `hub`, a
    folder or a table; `limit` asks that many samples, whole groups, evenly from all categories. `progress`
    gets (answers so far, answers in all), `say` a line now and then. Raises InputError for anything wrong
    with the input, RunMismatch if `out` holds another run, Unsupported for a prompt the model cannot take.
    """
    the_task = load_task(task)
    checkpoint = find_model(model)
    wording = pick_wording(the_task, wording)
    context = pick_context(checkpoint, context)
    plan = loop.survey(the_task.samples(data), limit)
    folder = Path(out) if out else default_folder(the_task, checkpoint, data, wording, context, limit)
    if fresh:
        runs.remove(folder)
    settings = Settings(context, device, _dtype(dtype, device, folder, checkpoint), batch_tokens)
    generation = Generation(max_new_tokens or the_task.max_new_tokens, beams)
    identity = {
        "task": {"name": the_task.name, "version": the_task.version, "wording": wording},
        "data": {"source": data_name(data), "digest": plan.digest, "limit": limit},
        "model": {
            "name": checkpoint.name,
            "checkpoint": checkpoint.digest,
            "context": context,
            "dtype": settings.dtype,
        },
        "generation": {"max_new_tokens": generation.max_new_tokens, "beams": beams, "seed": seed},
    }
    run = runs.begun(folder, identity)
    if run is not None and run.complete:
        say(f"{folder}: all {len(plan.ids)} answers are there; scored again without the model")
    else:
        loaded = load_model(checkpoint, settings)
        loop.check_pictures(loaded, plan)
        run = runs.create(folder, identity, len(plan.ids))  # only now: a model that does not load leaves no folder
        run.note(provenance(batch_tokens, device))
        _seed(seed)
        loop.ask(
            the_task,
            loaded,
            run,
            the_task.samples(data),
            plan,
            wording=wording,
            generation=generation,
            progress=progress or (lambda done, total: None),
        )
    rescore(run)
    return run


def rescore(run: runs.Run) -> dict[str, Any]:
    """Scores a run's records again, without the model, and writes `scores.json`."""
    results = loop.score(load_task(run.identity["task"]["name"]), run.records)
    runs.write_json(run.folder / "scores.json", results)
    return results


def score_predictions(task: str, path: str) -> tuple[list[Record], dict[str, Any]]:
    """The records and scores of a benchmark's own predictions format, ours or anybody's, without a model."""
    the_task = load_task(task)
    if the_task.read_predictions is None:
        raise InputError(f"the task '{task}' has no predictions format of its own; score a run folder instead")
    records = the_task.read_predictions(path)
    return records, loop.score(the_task, records)


@dataclass(frozen=True)
class Preview:
    """What a run would ask, and of whom."""

    reads: str
    """The data and the checkpoint that would be read."""
    prompts: tuple[tuple[str, str, int], ...]
    """The first ones: (sample id, prompt as the model will see it or why it cannot, its length in tokens)."""


def preview(model: str, task: str, *, data: str, wording: str | None, context: str | None, count: int = 3) -> Preview:
    """The first prompts as the model will see them, and what would be read. Nothing is asked or written."""
    the_task = load_task(task)
    checkpoint = find_model(model)
    plan = loop.survey(the_task.samples(data))
    settings = Settings(pick_context(checkpoint, context))
    loaded = load_model(checkpoint, settings)
    loop.check_pictures(loaded, plan)
    wording = pick_wording(the_task, wording)
    first = itertools.islice(the_task.samples(data), count)
    shown = [loaded.preview(loop.render(the_task, sample, wording)) for sample in first]
    reads = (
        f"data: {data}, {len(plan.ids)} samples; model: {checkpoint.name} from {checkpoint.source or 'nowhere'}; "
        f"wording: {wording}; context: {settings.context}"
    )
    prompts = ((r.id, r.sent if r.error is None else f"cannot be sent: {r.error}", r.tokens) for r in shown)
    return Preview(reads, tuple(prompts))


def pick_wording(task: Task, wording: str | None) -> str:
    """The wording asked for, or the task's default. Raises InputError naming those that it has."""
    if wording is not None and wording not in task.wordings:
        raise InputError(
            f"the task '{task.name}' has no wording '{wording}'{nearest(wording, task.wordings)}; "
            f"it has: {', '.join(task.wordings)}"
        )
    return wording or next(iter(task.wordings))


def data_name(data: str) -> str:
    """What a run remembers of where its data came from: the last part of a path, not this machine's folders."""
    return data if data in ("embedded", "hub") else Path(data).resolve().name


def default_folder(
    task: Task, checkpoint: Checkpoint, data: str, wording: str, context: str, limit: int | None
) -> Path:
    """`reports/TASK-MODEL-DATA`, and whatever of wording, context and limit is not the default."""
    extras = [
        *([wording] if wording != pick_wording(task, None) else []),
        *([context] if context != pick_context(checkpoint, None) else []),
        *([f"limit{limit}"] if limit else []),
    ]
    name = "-".join([task.name, checkpoint.name, data_name(data), *extras])
    return REPORTS / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def provenance(batch_tokens: int, device: str) -> dict[str, Any]:
    """Where a sitting ran: time, commit, packages, machine. Nothing here identifies the run."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.machine()}",
        "device": device,
        "batch_tokens": batch_tokens,
    }


def _dtype(dtype: str, device: str, folder: Path, checkpoint: Checkpoint) -> str:
    """`auto` is the dtype that the run began with; for a new run bf16 on a GPU and float32 on a CPU."""
    if dtype != "auto" or checkpoint.adapter == "constant":
        return dtype
    if (folder / "run.json").exists():
        return str(runs.open_run(folder).identity["model"]["dtype"])
    from mmeval.engine.device import default_dtype

    return default_dtype(device)


def _seed(seed: int) -> None:
    """Seeds torch where the model brought it; greedy and beam answers do not draw, adapters to come may."""
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)


def _commit() -> str | None:
    """This code's commit, with `-dirty` where files were changed; None where it is installed from a wheel."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None  # no git on this machine, or a checkout that is not the user's own


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
