"""The Python door: from names and settings to a scored run. The command line goes through it too.

It joins a task, a model and a run folder; the loop itself is `loop`, the drawing is `reporting`.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval import loop
from mmeval import run as runs
from mmeval.embedded import suite
from mmeval.models import Checkpoint, ModelOptions, find_model, load_model, pick_context
from mmeval.provenance import provenance
from mmeval.scoring import judge as judges
from mmeval.scoring.judge import Judge, Verdicts
from mmeval.spec import How
from mmeval.task import Task, load_task, pick_prompt, task_of, variant
from mmeval.types import Generation, Image, InputError, Model, Record

REPORTS = Path("reports")
"""Where runs land unless told otherwise."""
PREVIEWED = 3
"""Prompts that a preview shows."""


def evaluate(
    model: str,
    task: str,
    *,
    data: str | None = None,
    out: str | Path | None = None,
    prompt: str | None = None,
    context: str | None = None,
    limit: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    batch_tokens: int | None = None,
    beams: int = 1,
    max_new_tokens: int | None = None,
    seed: int = 0,
    shots: int | None = None,
    frames: int | None = None,
    sampler: str | None = None,
    reading: str | None = None,
    by: str = "text",
    partial: bool = False,
    early_stop: bool = False,
    judge: str | None = None,
    judge_model: str | None = None,
    fresh: bool = False,
    progress: loop.Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
    load: Callable[[Checkpoint, ModelOptions], Model] | None = None,
) -> runs.Run:
    """Evaluates a model on a task and returns the run, scored; a run that was begun goes on.

    `model` is a catalogue name, a checkpoint folder or `adapter:source`; `task` a name or a card's file; `data` is
    `embedded`, `hub`, a folder or a table, and for None the task's own; `limit` asks that many samples, whole groups,
    evenly from all categories. `progress` gets (answers so far, answers in all), `say` a line now and then. Raises
    InputError for anything wrong with the input, RunMismatch if `out` holds another run, Unsupported for a prompt
    the model cannot take.

    For videos: `frames` of each are shown, chosen by `sampler`; both are part of the run's identity.

    For few-shot tasks: `shots` demonstrations before each question, drawn by `seed`. `load` loads the model, where
    several evaluations share one (`evaluate_seeds`).

    For multiple choice: `reading` is the generation of the public heuristics that `official` reads by; `by`
    is `text`, or a way to choose by likelihood; `partial` counts questions that lack turns by those that they
    have; `early_stop` does not ask what is lost; `judge` is the URL of a server that is asked about what no
    scorer can read, and `judge_model` its model.
    """
    how = How(
        reading=reading,
        by=by,
        partial=partial,
        early_stop=early_stop,
        shots=shots,
        frames=frames,
        sampler=sampler,
        seed=seed,
    )
    check_judge(judge, judge_model)
    the_task = how.task(task, judged=judge is not None)
    data = data or the_task.default_source
    checkpoint = find_model(model)
    prompt = pick_prompt(the_task, prompt)
    context = pick_context(checkpoint, context)
    plan = loop.survey(the_task.samples(_source(the_task, data)), limit)
    folder = Path(out) if out else default_folder(the_task, checkpoint, data, prompt, context, limit, how)
    if fresh:
        runs.check_removable(folder)
    settings = ModelOptions(context, device, _dtype(dtype, device, None if fresh else folder, checkpoint), batch_tokens)
    generation = Generation(max_new_tokens or the_task.max_new_tokens, beams)
    identity = {
        "task": {
            "name": the_task.name,
            "version": the_task.version,
            "prompt": prompt,
            **how.identity(the_task, data),
        },
        "data": {"source": data_name(data), "digest": plan.digest, "limit": limit, **unpinned(the_task, data)},
        "model": {
            "name": checkpoint.name,
            "checkpoint": checkpoint.digest,
            "context": context,
            "dtype": settings.dtype,
            **({} if checkpoint.local or checkpoint.revision else {"revision": "not pinned"}),
        },
        "generation": {"max_new_tokens": generation.max_new_tokens, "beams": beams, "seed": seed},
    }
    run = None if fresh else runs.begun(folder, identity)
    if run is not None and run.complete:
        say(f"{folder}: all {len(plan.ids)} answers are there; scored again without the model")
    else:
        loaded = (load or load_model)(checkpoint, settings)
        loop.check_pictures(loaded, plan)
        if fresh:  # only now, and a new folder too: a model that does not load changes nothing
            runs.remove(folder)
        run = runs.create(folder, identity, len(plan.ids))
        run.note(provenance(batch_tokens, device))
        _seed(seed)
        loop.ask(
            the_task,
            loaded,
            run,
            the_task.samples(_source(the_task, data)),
            plan,
            prompt=prompt,
            generation=generation,
            progress=progress or (lambda done, total: None),
            weigh=by != "text",
            early_stop=early_stop,
        )
    rescore(run, judge=judge, judge_model=judge_model, say=say)
    return run


def evaluate_seeds(
    model: str,
    task: str,
    seeds: Sequence[int],
    *,
    out: str | Path | None = None,
    progress: loop.Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
    **more: Any,
) -> list[runs.Run]:
    """Evaluates once for each seed, as `evaluate` does with `more`; each run has a folder of its own, under `out`.

    The model is loaded once. Raises InputError for a seed that is named twice, and for a task that draws
    nothing by its seed: a spread of zero would say nothing.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"the seeds are {', '.join(map(str, seeds)) or 'none'}; name each once, as in 0,1,2")
    if load_task(task).few_shot is None:
        raise InputError(f"the task '{task}' has no demonstrations to draw; leave out --seeds")
    if out is not None and (Path(out) / "run.json").exists():
        raise InputError(f"{out}: a run, and the folders of several are to go into it; name another with --out")
    held: list[tuple[Checkpoint, ModelOptions, Model]] = []

    def load(checkpoint: Checkpoint, settings: ModelOptions) -> Model:
        if not held or held[0][:2] != (checkpoint, settings):
            held[:] = [(checkpoint, settings, load_model(checkpoint, settings))]
        return held[0][2]

    found = []
    for index, seed in enumerate(seeds):
        say(f"seed {seed}, {index + 1} of {len(seeds)}")

        def report(done: int, total: int, before: int = index) -> None:
            if progress is not None:
                progress(before * total + done, len(seeds) * total)

        folder = None if out is None else Path(out) / f"seed{seed}"
        found.append(evaluate(model, task, out=folder, seed=seed, progress=report, say=say, load=load, **more))
    return found


def rescore(
    run: runs.Run,
    *,
    judge: str | None = None,
    judge_model: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Scores a run's records again, without the model, and writes `scores.json`.

    With a `judge`, what cannot be read is asked of it; its replies are kept in the folder, in `judge.jsonl`.
    """
    check_judge(judge, judge_model)
    task, records, verdicts = task_of(run.identity), run.records, None
    if judge is None and (run.folder / "judge.jsonl").exists():
        say("scored without the judge that was asked before; --judge and --judge-model use its replies again")
    if judge is not None and judge_model is not None:
        task_of(run.identity, Verdicts())  # raises where there is nothing for a judge to read
        asked = Judge(judge, judge_model, run.folder / "judge.jsonl")
        verdicts = judges.ask(asked, loop.unread(task, records), say)
        task = task_of(run.identity, verdicts)
    results = loop.score(task, records)
    if verdicts is not None:
        results["judge"] = verdicts.to_json()
        results["remarks"].append(verdicts.remark(len(records)))
    runs.write_json(run.folder / "scores.json", results)
    return results


def check_judge(judge: str | None, judge_model: str | None) -> None:
    """Raises InputError where one is given without the other, and for an address that is none."""
    if (judge is None) != (judge_model is None):
        raise InputError("a judge is a server and a model; give both --judge URL and --judge-model NAME")
    if judge is not None:
        judges.check_address(judge)


def score_predictions(
    task: str, path: str, *, reading: str | None = None, partial: bool = False
) -> tuple[Task, list[Record], dict[str, Any]]:
    """The task, records and scores of a benchmark's own predictions format, ours or anybody's, without a model."""
    the_task = variant(load_task(task), reading=reading, partial=partial)
    if the_task.read_predictions is None:
        raise InputError(f"the task '{task}' has no predictions format of its own; score a run folder instead")
    records = the_task.read_predictions(path)
    return the_task, records, loop.score(the_task, records)


@dataclass(frozen=True)
class Preview:
    """What a run would ask, and of whom."""

    reads: str
    """The data and the checkpoint that would be read."""
    prompts: tuple[tuple[str, str, int], ...]
    """The first ones: (sample id, prompt as the model will see it or why it cannot, its length in tokens)."""


def preview(
    model: str,
    task: str,
    how: How,
    *,
    data: str | None = None,
    prompt: str | None = None,
    context: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    judge: str | None = None,
    judge_model: str | None = None,
) -> Preview:
    """The first prompts as the model will see them, and what would be read. Nothing is asked or written.

    What `evaluate` refuses is refused.
    """
    check_judge(judge, judge_model)
    the_task = how.task(task, judged=judge is not None)
    data = data or the_task.default_source
    checkpoint = find_model(model)
    plan = loop.survey(the_task.samples(_source(the_task, data)))
    settings = ModelOptions(pick_context(checkpoint, context), device, _dtype(dtype, device, None, checkpoint))
    loaded = load_model(checkpoint, settings)
    loop.check_pictures(loaded, plan)
    prompt = pick_prompt(the_task, prompt)
    first = itertools.islice(the_task.samples(_source(the_task, data)), PREVIEWED)
    weigh = how.by != "text" or the_task.candidates is not None
    requests = {request.id: request for request in (loop.render(the_task, s, prompt, weigh) for s in first)}
    shown = [loaded.preview(request) for request in requests.values()]
    reads = (
        f"data: {data}, {len(plan.ids)} samples; model: {checkpoint.name} from {checkpoint.source or 'nowhere'}; "
        f"prompt: {prompt}; context: {settings.context}"
    )
    prompts = []
    for found in shown:
        sent = found.sent if found.error is None else f"cannot be sent: {found.error}"
        weighed = "".join(f"\n[weighed: {candidate}]" for candidate in requests[found.id].candidates)
        prompts.append((found.id, sent + weighed, found.input_tokens))
    return Preview(reads, tuple(prompts))


def pictures(task: str, data: str | None, how: How) -> Callable[[Collection[str]], dict[str, tuple[Image, ...]]]:
    """What finds the pictures of a run's questions by sample id, for the page; videos are not decoded once more."""
    the_task = how.task(task)
    source = data or the_task.default_source
    if the_task.video is not None:
        return lambda ids: {}
    return lambda ids: loop.pictures(the_task.samples(_source(the_task, source)), ids)


def unpinned(task: Task, data: str) -> dict[str, str]:
    """For data of the hub whose revision is no commit, and so may hold something else tomorrow: that revision."""
    hub = task.card.get("hub")
    if not isinstance(hub, Mapping) or not (data == "hub" or data.startswith("hub:")):
        return {}
    revision = str(hub.get("revision"))
    return {} if re.fullmatch("[0-9a-f]{40}", revision) else {"revision": f"{revision}, not pinned"}


def _source(task: Task, data: str) -> str:
    """The path of the embedded suite, where that is meant."""
    return str(suite(task.name)) if data == "embedded" else data


def data_name(data: str) -> str:
    """What a run remembers of where its data came from: the last part of a path, not this machine's folders."""
    return data if data in ("embedded", "hub") else Path(data).resolve().name


def default_folder(
    task: Task,
    checkpoint: Checkpoint,
    data: str,
    prompt: str,
    context: str,
    limit: int | None,
    how: How,
) -> Path:
    """`reports/TASK-MODEL-DATA`, and whatever is not the default."""
    extras = [
        *([prompt] if prompt != pick_prompt(task, None) else []),
        *([context] if context != pick_context(checkpoint, None) else []),
        *([f"limit{limit}"] if limit else []),
        *how.suffix(task),
    ]
    name = "-".join([task.name, checkpoint.name, data_name(data), *extras])
    return REPORTS / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _dtype(dtype: str, device: str, folder: Path | None, checkpoint: Checkpoint) -> str:
    """`auto` is the dtype that the run in the folder began with; for a new run bf16 on a GPU and float32 on a CPU."""
    if dtype != "auto" or checkpoint.adapter == "constant":
        return dtype
    if folder is not None and (folder / "run.json").exists():
        return str(runs.open_run(folder).identity["model"]["dtype"])
    from mmeval.engine.device import default_dtype

    return default_dtype(device)


def _seed(seed: int) -> None:
    """Seeds torch where the model brought it; greedy and beam answers do not draw, adapters to come may."""
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)
