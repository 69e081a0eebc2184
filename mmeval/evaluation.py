"""The four stages of an evaluation: plan, ask, score, report; and `evaluate`, their composition.

The stages are given a task and a model as values. What a sample looks like to a model is `rendering`'s, what an answer
is worth `scored`'s, what is drawn `reporting`'s.
"""

import hashlib
import itertools
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmeval import controls, recipes, records, reuse
from mmeval import run as runs
from mmeval.client import check_address
from mmeval.embedded import SUITES, suite
from mmeval.files import read_ids
from mmeval.models import (
    ADAPTERS,
    Checkpoint,
    ModelOptions,
    catalogue,
    check_options,
    find_model,
    load_model,
    pick_context,
    pixels,
)
from mmeval.provenance import libraries, provenance, usage, versions
from mmeval.records import Journal
from mmeval.rendering import Preview, record, render
from mmeval.run import Run
from mmeval.scored import Scored, score_records
from mmeval.scoring import judge as judges
from mmeval.scoring.judge import Judge, Verdicts
from mmeval.scoring.metrics.circular import EarlyStop
from mmeval.share import WHOLE, Share, of_process
from mmeval.spec import RunSpec, data_name, defaults, folder_name, from_mapping, identity
from mmeval.survey import Survey, check_pictures, data_remarks, survey
from mmeval.task import Task, configure, load_task, pick_prompt
from mmeval.types import Display, Generation, InputError, Model, Record, Request, Response, Sample

REPORTS = Path("reports")
"""Where runs land unless told otherwise."""
WINDOW = 512
"""Samples whose questions are asked turn by turn, with early stopping."""

CONTROL_RUNS = "controls"
"""Folder of a run that holds its runs under controls, each by the control's name."""

Loader = Callable[[Checkpoint, ModelOptions], Model]


@dataclass(frozen=True)
class Plan:
    """What a run will ask, and of whom: everything but the answers."""

    spec: RunSpec
    """Every default filled in; task, model and data by name, without folders."""
    task: Task
    checkpoint: Checkpoint
    options: ModelOptions
    source: str
    """What the task reads."""
    survey: Survey
    identity: Mapping[str, Any]
    folder: Path
    control: controls.Applied | None = None

    def requests(self, samples: Iterable[Sample]) -> Iterator[tuple[Sample, Request]]:
        """Yield the samples with what a model is asked, as the control changes them."""
        put = _renderer(self.task, self.spec)
        for sample in samples:
            yield (sample, put(sample)) if self.control is None else self.control(sample, put(sample), put)

    def asked(self, ids: Collection[str]) -> Iterator[Request]:
        """Yield what the model is asked with these ids; the data is read as far as the last of them."""
        left = set(ids)
        for _, request in self.requests(sample for sample in self.task.samples(self.source) if sample.id in left):
            left.remove(request.id)
            yield request
            if not left:
                return

    @property
    def by_likelihood(self) -> bool:
        """Tell whether the model is asked for likelihoods, not for texts."""
        return self.spec.scoring != "text" or self.task.candidates is not None


def evaluate(
    spec: RunSpec | None = None,
    *,
    out: str | Path | None = None,
    fresh: bool = False,
    keep_errors: bool = False,
    display: Display | None = None,
    load: Loader | None = None,
    **values: Any,
) -> Run:
    """Evaluate a model on a task and return the run, scored and reported; a run that was begun goes on.

    Give a RunSpec, or its fields by name: `evaluate(model="mmicl-tiny", task="mme")`. `out` is the run's folder,
    `reports/TASK-MODEL-DATA` by default. Answers that ended in an error are asked again unless `keep_errors`; `fresh`
    deletes the run in the folder and starts over. `load` loads the model where several evaluations share one.

    Started by a launcher (`share`), each of several processes asks its part, and the last to finish scores and reports;
    the others return a run that is not `up_to_date`.

    Raises InputError for anything wrong with the input, RunMismatch if the folder holds another run, Unsupported for
    a prompt that the model cannot take.
    """
    display = display or Display()
    planned, share = plan(_spec(spec, values), out, fresh=fresh), of_process()
    run = ask(planned, fresh=fresh, keep_errors=keep_errors, display=display, load=load, share=share)
    with runs.held(run.folder, share):
        if not share.alone:
            run = runs.open_run(run.folder)  # as the other processes have left it
            if run.up_to_date or run.samples_asked < run.samples_planned:
                left = run.samples_planned - run.samples_asked
                display.message(f"{run.folder}: the part of rank {share.rank} is done; {left:,} questions are others'")
                return run
        score(run, judge=planned.spec.judge, judge_model=planned.spec.judge_model, display=display)
        if planned.control is None:  # a run under a control is read beside the main one: `mmeval bias`
            report(run, planned.asked)
    return run


def plan(spec: RunSpec, out: str | Path | None = None, *, fresh: bool = False) -> Plan:
    """Find task and checkpoint, and read the data once. Nothing is loaded or written. Raises as `evaluate` does."""
    spec = recipes.apply(spec)
    _check_judge(spec)
    data, source, spec = data_of(spec, load_task(spec.task))
    task = configure(load_task(spec.task), spec)
    if spec.judge is not None:
        configure(load_task(spec.task), spec, Verdicts())  # raises where there is nothing for a judge to read
    checkpoint = find_model(spec.model)
    check_options(checkpoint, vars(spec), vars(defaults(spec)))
    only = None if spec.only_ids is None else _only(Path(spec.only_ids))
    named = replace(spec, task=task.name, model=checkpoint.name, data=data_name(data), only_ids=only and only[0])
    if spec.control is not None:
        named = replace(named, control=_one_control(spec, task))
    _, _, usual = data_of(defaults(named), task)
    filled = _filled(named, task, checkpoint)
    if named.control == controls.TEXT:
        checkpoint, filled = _language_model(checkpoint, filled)
    folder = Path(out) if out else _folder(filled, _filled(usual, task, checkpoint))
    if fresh:
        runs.check_removable(folder)
    filled = replace(filled, dtype=_dtype(filled, None if fresh else folder, checkpoint))
    assert filled.context is not None
    _check_scoring(filled, checkpoint)
    options = ModelOptions(
        filled.context,
        filled.device,
        filled.dtype,
        filled.batch_tokens,
        system=filled.system,
        thinking=filled.thinking,
        model_args=filled.model_args,
        quantize=filled.quantize,
        trust_remote_code=filled.trust_remote_code,
        concurrency=filled.concurrency,
        first_token=filled.scoring == "first-token",
    )
    found = survey(task.samples(source), spec.limit)
    if only is not None:
        found = _of_these(found, only[1], spec.only_ids)
    whole = {**identity(filled), **_identity(task, checkpoint, source), "questions": found.questions}
    whole_plan = Plan(filled, task, checkpoint, options, source, found, whole, folder)
    return whole_plan if named.control is None else _controlled(whole_plan, named.control)


def ask(
    plan: Plan, *, fresh: bool, keep_errors: bool, display: Display, load: Loader | None = None, share: Share = WHOLE
) -> Run:
    """Ask what the run does not hold yet of this process's share, and append each answer as it comes; returns the run.

    Records of an error, and of samples whose pictures have changed since, are asked again. The model is loaded only
    where there is something to ask. Raises Unsupported, before anything is asked, if a prompt has more pictures than
    the model takes.
    """
    if fresh and not share.alone:
        raise InputError("--fresh deletes the run, and other processes are at work on it; delete the folder before")
    with runs.held(plan.folder, share) if plan.folder.exists() else nullcontext():
        run = None if fresh else runs.begun(plan.folder, plan.identity)
    if run is not None and not _missing(plan, run, keep_errors, share):
        kept = "" if run.complete else "; the errors among them are kept (--keep-errors)"
        count = sum(map(share.has, plan.survey.groups.values()))
        display.message(f"{plan.folder}: all {count} answers are there{kept}; the model is not loaded")
        return run
    for notice in plan.task.notices(plan.survey.categories):
        display.message(notice)
    missing = _missing(plan, run, keep_errors, share)
    reused = [] if fresh else _reused(plan, missing, display)
    model = None
    if len(reused) < len(missing):
        model = (load or load_model)(plan.checkpoint, plan.options)
        check_pictures(model, plan.survey)
        if plan.by_likelihood and not hasattr(model, "loglikelihood"):
            raise InputError(f"{model.name} has no loglikelihood, which this task or --scoring asks for")
    if fresh:  # only now: a model that does not load changes nothing
        runs.remove(plan.folder)
    about = {"data_digest": plan.survey.digest, "pictures": dict(plan.survey.pictures)}
    if plan.control is not None:
        about["control"] = {"about": controls.about(plan.control.name), "acts": plan.control.acts}
    plan.folder.mkdir(parents=True, exist_ok=True)
    with runs.held(plan.folder, share):
        run = runs.create(plan.folder, plan.identity, plan.survey.ids, plan.survey.available)
        run.note(provenance(plan.spec) | ({"reused": len(reused)} if reused else {}), **about)
    _seed(plan.spec.seed)
    with run.journal(share) as journal:
        wanted = _missing(plan, run, keep_errors, share)
        _announce(plan, run, wanted, display)
        for answer in reused:
            if answer.id in wanted:  # no other process has answered it meanwhile
                journal.append(answer)
                wanted.remove(answer.id)
        try:
            if model is not None:
                _ask(plan, model, run, journal, wanted, display, share)
        finally:
            if used := getattr(model, "counted", None):  # an adapter may count what it uses
                run.note_used(**used)
    return run


def score(
    run: Run, *, judge: str | None = None, judge_model: str | None = None, display: Display | None = None
) -> Scored:
    """Judge a run's records, without the model, and write `scores.json` and `samples.jsonl`.

    With a `judge`, what cannot be read is asked of it; its replies are kept in the folder, in `judge.jsonl`.
    """
    display = display or Display()
    spec = replace(run.spec, judge=judge, judge_model=judge_model)
    _check_judge(spec)
    whole = load_task(spec.task, run.identity.get("card"))
    scored = score_records(configure(whole, spec), run.records)
    verdicts = None
    if judge is not None and judge_model is not None:
        configure(whole, spec, Verdicts())  # raises where there is nothing for a judge to read
        verdicts = judges.ask(Judge(judge, judge_model, run.folder / "judge.jsonl"), scored.unread, display.message)
        scored = scored.judged_by(configure(whole, spec, verdicts))
    elif (run.folder / "judge.jsonl").exists():
        display.message("scored without the judge that was asked before; --judge and --judge-model use its replies")
    results = scored.results()
    results |= {"answered": run.samples_answered, "planned": run.samples_planned, "marks": run.marks}
    results["remarks"] += [*data_remarks(run.header.get("pictures", {})), *_of_sessions(run), *run.remarks]
    if verdicts is not None:
        results["judge"] = verdicts.to_json()
        results["remarks"].append(verdicts.remark(len(scored.records)))
    run.save(results, scored.samples())
    return scored


def current(run: Run) -> Run:
    """Return the run, scored and reported where it was not, or its records have changed since."""
    if run.stale:
        score(run)
        report(run)
    return run


def report(run: Run, find: Callable[[Collection[str]], Iterable[Request]] | None = None) -> list[Path]:
    """Write a scored run's tables, figures, page and the benchmark's own results; returns the paths, the page first.

    `find` yields what was asked with these ids, for the pictures on the page; those on an earlier page are kept.
    """
    from mmeval.reporting import run_report

    return run_report.write(run, find)


def preview(spec: RunSpec) -> Preview:
    """Return the first prompt of each category as the model will see it. Nothing is asked or written.

    What `evaluate` refuses is refused.
    """
    planned = plan(spec)
    model = load_model(planned.checkpoint, planned.options)
    check_pictures(model, planned.survey)
    first: dict[str, Sample] = {}
    for sample in planned.task.samples(planned.source):
        if planned.control is not None and sample.id not in planned.survey.samples:
            continue
        if first.setdefault(sample.category, sample) is sample and len(first) == len(planned.survey.categories):
            break
    prompts = []
    for sample, request in planned.requests(first.values()):
        sent = model.preview(request)
        text = sent.sent if sent.error is None else f"cannot be sent: {sent.error}"
        text += "".join(f"\n[candidate: {candidate}]" for candidate in request.candidates)
        prompts.append((sample.id, text, sent.input_tokens))
    checkpoint, used = planned.checkpoint, planned.spec
    source = "the embedded suite" if used.data == "embedded" else planned.source
    reads = (
        f"data: {source}, {planned.survey.available:,} samples; model: {checkpoint.name} from "
        f"{checkpoint.shown}; prompt: {used.prompt}; context: {used.context}"
    )
    notices = (*planned.task.notices(planned.survey.categories), *data_remarks(planned.survey.pictures))
    return Preview(reads, tuple(prompts), notices)


def _spec(spec: RunSpec | None, values: Mapping[str, Any]) -> RunSpec:
    if spec is None:
        return from_mapping(values, "", RunSpec)
    return replace(spec, **values)


def data_of(spec: RunSpec, task: Task) -> tuple[str, str, RunSpec]:
    """Return the data's name, what the task reads, and the spec with the settings that an embedded suite brings."""
    data = task.default_source if spec.data is None else spec.data
    if data != "embedded":
        return data, data, spec
    path = suite(task.name)
    own = {name: value for name, value in SUITES[task.name].settings.items() if getattr(spec, name) is None}
    return data, str(path), replace(spec, **own)


def _renderer(task: Task, spec: RunSpec) -> Callable[[Sample], Request]:
    """Return what puts a sample into the words of the run's prompt, or of the one that its control names."""
    prompt = spec.prompt
    if spec.control is not None and spec.control.startswith(controls.PROMPT):
        prompt = spec.control.removeprefix(controls.PROMPT)
    assert prompt is not None
    return lambda sample: render(task, sample, prompt, spec.scoring)


def _controlled(plan: Plan, name: str) -> Plan:
    """Return the plan under a control, of the questions that it can act on; none is an InputError."""
    wanted, put = set(plan.survey.ids), _renderer(plan.task, plan.spec)

    def asked() -> Iterator[tuple[Sample, Request, Callable[[Sample], Request]]]:
        return ((one, put(one), put) for one in plan.task.samples(plan.source) if one.id in wanted)

    applied = controls.Applied(name, asked)
    ids = tuple(id for id in plan.survey.ids if id not in applied.left_out)
    if not ids:
        raise controls.ActsOnNothing(f"the control '{name}' {applied.acts}; choose another")
    found = replace(plan.survey, ids=ids, samples={id: plan.survey.samples[id] for id in ids})
    return replace(plan, survey=found, control=applied)


def _one_control(spec: RunSpec, task: Task) -> str:
    assert spec.control is not None
    found = controls.expand([spec.control], list(task.prompts))
    if len(found) != 1:
        raise InputError(f"'{spec.control}' stands for {len(found)} controls; evaluate each, as `mmeval run` does")
    return found[0]


def _language_model(checkpoint: Checkpoint, spec: RunSpec) -> tuple[Checkpoint, RunSpec]:
    """Return the language model of a checkpoint, and the spec with its context. Raises InputError where it has none."""
    name = catalogue().get(checkpoint.name, {}).get("language_model")
    alone = find_model(name) if name else replace(checkpoint, adapter="text")
    if ADAPTERS[alone.adapter].load != ADAPTERS[checkpoint.adapter].load:
        reason = f"the adapter '{checkpoint.adapter}' has no language model to ask alone"
        raise controls.ActsOnNothing(f"the control 'text' cannot act: {reason}")
    return alone, replace(spec, context=pick_context(alone, None))


def _folder(filled: RunSpec, usual: RunSpec) -> Path:
    """Return where a run lands; one under a control lies in the folder of the main one."""
    main = REPORTS / folder_name(replace(filled, control=None), usual)
    return main if filled.control is None else main / CONTROL_RUNS / filled.control


def _only(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return what a run remembers of a file of ids, its name and a digest, and the ids. Raises InputError."""
    ids = read_ids(path)
    digest = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:12]
    return f"{path.name}@{digest}", ids


def _of_these(found: Survey, ids: Collection[str], path: str | None) -> Survey:
    """Return the survey of these questions alone. Raises InputError for an id that the data does not have."""
    if unknown := [id for id in ids if id not in found.samples]:
        raise InputError(f"{path}: no question '{unknown[0][:60]}' is asked; write the ids of the data, one a line")
    chosen = set(ids)
    kept = tuple(id for id in found.ids if id in chosen)
    return replace(found, ids=kept, samples={id: found.samples[id] for id in kept})


def _check_judge(spec: RunSpec) -> None:
    if spec.judge is not None:
        check_address(spec.judge, judges.WHOSE)


def _check_scoring(spec: RunSpec, checkpoint: Checkpoint) -> None:
    if spec.scoring == "first-token" and not ADAPTERS[checkpoint.adapter].first_token:
        raise InputError(
            f"the adapter '{checkpoint.adapter}' gives whole likelihoods and none of first tokens; "
            "use --scoring likelihood"
        )


def _filled(spec: RunSpec, task: Task, checkpoint: Checkpoint) -> RunSpec:
    """Return the spec with the task's and the model's defaults in place of None, where a field applies to them."""
    reading = spec.reading or next(iter(task.readings), None) if spec.scoring == "text" else None
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


def _identity(task: Task, checkpoint: Checkpoint, source: str) -> dict[str, Any]:
    """Return what identifies a run beside its spec: what could change answers or scores under the same names."""
    adapter = ADAPTERS[checkpoint.adapter]
    found: dict[str, Any] = {
        "task_version": task.version,
        "checkpoint": checkpoint.digest,
        "engine": {"version": adapter.version, **libraries(adapter.packages), **pixels(checkpoint)},
    }
    if task.facts is not None:
        found["card"] = dict(task.facts)
    if not checkpoint.local and not checkpoint.revision:
        found["model_revision"] = "not pinned"
    hub = task.card.get("hub")
    if isinstance(hub, Mapping) and (source == "hub" or source.startswith("hub:")):
        revision = str(hub.get("revision"))
        if not re.fullmatch("[0-9a-f]{40}", revision):
            found["data_revision"] = f"{revision}, not pinned"
    return found


def _missing(plan: Plan, run: Run | None, keep_errors: bool, share: Share) -> set[str]:
    """Return the ids of a share that have no answer, an error, or one to what the sample was before it changed."""
    held = {
        one.id
        for one in (run.records if run is not None else ())
        if (one.error is None or keep_errors) and one.digest == plan.survey.samples.get(one.id)
    }
    return {id for id in plan.survey.ids if share.has(plan.survey.groups[id])} - held


def _reused(plan: Plan, wanted: set[str], display: Display) -> list[Record]:
    """Return records of those samples whose requests earlier runs under `reports/` have answered, and say so.

    Turns of a question that are asked one after the other are not looked up, since they depend on each other, nor are
    answers that are drawn.
    """
    if plan.spec.no_cache or plan.spec.early_stop or plan.spec.temperature:
        return []
    known = reuse.earlier(REPORTS, plan.identity, plan.folder, display.message)
    if not known:
        return []
    found, folders = [], set()
    samples = (sample for sample in plan.task.samples(plan.source) if sample.id in wanted)
    for sample, request in plan.requests(samples):
        if (held := known.get(reuse.digest(request))) is not None:
            old, folder = held
            found.append(record(sample, request, reuse.response(sample.id, old), plan.survey.samples[sample.id]))
            folders.add(folder)
    if found:
        display.message(
            f"reusing {len(found):,} answers of {', '.join(sorted(folders))}: the same requests of the same model; "
            "--no-cache asks them again"
        )
    return found


def _announce(plan: Plan, run: Run, wanted: set[str], display: Display) -> None:
    """Say what is asked again, and why."""
    held = {one.id: one for one in run.records if one.id in wanted}
    changed = [one for one in held.values() if one.digest != plan.survey.samples[one.id]]
    if changed:
        display.message(f"asking {len(changed):,} questions again whose pictures have changed since they were answered")
    if errors := len(held) - len(changed):
        display.message(f"asking {errors:,} questions again that ended in an error")


def _ask(
    plan: Plan, model: Model, run: Run, journal: Journal, wanted: set[str], display: Display, share: Share
) -> None:
    """Hand the model all that is wanted as one stream of requests, and append each answer as it comes."""
    total = sum(map(share.has, plan.survey.groups.values()))
    done = itertools.count(total - len(wanted) + 1)
    display.progress(total - len(wanted), total)
    samples = (sample for sample in plan.task.samples(plan.source) if sample.id in wanted)
    held, attempts = [one for one in run.records if one.id not in wanted], _attempts(run, wanted, share)
    answers = _in_turns(plan, model, samples, held) if plan.spec.early_stop else _answers(plan, model, samples)
    for answer in answers:
        journal.append(replace(answer, attempt=attempts.get(answer.id, 0)))
        display.progress(next(done), total)


def _attempts(run: Run, wanted: set[str], share: Share) -> dict[str, int]:
    """Return the attempts of records that take the place of one in another journal, where no later line can."""
    own = records.name_of(None if share.alone else share.rank)
    found = {}
    for one in run.records:
        if one.id in wanted:
            found[one.id] = one.attempt + (run.journal_contents.journal[one.id] != own)
    return found


def _in_turns(plan: Plan, model: Model, samples: Iterator[Sample], held: Iterable[Record]) -> Iterator[Record]:
    """Yield records of the turns of questions, asked one after the other, a window of questions at a time.

    None is asked after one that was read by every scorer and found wrong: the question is lost, and CircularEval the
    same.
    """
    stop = EarlyStop(plan.task.scorers.values(), held)
    while window := list(itertools.islice(samples, WINDOW)):
        for wave in stop.waves(window):
            for sample, request in plan.requests(sample for sample in wave if sample in stop):
                skipped = record(sample, request, Response(sample.id), plan.survey.samples[sample.id])
                yield replace(skipped, tags={**sample.tags, "skipped": "lost at an earlier turn"})
            for answer in _answers(plan, model, [sample for sample in wave if sample not in stop]):
                stop.see(answer)
                yield answer


def _answers(plan: Plan, model: Model, samples: Iterable[Sample]) -> Iterator[Record]:
    """Yield the record of each sample, in the order in which the model answers; it pulls what it asks for next."""
    asked: dict[str, tuple[Sample, Request]] = {}

    def stream() -> Iterator[Request]:
        for sample, request in plan.requests(samples):
            asked[sample.id] = sample, request
            yield request

    if plan.by_likelihood:
        responses = model.loglikelihood(stream())
    else:
        responses = model.generate(stream(), _generation(plan.spec))
    for response in responses:
        yield record(*asked.pop(response.id), response, plan.survey.samples[response.id])


def _generation(spec: RunSpec) -> Generation:
    assert spec.max_new_tokens is not None
    return Generation(
        spec.max_new_tokens,
        spec.beams,
        temperature=spec.temperature,
        top_p=spec.top_p,
        samples=spec.samples,
        thinking_tokens=spec.thinking_tokens or Generation.thinking_tokens,
        seed=spec.seed,
        min_new_tokens=spec.min_new_tokens,
        length_penalty=spec.length_penalty,
        repetition_penalty=spec.repetition_penalty,
    )


def _of_sessions(run: Run) -> list[str]:
    """Return what a reader must know of where the answers came from."""
    reused = sum(session.get("reused", 0) for session in run.sessions)
    found, held = versions(run.sessions), run.records
    remarks = usage(run.sessions, sum(one.input_tokens for one in held), sum(one.output_tokens for one in held))
    if recipe := run.sessions[-1].get("recipe") if run.sessions else None:
        remarks.insert(0, recipes.remark(recipe, run.spec.task))
    if reused:
        remarks.append(f"{reused:,} answers were reused from earlier runs that asked the same of the same model.")
    if len(found) > 1:
        remarks.append(f"The answers come from {len(found)} versions of the program: {'; '.join(found)}.")
    return remarks


def _dtype(spec: RunSpec, folder: Path | None, checkpoint: Checkpoint) -> str:
    """`auto` is the dtype that the run in the folder began with; for a new run it follows the device."""
    if spec.dtype != "auto" or "torch" not in ADAPTERS[checkpoint.adapter].packages:
        return spec.dtype
    if folder is not None and (folder / "run.json").exists():
        return runs.open_run(folder).spec.dtype
    from mmeval.engine.device import default_dtype

    return default_dtype(spec.device)


def _seed(seed: int) -> None:
    """Seed torch where the model brought it; greedy and beam answers do not draw, adapters to come may."""
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)
