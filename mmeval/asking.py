"""The second stage: a run's questions go to the model as one stream, and each answer into this process's journal."""

import itertools
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from mmeval import controls, records, reuse
from mmeval.files import validated
from mmeval.jsonl import without_surrogates
from mmeval.models import Checkpoint, ModelOptions, load_model
from mmeval.planning import REPORTS, Plan
from mmeval.provenance import provenance
from mmeval.records import Journal, held
from mmeval.rendering import record
from mmeval.run import Run
from mmeval.run_folder import begun, create, remove
from mmeval.scoring.metrics.circular import EarlyStop
from mmeval.share import WHOLE, Share
from mmeval.spec import RunSpec
from mmeval.survey import check_pictures
from mmeval.types import Display, Generation, InputError, Model, Record, Request, Response, Sample

WINDOW = 512
"""Samples whose questions are asked turn by turn, with early stopping."""

Loader = Callable[[Checkpoint, ModelOptions], Model]


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
    with held(plan.folder, share) if plan.folder.exists() else nullcontext():
        run = None if fresh else begun(plan.folder, plan.identity)
    missing = _missing(plan, run, keep_errors, share)
    if run is not None and not missing:
        kept = "" if run.complete else "; the errors among them are kept (--keep-errors)"
        display.message(f"{plan.folder}: all {_total(plan, share)} answers are there{kept}; the model is not loaded")
        return run
    for notice in plan.task.notices(plan.survey.categories):
        display.message(notice)
    reused = [] if fresh else _reused(plan, missing, display)
    model = _model(plan, load or load_model) if len(reused) < len(missing) else None
    if fresh:  # only now: a model that does not load changes nothing
        remove(plan.folder)
    run = _begin(plan, share, len(reused))
    _seed(plan.spec.seed)
    with run.journal(share) as journal:
        wanted = _missing(plan, run, keep_errors, share)
        _announce(plan, run, wanted, display)
        for answer in reused:
            if answer.id in wanted:  # no other process has answered it meanwhile
                journal.append(answer)
                wanted.remove(answer.id)
        if model is not None:
            _ask(plan, model, run, journal, wanted, display, share)
    return run


def _total(plan: Plan, share: Share) -> int:
    return sum(map(share.has, plan.survey.groups.values()))


def _model(plan: Plan, load: Loader) -> Model:
    """Load the model. Raises InputError or Unsupported for one that cannot be asked what is planned."""
    model = load(plan.checkpoint, plan.options)
    check_pictures(model, plan.survey)
    if plan.by_likelihood and not hasattr(model, "loglikelihood"):
        raise InputError(f"{model.name} has no loglikelihood, which this task or --scoring asks for")
    return model


def _begin(plan: Plan, share: Share, reused: int) -> Run:
    """Begin the run, or go on with it: a session is noted."""
    about: dict[str, Any] = {"data_digest": plan.survey.digest, "pictures": dict(plan.survey.pictures)}
    if (whole := plan.task.card.get("questions")) is not None and plan.spec.data != "embedded":
        about["benchmark"] = {"questions": whole}
    if plan.control is not None:
        about["control"] = {"about": controls.about(plan.control.name), "acts": plan.control.acts}
    plan.folder.mkdir(parents=True, exist_ok=True)
    with held(plan.folder, share):
        run = create(plan.folder, plan.identity, plan.survey.ids, plan.survey.available)
        run.note(provenance(plan.spec) | ({"reused": reused} if reused else {}), **about)
    return run


def _missing(plan: Plan, run: Run | None, keep_errors: bool, share: Share) -> set[str]:
    """Return the ids of a share that have no answer, an error, or one to what the sample was before it changed."""
    answered = {
        one.id
        for one in (run.records if run is not None else ())
        if (one.error is None or keep_errors) and one.digest == plan.survey.samples.get(one.id)
    }
    return {id for id in plan.survey.ids if share.has(plan.survey.groups[id])} - answered


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
        if (answered := known.get(reuse.digest(request))) is not None:
            old, folder = answered
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
    again = [one for one in run.records if one.id in wanted]
    changed = [one for one in again if one.digest != plan.survey.samples[one.id]]
    if changed:
        display.message(f"asking {len(changed):,} questions again whose pictures have changed since they were answered")
    if errors := len(again) - len(changed):
        display.message(f"asking {errors:,} questions again that ended in an error")


def _ask(
    plan: Plan, model: Model, run: Run, journal: Journal, wanted: set[str], display: Display, share: Share
) -> None:
    """Hand the model all that is wanted as one stream of requests, and append each answer as it comes."""
    total = _total(plan, share)
    done = itertools.count(total - len(wanted) + 1)
    display.progress(total - len(wanted), total)
    samples = (sample for sample in plan.task.samples(plan.source) if sample.id in wanted)
    kept, attempts = [one for one in run.records if one.id not in wanted], _attempts(run, wanted, share)
    answers = _in_turns(plan, model, samples, kept) if plan.spec.early_stop else _answers(plan, model, samples)
    try:
        for answer in answers:
            journal.append(replace(answer, attempt=attempts.get(answer.id, 0)))
            display.progress(next(done), total)
    finally:
        if used := getattr(model, "counted", None):  # an adapter may count what it uses
            run.note_used(**used)


def _attempts(run: Run, wanted: set[str], share: Share) -> dict[str, int]:
    """Return the attempts of records that take the place of one in another journal, where no later line can."""
    own = records.name_of(None if share.alone else share.rank)
    place = run.journal_contents.journal
    return {one.id: one.attempt + (place[one.id] != own) for one in run.records if one.id in wanted}


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
        checked = _checked(response, asked, model.name)
        yield record(*asked.pop(checked.id), checked, plan.survey.samples[checked.id])


def _checked(response: Response, asked: Collection[str], name: str) -> Response:
    """Return a response without lone surrogates. Raises InputError where it is not one to what is asked."""
    said, advice = without_surrogates(vars(response)), "mend the adapter (docs/adapters.md)"
    checked: Response = validated(Response, said, f"{name}: its response", advice)
    if checked.id not in asked:
        raise InputError(
            f"{name}: it answers '{checked.id:.60}', which it was not asked, or answers it twice; {advice}"
        )
    return checked


def _generation(spec: RunSpec) -> Generation:
    assert spec.max_new_tokens is not None
    return Generation(
        spec.max_new_tokens,
        spec.beams,
        temperature=spec.temperature,
        top_p=spec.top_p,
        top_k=spec.top_k or 0,
        presence_penalty=spec.presence_penalty or 0.0,
        samples=spec.samples,
        thinking_tokens=spec.thinking_tokens or Generation.thinking_tokens,
        seed=spec.seed,
        min_new_tokens=spec.min_new_tokens,
        length_penalty=spec.length_penalty,
        repetition_penalty=spec.repetition_penalty,
    )


def _seed(seed: int) -> None:
    """Seed torch where the model brought it; greedy and beam answers do not draw, adapters to come may."""
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)
