"""Two ways to run a model, compared: the share of equal answers, the scores' differences, the answers that differ.

A side is a model and settings of its own: `mmicl-tiny,dtype=bfloat16`, or `server:http://host:8000/v1#MODEL`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval.client import without_password
from mmeval.evaluation import evaluate
from mmeval.run import Run
from mmeval.scored import Scored, score_records
from mmeval.scoring.significance import equivalence
from mmeval.scoring.statistics import Statistic, difference, paired
from mmeval.spec import RunSpec, from_mapping, options, value_type
from mmeval.task import configure, load_task
from mmeval.types import Display, Estimate, InputError, Record, Score

CONFIDENT = 0.05
"""A difference beyond the margin is ruled out where its p-value is less."""


@dataclass(frozen=True)
class Row:
    """A number of both sides."""

    label: str
    difference: Estimate
    """The second side's less the first's."""
    p: float | None
    """The p-value of a difference of the margin or more, either way; None where there is no value."""


@dataclass(frozen=True)
class Differing:
    """A question that the two sides answer differently: what each was sent, said, and was read as."""

    id: str
    sent: tuple[str, str]
    said: tuple[str, str]
    read: tuple[str, str]


@dataclass(frozen=True)
class Parity:
    """What a comparison of two sides found."""

    names: tuple[str, str]
    runs: tuple[Run, Run]
    questions: int
    same: int
    """Questions with equal answers: the same text, or the same likeliest candidate."""
    same_read: int
    """Questions whose answers are read as the same."""
    furthest: float | None
    """The largest difference of two likelihoods of a candidate; None where texts were compared."""
    margin: float
    """How much of full marks, in percent, counts as no difference."""
    rows: tuple[Row, ...]
    differing: tuple[Differing, ...]

    @property
    def equivalent(self) -> bool:
        """Tell whether a difference beyond the margin is ruled out for every number."""
        return all(row.p is not None and row.p < CONFIDENT for row in self.rows)


def parity(
    first: str, other: str, *, out: str | Path, margin: float = 1.0, fresh: bool = False,
    display: Display | None = None, evaluate: Callable[..., Run] = evaluate, **common: Any,
) -> Parity:  # fmt: skip
    """Evaluate both sides, each in a folder of its own under `out`, and compare them; begun runs go on.

    `common` are fields of RunSpec that both have; `margin` is in percent of a number's full marks. Raises InputError as
    `evaluate` does, for a side that is no model and settings, and for a margin that is not positive.
    """
    if not 0 < margin < 100:
        raise InputError(f"the margin is {margin:g}; give percent of full marks, more than 0 and less than 100")
    display = display or Display()
    specs = [
        from_mapping({**common, **side(text)}, f"side '{without_password(text)}'", RunSpec) for text in (first, other)
    ]
    names = (without_password(first), without_password(other))
    folders = [_folder(name) for name in names]
    if folders[0] == folders[1]:
        folders[1] += "-again"
    runs = []
    for name, spec, folder in zip(names, specs, folders, strict=True):
        display.message(f"{spec.task} with {name}")
        runs.append(evaluate(spec, out=Path(out) / folder, fresh=fresh, display=display))
    return compare(names, (runs[0], runs[1]), margin)


def side(text: str) -> dict[str, Any]:
    """Return the model and the settings of `MODEL[,NAME=VALUE...]`. Raises InputError for a value of another type.

    A piece that begins with no option's name belongs to what stands before it: addresses have commas, too.
    """
    model, *rest = text.split(",")
    found: dict[str, str] = {"model": model}
    name = "model"
    for piece in rest:
        before, equals, value = piece.partition("=")
        if equals and (known := before.strip().replace("-", "_")) in options(RunSpec):
            if known in found:
                raise InputError(f"side '{without_password(text)}' sets {known} twice; set it once")
            name, found[known] = known, value
        else:
            found[name] += f",{piece}"
    return {one: _typed(one, value, without_password(text)) for one, value in found.items()}


def _typed(name: str, value: str, side: str) -> Any:
    kind = value_type(RunSpec, name)
    try:
        if kind is bool:
            return {"true": True, "false": False}[value.lower()]
        return kind(value)
    except (ValueError, KeyError) as error:
        raise InputError(f"side '{side}': {name} is '{value[:40]}', which is no {kind.__name__}; change it") from error


def compare(names: tuple[str, str], runs: tuple[Run, Run], margin: float) -> Parity:
    """Compare two runs of the same questions. Raises InputError where they are not."""
    one, other = (_scored(run) for run in runs)
    main = next(iter(one.task.scorers))
    theirs = {record.id: (record, score) for record, score in zip(other.records, other.scores[main], strict=True)}
    asked = [
        (record, score) for record, score in zip(one.records, one.scores[main], strict=True) if record.id in theirs
    ]
    if not asked:
        raise InputError(f"{runs[0].folder} and {runs[1].folder} have no question in common; compare the same data")
    pairs = [(record, score, *theirs[record.id]) for record, score in asked]
    same = [_answer(a) == _answer(b) for a, _, b, _ in pairs]
    gaps = [
        abs(x - y) for a, _, b, _ in pairs for x, y in zip(a.loglikelihoods or (), b.loglikelihoods or (), strict=False)
    ]
    differing = [
        Differing(a.id, (a.sent, b.sent), (_answer(a), _answer(b)), (_read(s), _read(t)))
        for (a, s, b, t), equal in zip(pairs, same, strict=True)
        if not equal
    ]
    return Parity(
        names, runs, len(pairs), sum(same), sum(_read(s) == _read(t) for _, s, _, t in pairs),
        max(gaps, default=None), margin, _rows(one, other, main, margin), tuple(differing),
    )  # fmt: skip


def _rows(one: Scored, other: Scored, main: str, margin: float) -> tuple[Row, ...]:
    """Return a row for each headline number: totals where a task has some, else its axes."""
    task = one.task
    first, second = (_numbers(scored, main) for scored in (one, other))
    labels = task.totals or task.axes
    return tuple(
        _row(label, first[name], second[name], margin)
        for name, label in labels.items()
        if name in first and name in second
    )


def _numbers(scored: Scored, main: str) -> Mapping[str, Statistic]:
    return scored.task.metrics[main](scored.records, scored.scores[main])


def _row(label: str, one: Statistic, other: Statistic, margin: float) -> Row:
    found = paired(other, one)
    if found.value is None:
        return Row(label, found, None)
    return Row(label, found, equivalence(difference(other, one), margin / 100 * one.full_marks))


def _scored(run: Run) -> Scored:
    task = configure(load_task(run.spec.task, run.identity.get("card")), run.spec)
    records = sorted(run.records, key=lambda record: record.id)  # as they came they are in another order each time
    return score_records(task, records)


def _answer(record: Record) -> str:
    """Return what was said, as text: the answer, the place of the likeliest candidate from 1, or the error."""
    if record.error is not None:
        return f"error: {record.error}"
    if record.loglikelihoods is not None:
        return f"candidate {1 + record.loglikelihoods.index(max(record.loglikelihoods))}"
    return record.text or ""


def _read(score: Score) -> str:
    return score.outcome if score.answer is None else score.answer


def _folder(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
