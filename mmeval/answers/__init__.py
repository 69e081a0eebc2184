"""Score existing answers without a model, joined to a benchmark's questions or in the benchmark's own format."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mmeval.answers.joining import join, more_than_once
from mmeval.configuration import check_judge, configure
from mmeval.data import files
from mmeval.evaluation.results import judged, noted
from mmeval.evaluation.settings import data_of
from mmeval.runs.marks import EMBEDDED, partial_marks
from mmeval.runs.schema import Results
from mmeval.runs.scored import Scored, score_records
from mmeval.scoring.metrics.circular import GROUP
from mmeval.scoring.verdicts import Verdicts
from mmeval.spec import RunSpec
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import Display, InputError, Record, part_of, plural


def score_predictions(
    task: str,
    path: str,
    *,
    reading: str | None = None,
    partial: bool = False,
    judge: str | None = None,
    judge_model: str | None = None,
    display: Display | None = None,
) -> tuple[Scored, Results]:
    """Score a file in a benchmark's own predictions format, without a model. Raises InputError.

    A `judge` reads answers as in a run; its replies are kept beside the file, in `NAME.judge.jsonl`.
    """
    benchmark = load_task(task)
    spec = RunSpec(task, reading=reading, partial=partial, judge=judge, judge_model=judge_model)
    check_judge(benchmark, spec)
    configured = configure(benchmark, spec)
    if configured.read_predictions is None:
        raise InputError(f"the task '{task}' has no predictions format; give --data and --answers instead")
    records = configured.read_predictions(path)
    scored, verdicts = _scored(benchmark, configured, spec, records, path, display)
    missing = sum("missing" in record.tags for record in records)
    planned = max(len(records), int(configured.card.get("questions", 0)))
    repeated = [record for record in records if "times" in record.tags]
    names = [f"{record.id} ({record.question[:60]})" for record in repeated]
    remarks = [more_than_once(names)] if names else []
    return scored, _results(scored, verdicts, len(records) - missing, planned, remarks + _size(records))


def score_answers(
    task: str,
    path: str,
    *,
    data: str | None = None,
    reading: str | None = None,
    partial: bool = False,
    judge: str | None = None,
    judge_model: str | None = None,
    display: Display | None = None,
) -> tuple[Scored, Results]:
    """Score a file of answers to the questions of a benchmark's data, without a model. Raises InputError.

    A `judge` reads answers as in a run; its replies are kept beside the file, in `NAME.judge.jsonl`.
    """
    benchmark = load_task(task)
    spec = RunSpec(task, data=data, reading=reading, partial=partial, judge=judge, judge_model=judge_model)
    name, source, spec = data_of(spec, benchmark)
    check_judge(benchmark, spec)
    configured = configure(benchmark, spec)
    with files.without_media():
        joined = join(configured.samples(source), Path(path), configured.candidates)
    scored, verdicts = _scored(benchmark, configured, spec, joined.records, path, display)
    results = _results(scored, verdicts, len(joined.records), joined.planned, joined.remarks)
    embedded = name == "embedded"
    shortfall = [] if embedded else partial_marks(joined.planned, configured.card.get("questions"))
    return scored, replace(results, marks=[*([EMBEDDED] if embedded else []), *results.marks, *shortfall])


def _scored(
    benchmark: Task, configured: Task, spec: RunSpec, records: Sequence[Record], path: str, display: Display | None
) -> tuple[Scored, Verdicts | None]:
    scored = score_records(configured, records)
    if spec.judge is None:
        return scored, None
    return judged(scored, benchmark, spec, Path(path).with_suffix(".judge.jsonl"), display or Display())


def _size(records: Sequence[Record]) -> list[str]:
    """Name the MMBench set that has as many questions and rows as a table."""
    from mmeval.data.mmbench import SIZES

    questions = {record.groups[GROUP] for record in records if GROUP in record.groups}
    names = [name for name, size in SIZES.items() if size == (len(questions), len(records))]
    known = f"the size of {names[0]}" if names else f"not the size of any known set ({', '.join(SIZES)})"
    return [f"{plural(len(questions), 'question')} in {plural(len(records), 'row')}, {known}."] if questions else []


def _results(scored: Scored, verdicts: Verdicts | None, given: int, planned: int, remarks: list[str]) -> Results:
    """Return the results of answers outside a run. As in a run, a mark reports questions without an answer."""
    results = scored.results()
    errors = sum(score.outcome == "error" for score in scored.main)  # questions, however many answers each has
    lacking = part_of(planned - given, planned, "question", "has no answer", "have no answer")
    marks = [f"unfinished: {lacking}"] if given < planned else []
    marks += [part_of(errors, planned, "answer", "is an error", "are errors")] if errors else []
    remarks = [*remarks, *results.remarks]
    results = replace(results, answered=given - errors, planned=planned, marks=marks, remarks=remarks)
    return results if verdicts is None else noted(results, verdicts, scored)
