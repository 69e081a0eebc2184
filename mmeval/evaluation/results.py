"""The last stages: score a run's records, and write its tables, figures and page, without loading the model.

`scored` computes the scores; `reporting` makes the outputs.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval import recipes
from mmeval.configuration import check_judge, configure
from mmeval.evaluation.survey import data_remarks
from mmeval.provenance import usage, versions
from mmeval.runs.run import Run, open_run
from mmeval.runs.scored import Scored, score_records
from mmeval.scoring.verdicts import Verdicts
from mmeval.spec import RunSpec
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import Display, Request, plural


def score(
    run: Run | str | Path,
    *,
    judge: str | None = None,
    judge_model: str | None = None,
    display: Display | None = None,
) -> Scored:
    """Score the records of a run, or of a run's folder, without the model; write `scores.json` and `samples.jsonl`.

    A `judge` reads unparsed answers, or all answers if that is the official way; its replies are kept in the folder, in
    `judge.jsonl`.
    """
    display = display or Display()
    run = run if isinstance(run, Run) else open_run(run)
    spec = replace(run.spec, judge=judge, judge_model=judge_model)
    task = load_task(spec.task, run.identity.get("card"))
    check_judge(task, spec)
    scored = score_records(configure(task, spec), run.records)
    verdicts = None
    if judge is not None:
        scored, verdicts = judged(scored, task, spec, run.folder / "judge.jsonl", display)
    elif (run.folder / "judge.jsonl").exists():
        display.message("scored without the earlier judge; --judge and --judge-model use its saved replies")
    results = scored.results() | {"answered": run.samples_answered, "planned": run.samples_planned, "marks": run.marks}
    results["remarks"] += [*data_remarks(run.header.get("pictures", {})), *_session_remarks(run), *run.remarks]
    run.save(results if verdicts is None else noted(results, verdicts, scored), scored.samples())
    return scored


def judged(scored: Scored, task: Task, spec: RunSpec, cache: Path, display: Display) -> tuple[Scored, Verdicts]:
    """Return the scores with the verdicts of the judge that a spec names. Its replies are kept in the file `cache`.

    `task` is the task as loaded. Raises InputError for an invalid address.
    """
    from mmeval.scoring.judge import MATCHING, Judge, ask

    assert spec.judge is not None and spec.judge_model is not None
    verdicts = ask(
        Judge(spec.judge, spec.judge_model, cache), scored.to_judge, display.message, task.grader or MATCHING
    )
    return scored.judged_by(configure(task, spec, verdicts)), verdicts


def noted(results: Mapping[str, Any], verdicts: Verdicts, scored: Scored) -> dict[str, Any]:
    """Return the results with the verdicts and a remark on them."""
    answers = len(scored.records)
    if scored.task.grader is None:
        remark = verdicts.remark(answers, official="official" in scored.scores)
    else:
        remark = verdicts.remark_graded(answers)
    return {**results, "judge": verdicts.to_json(), "remarks": [*results["remarks"], remark]}


def current(folder: Path) -> Run:
    """Open a run, and score and report it if that was not done or its records have changed since."""
    run = open_run(folder)
    if run.stale:
        score(run)
        report(run)
    return run


def report(run: Run, find: Callable[[Collection[str]], Iterable[Request]] | None = None) -> list[Path]:
    """Write a scored run's tables, figures, page and the benchmark's own results. Return the paths, the page first.

    `find` yields the requests with the given ids, for the pictures on the page. Pictures on an earlier page are kept.
    """
    from mmeval.reporting import run_report

    return run_report.write(run, find)


def _session_remarks(run: Run) -> list[str]:
    """Return remarks on where the answers came from."""
    reused = sum(session.get("reused", 0) for session in run.sessions)
    programs, records = versions(run.sessions), run.records
    tokens_in = sum(record.input_tokens for record in records)
    remarks = usage(run.sessions, tokens_in, sum(record.output_tokens for record in records))
    if recipe := run.sessions[-1].get("recipe") if run.sessions else None:
        remarks.insert(0, recipes.remark(recipe, run.spec.task))
    if reused:
        remarks.append(
            f"{plural(reused, 'answer was', 'answers were')} reused from earlier runs with the same requests and model."
        )
    if len(programs) > 1:
        remarks.append(f"The answers come from {len(programs)} versions of the program: {'; '.join(programs)}.")
    return remarks
