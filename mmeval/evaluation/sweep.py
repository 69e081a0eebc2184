"""Run several evaluations in a row, one run per spec, loading each model once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval.controls import TEXT, ActsOnNothing, about, expand
from mmeval.evaluation import evaluate, preview
from mmeval.evaluation.asking import Loader
from mmeval.evaluation.planning import CONTROL_RUNS, default_folder
from mmeval.evaluation.results import report
from mmeval.files import component, short_digest
from mmeval.models import Checkpoint, ModelOptions, find_model, load_model
from mmeval.runs.identity import named
from mmeval.runs.run import Run
from mmeval.runs.share import of_process
from mmeval.servers.addresses import without_password
from mmeval.spec import RunSpec, options
from mmeval.task_loading import load_task
from mmeval.types import Display, InputError, Model, Preview


def evaluate_all(
    specs: Sequence[RunSpec],
    *,
    out: Path | None = None,
    fresh: bool = False,
    keep_errors: bool = False,
    display: Display | None = None,
    controls: Sequence[str] = (),
    failed: list[str] | None = None,
) -> list[Run]:
    """Evaluate each spec as `evaluate` does, model by model. Several runs get folders under `out`.

    Each run is then asked again under the `controls`, in its subfolder `controls`.

    With a list `failed`, an error in one of several runs is appended to it as a sentence, and the others continue.

    Raises InputError if `out` holds a run itself, for an unknown model (before anything is asked, unless `failed` is
    given), for a model named twice at different addresses, for specs that are the same run or have the same folder, and
    for several seeds where no demonstrations are drawn and no answers sampled, because their spread would be zero.
    """
    display, loader = display or Display(), ModelCache(keep_pictures=bool(controls) or len(specs) > 1)
    if failed is None:  # raise before anything is asked
        for spec in specs:
            find_model(spec.model)
            expand(controls, list(load_task(spec.task).prompts))
    models = list(dict.fromkeys(spec.model for spec in specs))
    _check_servers(models)
    specs = sorted(specs, key=lambda spec: models.index(spec.model))  # each model is loaded once
    several = len(specs) > 1
    _check_seeds(specs)
    if several and out is not None and (out / "run.json").exists():
        raise InputError(f"{out}: holds a run, so it cannot hold several; choose another folder with --out")
    folders = folders_of(specs, out) if several else [out]
    finished = []
    for number, (spec, folder) in enumerate(zip(specs, folders, strict=True), start=1):
        if several:
            display.message(f"run {number} of {len(specs)}: {_described(spec, specs)}")
        try:
            expand(controls, list(load_task(spec.task).prompts))
            run = evaluate(spec, out=folder, fresh=fresh, keep_errors=keep_errors, display=display, load=loader)
            control_runs = under_controls(run, spec, controls, keep_errors=keep_errors, display=display, load=loader)
            if control_runs and run.up_to_date and of_process().alone:
                report(run)  # the page shows the answers under the controls
        except InputError as error:
            if failed is None or not several:
                raise
            failed.append(f"{_described(spec, specs)}: {error}")
            display.message(f"not run: {failed[-1]}")
            continue
        finished.append(run)
    return finished


def under_controls(
    run: Run,
    spec: RunSpec,
    names: Sequence[str],
    *,
    keep_errors: bool = False,
    display: Display | None = None,
    load: Loader | None = None,
) -> list[Run]:
    """Ask a run's questions again under each control, with the settings of `spec`. Resumes unfinished runs.

    Controls that can act on none of the questions are reported with the reason and left out. The control with the
    language model alone is last, because it loads another model.
    """
    display, loader = display or Display(), load or ModelCache(keep_pictures=True)
    task = load_task(spec.task)
    control_names = expand(names, [prompt for prompt in task.prompts if prompt != run.spec.prompt])
    finished = []
    for number, name in enumerate(sorted(control_names, key=lambda control: control == TEXT), start=1):
        display.message(f"control {name}, {number} of {len(control_names)}: {about(name)}")
        folder = run.folder / CONTROL_RUNS / name
        control_spec = replace(spec, control=name)
        try:
            finished.append(evaluate(control_spec, out=folder, keep_errors=keep_errors, display=display, load=loader))
        except ActsOnNothing as reason:
            display.message(f"not run: {reason}")
    return finished


def previews(spec: RunSpec, names: Sequence[str]) -> Iterator[Preview | str]:
    """Yield a run's first prompts, then for each control its description and its first prompts or why it cannot act."""
    yield preview(spec)
    task = load_task(spec.task)
    main_prompt = spec.prompt or next(iter(task.prompts))
    for name in expand(names, [prompt for prompt in task.prompts if prompt != main_prompt]):
        yield f"control {name}: {about(name)}"
        try:
            yield preview(replace(spec, control=name))
        except ActsOnNothing as reason:
            yield f"not run: {reason}"


class ModelCache:
    """Loads models for evaluations, and keeps the last one loaded.

    `keep_pictures`: the evaluations show the same pictures, so the model keeps them encoded as far as memory allows.
    """

    def __init__(self, *, keep_pictures: bool = False) -> None:
        self._keep_pictures = keep_pictures
        self._loaded: tuple[Checkpoint, ModelOptions, Model] | None = None

    def __call__(self, checkpoint: Checkpoint, options: ModelOptions) -> Model:
        """Return the model, loading it unless it is loaded already."""
        options = replace(options, keep_pictures=self._keep_pictures)
        if self._loaded is None or self._loaded[:2] != (checkpoint, options):
            self._loaded = None  # free it first: two models may not fit
            self._loaded = (checkpoint, options, load_model(checkpoint, options))
        return self._loaded[2]


def _check_servers(models: Sequence[str]) -> None:
    spellings: dict[str, str] = {}
    for model in models:
        earlier = spellings.setdefault(_model(model), model)
        if earlier != model:
            raise InputError(
                f"{without_password(earlier)} and {without_password(model)} are the same model, so its runs are the "
                "same; name both addresses at once, as in server:URL,URL#MODEL, or compare them with `mmeval parity`"
            )


def _check_seeds(specs: Sequence[RunSpec]) -> None:
    for task in dict.fromkeys(spec.task for spec in specs):
        task_specs = [spec for spec in specs if spec.task == task]
        seeds = {spec.seed for spec in task_specs if not spec.temperature}  # else answers are sampled by the seed
        if len(seeds) > 1 and load_task(task).few_shot is None:
            raise InputError(f"the task '{task}' has no demonstrations to draw; remove --seeds, or add --temperature")


def _varied(spec: RunSpec, specs: Sequence[RunSpec]) -> dict[str, Any]:
    """Return this spec's values of the settings in which the specs differ, except task and model."""
    names = (name for name in options() if name not in ("task", "model"))
    return {name: getattr(spec, name) for name in names if len({getattr(other, name) for other in specs}) > 1}


def _described(spec: RunSpec, specs: Sequence[RunSpec]) -> str:
    """Describe a spec among the others: `mme with mmicl-tiny, seed 1`."""
    varied = (f"{name.replace('_', ' ')} {value}" for name, value in _varied(spec, specs).items())
    return ", ".join((f"{spec.task} with {_model(spec.model)}", *varied))


def _model(model: str) -> str:
    """Return a model's name; a server's is without its addresses, which may change and may hold passwords."""
    adapter, _, source = model.partition(":")
    name = source.partition("#")[2]
    return f"{adapter}:{name}" if adapter == "server" and name else without_password(model)


def folders_of(specs: Sequence[RunSpec], out: Path | None) -> list[Path | None]:
    """Return a folder for each spec; under `out`, it is named after the differences: `seed1`, `mme-blip2-tiny-seed0`.

    It is None for a spec that cannot be run. Raises InputError for specs that are the same run, and for two that have
    the same folder without `out`.
    """
    for name in _varied(specs[0], specs):
        if not options()[name].identifies and name != "recipe":
            first, second = list(dict.fromkeys(getattr(spec, name) for spec in specs))[:2]
            raise InputError(f"{name} is {first} and {second}, but it does not make another run; give one value")
    folders: list[Path | None] = []
    for spec in specs:
        try:
            folders.append(default_folder(spec) if out is None else out / _name(spec, specs))
        except InputError:  # `evaluate` says what is wrong with the spec
            folders.append(None)
    for folder in {path for path in folders if path is not None and folders.count(path) > 1}:
        indices = [index for index, path in enumerate(folders) if path == folder]
        runs = [_described(specs[index], specs) for index in indices]
        if out is None:
            raise InputError(f"{runs[0]} and {runs[1]} have the same folder, {folder}; add --out to give each its own")
        for index, text in zip(indices, runs, strict=True):
            folders[index] = folder.with_name(f"{folder.name}-{short_digest(text)}")
    return folders


def _name(spec: RunSpec, specs: Sequence[RunSpec]) -> str:
    """Name a run's folder after what distinguishes it; a task or a model in a folder is named without the folder."""
    parts = [named(name, value) for name, value in _varied(spec, specs).items()]
    if any(replace(spec, seed=0) != replace(other, seed=0) for other in specs):
        checkpoint = find_model(spec.model)
        parts = [load_task(spec.task).name, checkpoint.name if checkpoint.local else _model(spec.model), *parts]
    return component("-".join(parts))
