"""The second stage: send a run's questions to the model as one stream and append each answer to the journal."""

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from mmeval import controls
from mmeval.evaluation.planning import REPORTS, Plan
from mmeval.evaluation.rendering import record
from mmeval.evaluation.responses import ADVICE, checked
from mmeval.evaluation.survey import check_pictures
from mmeval.models import Checkpoint, ModelOptions, load_model
from mmeval.provenance import provenance
from mmeval.runs import records, reuse
from mmeval.runs.folder import begun, create, remove
from mmeval.runs.records import Journal, held
from mmeval.runs.run import Run
from mmeval.runs.share import WHOLE, Share
from mmeval.scoring.metrics.circular import EarlyStop
from mmeval.spec import RunSpec
from mmeval.types import Display, Generation, InputError, Model, Record, Request, Response, Sample, plural

WINDOW = 512
"""Samples per window, within which rotations are asked one after another with early stopping."""

Loader = Callable[[Checkpoint, ModelOptions], Model]


def ask(
    plan: Plan, *, fresh: bool, keep_errors: bool, display: Display, load: Loader | None = None, share: Share = WHOLE
) -> Run:
    """Ask the questions of this process's share that have no answer yet, append each answer, and return the run.

    Failed questions, and samples that have changed since they were answered, are asked again. The model is loaded only
    if there is something to ask. Raises Unsupported, before asking anything, if a prompt has more pictures than the
    model supports.
    """
    if fresh and not share.alone:
        raise InputError("--fresh cannot delete a run that several processes share; delete the folder first")
    with held(plan.folder, share) if plan.folder.exists() else nullcontext():
        run = None if fresh else begun(plan.folder, plan.identity)
    unanswered = _unanswered(plan, run, keep_errors, share)
    if run is not None and not unanswered:
        with_errors = "" if run.complete else ", including errors (--keep-errors)"
        total = _total(plan, share)
        done = "the answer is" if total == 1 else f"all {total:,} answers are"
        display.message(f"{plan.folder}: {done} done{with_errors}; the model is not loaded")
        return run
    for notice in plan.task.notices(plan.survey.categories):
        display.message(notice)
    reused = [] if fresh else _reused(plan, unanswered, display)
    model = _model(plan, load or load_model) if len(reused) < len(unanswered) else None
    if fresh:  # after loading: if the model fails to load, the old run is kept
        remove(plan.folder)
    run = _begin(plan, share, len(reused))
    _seed(plan.spec.seed)
    with run.journal(share) as journal:
        remaining = _unanswered(plan, run, keep_errors, share)
        _announce(plan, run, remaining, display)
        for answer in reused:
            if answer.id in remaining:  # not answered by another process since
                journal.append(answer)
                remaining.remove(answer.id)
        if model is not None:
            _ask(plan, model, run, journal, remaining, display, share)
    return run


def _total(plan: Plan, share: Share) -> int:
    return sum(map(share.has, plan.survey.groups.values()))


def _model(plan: Plan, load: Loader) -> Model:
    """Load the model. Raises InputError or Unsupported if it cannot be asked the planned questions."""
    model = load(plan.checkpoint, plan.options)
    check_pictures(model, plan.survey)
    if plan.by_likelihood and not hasattr(model, "loglikelihood"):
        raise InputError(f"{model.name} has no loglikelihood, which this task or --scoring needs")
    return model


def _begin(plan: Plan, share: Share, reused: int) -> Run:
    """Begin or resume the run, and note this session in it."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    with held(plan.folder, share):
        run = create(plan.folder, plan.identity, plan.survey.ids, plan.survey.available)
        header = replace(run.header, data_digest=plan.survey.digest, pictures=dict(plan.survey.pictures))
        if (questions := plan.task.card.get("questions")) is not None and plan.spec.data != "embedded":
            header = replace(header, benchmark={"questions": questions})
        if plan.control is not None:
            control = {"about": controls.about(plan.control.name), "acts": plan.control.acts}
            header = replace(header, control=control)
        run.note(replace(provenance(plan.spec), reused=reused), header)
    return run


def _unanswered(plan: Plan, run: Run | None, keep_errors: bool, share: Share) -> set[str]:
    """Return the ids of a share that have no answer, an error, or an answer to the sample before it changed."""
    answers = (answer for answer in (run.records if run is not None else ()) if answer.error is None or keep_errors)
    answered = {answer.id for answer in answers if answer.digest == plan.survey.samples.get(answer.id)}
    return {id for id in plan.survey.ids if share.has(plan.survey.groups[id])} - answered


def _reused(plan: Plan, unanswered: set[str], display: Display) -> list[Record]:
    """Return and report records of samples whose requests earlier runs under `reports/` have answered.

    Answers are not reused with early stopping, where rotations depend on each other, or if answers are sampled.
    """
    if plan.spec.no_cache or plan.spec.early_stop or plan.spec.temperature:
        return []
    earlier_answers = reuse.earlier(REPORTS, plan.identity, plan.folder, display.message)
    if not earlier_answers:
        return []
    reused, folders = [], set()
    samples = (sample for sample in plan.task.samples(plan.source) if sample.id in unanswered)
    for sample, request in plan.requests(samples):
        if (earlier := earlier_answers.get(reuse.digest(request))) is not None:
            answer, folder = earlier
            reused.append(record(sample, request, reuse.response(sample.id, answer), plan.survey.samples[sample.id]))
            folders.add(folder)
    if reused:
        first, *more_folders = sorted(folders)
        more = f" and {plural(len(more_folders), 'more run')}" if more_folders else ""
        display.message(
            f"{plural(len(reused), 'answer')} reused from {first}{more}: same requests, same model; "
            "--no-cache asks again"
        )
    return reused


def _announce(plan: Plan, run: Run, unanswered: set[str], display: Display) -> None:
    """Report the questions that are asked again, and why."""
    again = [answer for answer in run.records if answer.id in unanswered]
    changed = [answer for answer in again if answer.digest != plan.survey.samples[answer.id]]
    if changed:
        display.message(f"asking {plural(len(changed), 'question')} again because the pictures have changed")
    if errors := len(again) - len(changed):
        display.message(f"asking {plural(errors, 'failed question')} again")


def _ask(
    plan: Plan, model: Model, run: Run, journal: Journal, unanswered: set[str], display: Display, share: Share
) -> None:
    """Give the model the unanswered questions as one stream of requests, and append each answer as it arrives."""
    total = _total(plan, share)
    done = itertools.count(total - len(unanswered) + 1)
    display.progress(total - len(unanswered), total)
    samples = (sample for sample in plan.task.samples(plan.source) if sample.id in unanswered)
    answered = [earlier for earlier in run.records if earlier.id not in unanswered]
    attempts = _attempts(run, unanswered, share)
    answers = _in_turns(plan, model, samples, answered) if plan.spec.early_stop else _answers(plan, model, samples)
    before = _facts(model)  # of the runs before, if they share the model
    try:
        for answer in answers:
            journal.append(replace(answer, attempt=attempts.get(answer.id, 0)))
            display.progress(next(done), total)
    finally:
        if facts := _facts(model):
            numbers = ((name, value) for name, value in facts.items() if type(value) in (int, float))
            facts |= {name: round(value - before.get(name, 0), 3) for name, value in numbers}
            run.note_facts(facts, share)


def _facts(model: Model) -> dict[str, Any]:
    """Return what an adapter reports of its work so far: its usage in numbers, its device."""
    return dict(getattr(model, "session_facts", None) or {})


def _attempts(run: Run, unanswered: set[str], share: Share) -> dict[str, int]:
    """Return the attempt number of each answer that will replace an earlier one.

    It is higher by one if that one is in another journal, where no later line can replace it.
    """
    own_journal = records.name_of(None if share.alone else share.rank)
    journals = run.journal_contents.journal
    replaced = (answer for answer in run.records if answer.id in unanswered)
    return {answer.id: answer.attempt + (journals[answer.id] != own_journal) for answer in replaced}


def _in_turns(plan: Plan, model: Model, samples: Iterator[Sample], held: Iterable[Record]) -> Iterator[Record]:
    """Yield records of the rotations of questions, asked one after another, a window of questions at a time.

    After a rotation that every scorer parsed and found wrong, the others are skipped: the question is lost, and
    CircularEval does not change.
    """
    stop = EarlyStop(plan.task.scorers.values(), held, plan.spec.samples)
    while window := list(itertools.islice(samples, WINDOW)):
        for wave in stop.waves(window):
            for sample, request in plan.requests(sample for sample in wave if sample in stop):
                skipped = record(sample, request, Response(sample.id), plan.survey.samples[sample.id])
                yield replace(skipped, tags={**sample.tags, "skipped": "lost in an earlier rotation"})
            for answer in _answers(plan, model, [sample for sample in wave if sample not in stop]):
                stop.see(answer)
                yield answer


def _answers(plan: Plan, model: Model, samples: Iterable[Sample]) -> Iterator[Record]:
    """Yield the record of each sample in the order of the model's answers. The model pulls the requests."""
    open_samples: dict[str, Sample] = {}
    open_requests: dict[str, Request] = {}

    def stream() -> Iterator[Request]:
        for sample, request in plan.requests(samples):
            open_samples[sample.id], open_requests[sample.id] = sample, request
            yield request

    if plan.by_likelihood:
        responses = model.loglikelihood(stream())
    else:
        responses = model.generate(stream(), _generation(plan.spec))
    if not isinstance(responses, Iterable):
        raise InputError(f"{model.name}: it returns {responses!r:.60}, which yields no responses; {ADVICE}")
    expected: dict[str, Any] = {"likelihoods": plan.by_likelihood, "samples": plan.spec.samples}
    for response in responses:
        answer = checked(response, open_requests, model.name, **expected)
        sample, request = open_samples.pop(answer.id), open_requests.pop(answer.id)
        yield record(sample, request, answer, plan.survey.samples[answer.id])
    if open_requests:
        few = f"{plural(len(open_requests), 'request')}, such as '{next(iter(open_requests))}'"
        raise InputError(f"{model.name}: it gave no answer to {few}; {ADVICE}")


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
    """Seed torch if the model imported it. Greedy and beam decoding do not sample; other adapters may."""
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)
