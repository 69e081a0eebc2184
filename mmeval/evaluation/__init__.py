"""`evaluate` runs the four stages of an evaluation: plan, ask, score, report.

The stages are in the modules `planning`, `asking` and `results` (the last two).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval import recipes
from mmeval.evaluation.asking import Loader, ask
from mmeval.evaluation.planning import plan
from mmeval.evaluation.results import report, score
from mmeval.evaluation.survey import check_pictures, data_remarks
from mmeval.models import load_model
from mmeval.runs.records import held
from mmeval.runs.run import Run, open_run
from mmeval.runs.share import of_process
from mmeval.spec import RunSpec, from_mapping
from mmeval.types import Display, Preview, Sample, plural

__all__ = ["ask", "evaluate", "plan", "preview", "report", "score"]


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
    """Evaluate a model on a task and return the run, scored and reported. Resumes an unfinished run.

    Give a RunSpec, or its fields by name: `evaluate(model="mmicl-tiny", task="mme")`. `out` is the run's folder,
    `reports/TASK-MODEL-DATA` by default. Failed questions are asked again unless `keep_errors`. `fresh` deletes the
    run in the folder and starts over. `load` loads the model, for evaluations that share one.

    If a launcher starts several processes (`share`), each asks its part and the last process to finish scores and
    reports the run. The others return a run that is not `up_to_date`.

    Raises InputError for invalid input, RunMismatch if the folder holds another run, and Unsupported for a prompt that
    the model does not support.
    """
    display = display or Display()
    spec = from_mapping(values, "") if spec is None else replace(spec, **values)
    recipes.check_given(spec, values)
    share = of_process()  # first: reading the data may take minutes
    planned = plan(spec, out, fresh=fresh)
    run = ask(planned, fresh=fresh, keep_errors=keep_errors, display=display, load=load, share=share)
    with held(run.folder, share):
        if not share.alone:
            run = open_run(run.folder)  # the other processes may have changed it
            if run.up_to_date or run.samples_asked < run.samples_planned:
                count = run.samples_planned - run.samples_asked
                display.message(f"{run.folder}: rank {share.rank} is done; other processes still have {count:,} to ask")
                return run
        score(run, judge=planned.spec.judge, judge_model=planned.spec.judge_model, display=display)
        if planned.control is None:  # `mmeval bias` reports runs under controls, next to the main run
            report(run, planned.asked)
    return run


def preview(spec: RunSpec) -> Preview:
    """Return the first prompt of each category as the model will see it, without asking or writing anything.

    Raises the errors that `evaluate` raises before it asks anything.
    """
    planned = plan(spec)
    model = load_model(planned.checkpoint, planned.options)
    check_pictures(model, planned.survey)
    remaining, first = set(planned.survey.ids), dict[str, Sample]()
    for sample in planned.task.samples(planned.source):
        if sample.id not in remaining:
            continue
        remaining.remove(sample.id)
        first.setdefault(sample.category, sample)
        if not remaining or len(first) == len(planned.survey.categories):
            break
    prompts = []
    for sample, request in planned.requests(first.values()):
        sent = model.preview(request)
        text = sent.sent if sent.error is None else f"cannot be sent: {sent.error}"
        text += "".join(f"\n[candidate: {candidate}]" for candidate in request.candidates)
        prompts.append((sample.id, text, sent.input_tokens))
    checkpoint, used = planned.checkpoint, planned.spec
    source = "the embedded suite" if used.data == "embedded" else planned.source
    questions, available = len(planned.survey.ids), planned.survey.available
    count = plural(available, "sample") if questions == available else f"{questions:,} of {plural(available, 'sample')}"
    reads = (
        f"data: {source}, {count}; model: {checkpoint.name} "
        f"{checkpoint.origin}; prompt: {used.prompt}; context: {used.context}"
    )
    notices = (*planned.task.notices(planned.survey.categories), *data_remarks(planned.survey.pictures))
    return Preview(reads, tuple(prompts), notices)
