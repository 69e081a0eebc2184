"""Compare runs with a first one: every number's difference with interval and p-value, and the changed answers.

Runs are compared on the questions that both asked. `reporting.comparison` shows a comparison.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmeval.configuration import configure
from mmeval.runs.identity import differing
from mmeval.runs.run import Run, open_run
from mmeval.runs.schema import Baseline
from mmeval.runs.scored import Scored, score_records
from mmeval.scoring import baselines
from mmeval.scoring.metrics.groups import in_whole_groups
from mmeval.scoring.significance import detectable, equivalence, holm, p_value
from mmeval.scoring.statistics import Statistic, difference, estimate, paired
from mmeval.scoring.verdicts import Verdicts
from mmeval.spec import options
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import Estimate, InputError, Record, Score, number, plural

OTHERWISE_NOTED = ("model", "data", "limit", "only_ids")
"""Settings whose difference shows in the runs' names, in the number of common questions, or in their contents."""


@dataclass(frozen=True)
class Row:
    """A number of two runs, on the questions that both asked."""

    metric: str
    label: str
    headline: bool
    first: Estimate
    other: Estimate
    difference: Estimate
    """The other minus the first."""
    p: float | None = None
    """The two-sided p-value of no difference; None without a value."""
    adjusted: float | None = None
    """`p` after Holm's adjustment, for all headline numbers of the comparison or for this pair's other numbers."""
    test: str = ""
    detectable: float | None = None
    """The smallest difference that this many questions detect with a power of 80%; None if they detect none."""
    equivalent: float | None = None
    """The p-value of a difference of the margin or more either way, if a margin is given."""


@dataclass(frozen=True)
class Change:
    """A question on which one run scores higher than the other."""

    id: str
    category: str
    first: str
    """The first run's parsed answer, or its outcome; with several sampled answers, the most frequent and the mean."""
    other: str


@dataclass(frozen=True)
class Pair:
    """A run and the first run of its task."""

    task: Task
    first: str
    other: str
    questions: int
    rows: tuple[Row, ...]
    gained: tuple[Change, ...]
    """Questions on which the other run scores higher."""
    lost: tuple[Change, ...]
    notes: tuple[str, ...]
    """Limits of the comparison: missing questions and settings that differ."""
    baselines: Mapping[str, Baseline]
    """What the majority answer and a constant answer score on these questions."""


@dataclass(frozen=True)
class Comparison:
    """Runs by name, in the given order, and each run's comparison with the first of its task."""

    runs: Mapping[str, Run]
    pairs: tuple[Pair, ...]
    margin: float | None
    """The difference, in percent of full marks, up to which runs are equivalent."""


def compare(*runs: Run | str | Path, margin: float | None = None) -> Comparison:
    """Compare runs, or run folders, with the first one of the same task. Write nothing and load no model.

    `margin` is in percent of a number's full marks. Raises InputError for fewer than two runs of a task, for runs
    without a common question, and for a margin that is not between 0 and 100.
    """
    if margin is not None:
        check_margin(margin)
    runs_by_name = names([run if isinstance(run, Run) else open_run(run) for run in runs])
    groups: dict[str, list[tuple[str, Run]]] = {}
    for name, run in runs_by_name.items():
        groups.setdefault(run.spec.task, []).append((name, run))
    if not any(len(group) > 1 for group in groups.values()):
        raise InputError(
            "no two runs share a task, so none can be compared; name at least two run folders of a task, "
            "or one with a condition such as --gate 'A >= 1500'"
        )
    pairs = []
    for (first, base), *other_runs in groups.values():
        scored = scored_again(base)
        pairs += [_pair((first, base, scored), (name, run), margin) for name, run in other_runs]
    return Comparison(runs_by_name, tuple(_adjusted(pairs)), margin)


def check_margin(margin: float) -> None:
    """Raise InputError for a margin that is not between 0 and 100 percent."""
    if not 0 < margin < 100:
        raise InputError(f"the margin is {margin:g}; give percent of full marks, more than 0 and less than 100")


def names(runs: Sequence[Run]) -> dict[str, Run]:
    """Map names to runs: the model's name, or the folder's if runs share a model or there are several tasks."""
    keys = [(run.spec.task, run.spec.model) for run in runs]
    several = len({task for task, _ in keys}) > 1
    counts = Counter(keys)
    runs_by_name: dict[str, Run] = {}
    for run, key in zip(runs, keys, strict=True):
        name = run.folder.resolve().name if counts[key] > 1 or several else run.spec.model
        if any(run.folder.resolve() == earlier.folder.resolve() for earlier in runs_by_name.values()):
            raise InputError(f"{run.folder} is named twice; name each run once")
        runs_by_name[str(run.folder) if name in runs_by_name else name] = run
    return runs_by_name


def scored_again(run: Run) -> Scored:
    """Score a run's records as in its folder, including a judge's verdicts."""
    task = load_task(run.spec.task, run.identity.get("card"))
    scored = score_records(configure(task, run.spec), run.records)
    verdicts = _verdicts(run)
    return scored if verdicts is None else scored.judged_by(configure(task, run.spec, verdicts))


def _verdicts(run: Run) -> Verdicts | None:
    """Return a judge's verdicts on the run's records, if it was scored with one."""
    scored = (run.folder / "scores.json").exists() and not run.stale
    return run.results.judge if scored else None


def _pair(first_side: tuple[str, Run, Scored], other_side: tuple[str, Run], margin: float | None) -> Pair:
    (first, base, scored), (other, run) = first_side, other_side
    other_scored = scored_again(run)
    common = _common(scored.records, other_scored.records)
    if not common:
        raise InputError(f"{base.folder} and {run.folder} have no question in common; compare runs on the same data")
    if scored.task.grader is not None and scored.first != other_scored.first:
        scorers = f"{first} is scored by {scored.first} and {other} by {other_scored.first}"
        raise InputError(
            f"{scorers}; score both with the same judge (`mmeval score RUN --judge URL --judge-model NAME`)"
        )
    notes = _notes(first, other, base, run, len(common))
    scored, other_scored = scored.of(common), other_scored.of(common)
    numbers, other_numbers = (side.statistics(side.first) for side in (scored, other_scored))
    task = scored.task
    heads = task.totals or task.axes
    rows = tuple(
        _row(name, label, name in heads, (numbers[name], other_numbers[name]), margin)
        for name, label in task.labels.items()
        if name in numbers and name in other_numbers
    )
    gained, lost = _changes(scored, other_scored)
    constant = scored.baselines()
    if constant and task.judged:
        notes.append(baselines.UNJUDGED)
    return Pair(task, first, other, len(common), rows, gained, lost, tuple(notes), constant)


def _row(name: str, label: str, headline: bool, statistics: tuple[Statistic, Statistic], margin: float | None) -> Row:
    first, other = statistics
    row = Row(name, label, headline, estimate(first), estimate(other), paired(other, first))
    if row.difference.value is None:
        return row
    gap = difference(other, first)
    p, test = p_value(other, first)
    same = None if margin is None else equivalence(gap, margin / 100 * first.full_marks)
    least = detectable(gap, first.full_marks)
    return replace(row, p=p, test=test, detectable=least, equivalent=same)


def _common(first: Sequence[Record], other: Sequence[Record]) -> frozenset[str]:
    """Return the ids of questions that are the same in both; a group (such as a pair) is kept or dropped whole."""
    other_records = {record.id: record for record in other}
    pairs = ((record, other_records[record.id]) for record in first if record.id in other_records)
    same = {
        record.id
        for record, twin in pairs
        if (record.category, record.targets, record.choices) == (twin.category, twin.targets, twin.choices)
    }
    return in_whole_groups(same, first, other)


def _notes(first: str, other: str, base: Run, run: Run, common: int) -> list[str]:
    notes = []
    sizes = [len(side.journal_contents.by_id) for side in (base, run)]
    if set(sizes) != {common}:
        notes.append(
            f"compared on the {plural(common, 'question')} that both asked, out of {sizes[0]:,} and {sizes[1]:,}"
        )
    base_records, run_records = base.journal_contents.by_id, run.journal_contents.by_id
    if any(base_records[id].digest != run_records[id].digest for id in base_records.keys() & run_records.keys()):
        notes.append("the two runs saw different pictures or demonstrations")
    for name, *values in differing(base.identity, run.identity):
        has_no_dtype = name == "dtype" and "auto" in values  # a server's model, for example
        if name in options() and name not in OTHERWISE_NOTED and not has_no_dtype:
            first_value, other_value = ("none" if value is None else f"{value!s:.60}" for value in values)
            notes.append(f"different {name.replace('_', ' ')}: {first_value} for {first}, {other_value} for {other}")
    if base.identity.get("card") != run.identity.get("card"):
        notes.append(f"different cards named {base.spec.task}; what they ask and how they score may differ")
    if base.identity.get("task_version") != run.identity.get("task_version"):
        notes.append("different versions of the task")
    judges = ["none" if verdicts is None else verdicts.model for verdicts in map(_verdicts, (base, run))]
    if judges[0] != judges[1]:
        notes.append(f"different judge: {judges[0]} for {first}, {judges[1]} for {other}")
    return notes


def _changes(first: Scored, other: Scored) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Return the questions on which the other scores higher, and those on which the first does."""
    gained: list[Change] = []
    lost: list[Change] = []
    for record, before in zip(first.records, first.main, strict=True):
        _, after = other.by_id[record.id]
        change = Change(record.id, record.category, _shown(first, before), _shown(other, after))
        if before.value is None or after.value is None or before.value == after.value:
            continue
        (gained if after.value > before.value else lost).append(change)
    return tuple(gained), tuple(lost)


def _shown(scored: Scored, score: Score) -> str:
    """Return a question's answer as read, or its outcome; with several sampled answers, also their mean."""
    answer = score.answer or f"({score.outcome})"
    return f"{answer} (mean {number(score.value)})" if scored.columns else answer


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    """Adjust p-values: headline numbers across all pairs, other numbers within each pair."""
    headline_p = [row.p for pair in pairs for row in pair.rows if row.headline]
    of_headline = iter(holm(headline_p))
    adjusted_pairs = []
    for pair in pairs:
        of_others = iter(holm([row.p for row in pair.rows if not row.headline]))
        rows = (replace(row, adjusted=next(of_headline if row.headline else of_others)) for row in pair.rows)
        adjusted_pairs.append(replace(pair, rows=tuple(rows)))
    return adjusted_pairs
