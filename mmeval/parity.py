"""Compare two ways to run a model: the share of equal answers, differences of scores, and answers that differ.

A side is a model with its own settings: `mmicl-tiny,dtype=bfloat16`, or `server:http://host:8000/v1#MODEL`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval import comparison
from mmeval.comparison import Row
from mmeval.evaluation import evaluate
from mmeval.files import component
from mmeval.runs.run import Run
from mmeval.runs.share import of_process
from mmeval.servers.addresses import without_password
from mmeval.spec import from_mapping, options, value_type
from mmeval.types import Display, InputError, Record, Score, nearest

CONFIDENT = 0.05
"""A difference beyond the margin is ruled out if its p-value is below this."""


@dataclass(frozen=True)
class Differing:
    """A question that the two sides answer differently: each side's input, answer and parsed answer."""

    id: str
    sent: tuple[str, str]
    answers: tuple[str, str]
    read: tuple[str, str]


@dataclass(frozen=True)
class Parity:
    """The result of comparing two sides."""

    names: tuple[str, str]
    runs: tuple[Run, Run]
    questions: int
    same: int
    """Questions with equal answers: the same text, or the same likeliest candidate. An error is no answer."""
    same_read: int
    """Questions whose parsed answers are equal."""
    furthest: float | None
    """The largest difference of a candidate's two log-likelihoods; None if texts were compared."""
    margin: float
    """The difference, in percent of full marks, up to which the sides are equivalent."""
    rows: tuple[Row, ...]
    """The headline numbers."""
    differing: tuple[Differing, ...]

    @property
    def equivalent(self) -> bool:
        """Whether both runs are complete and a difference beyond the margin is ruled out for every number."""
        return all(run.complete for run in self.runs) and all(
            row.equivalent is not None and row.equivalent < CONFIDENT for row in self.rows
        )


def parity(
    first: str, other: str, *, out: str | Path, margin: float = 1.0, fresh: bool = False,
    display: Display | None = None, evaluate: Callable[..., Run] = evaluate, **common: Any,
) -> Parity:  # fmt: skip
    """Evaluate both sides, each in its own folder under `out`, and compare them. Unfinished runs resume.

    `common` are fields of RunSpec for both sides; `margin` is in percent of a number's full marks. Raises InputError as
    `evaluate` does, for an invalid side, for a margin that is not between 0 and 100, and for several processes.
    """
    comparison.check_margin(margin)
    if not of_process().alone:
        raise InputError("parity compares in one process; start it without a launcher, or evaluate with `mmeval run`")
    common = {**common, "no_cache": True}  # a cached answer of one side must not become the other's
    display = display or Display()
    specs = [from_mapping({**common, **side(text)}, f"side '{without_password(text)}'") for text in (first, other)]
    names = (without_password(first), without_password(other))
    folders = [component(name) for name in names]
    if folders[0] == folders[1]:
        folders[1] += "-again"
    runs = []
    for name, spec, folder in zip(names, specs, folders, strict=True):
        display.message(f"{spec.task} with {name}")
        runs.append(evaluate(spec, out=Path(out) / folder, fresh=fresh, display=display))
    return compare(names, (runs[0], runs[1]), margin)


def side(text: str) -> dict[str, Any]:
    """Return the model and the settings of `MODEL[,NAME=VALUE...]`. Raises InputError for a wrong name or value.

    A piece that does not start with an option's name belongs to the value before it: addresses and `model_args` may
    have commas.
    """
    model, *pieces = text.split(",")
    settings: dict[str, str] = {"model": model}
    name = "model"
    for piece in pieces:
        before, equals, value = piece.partition("=")
        if equals and (setting := before.strip().replace("-", "_")) in options():
            if setting in settings:
                raise InputError(f"side '{without_password(text)}' sets {setting} twice; set it once")
            name, settings[setting] = setting, value
        elif equals and name == "model" and "://" not in model:
            raise InputError(f"side '{without_password(text)}': no setting '{before}'{nearest(before, [*options()])}")
        else:
            settings[name] += f",{piece}"
    return {key: _typed(key, value, without_password(text)) for key, value in settings.items()}


def _typed(name: str, value: str, side: str) -> Any:
    kind = value_type(name)
    try:
        if kind is bool:
            return {"true": True, "false": False}[value.lower()]
        return kind(value)
    except (ValueError, KeyError) as error:
        raise InputError(
            f"side '{side}': {name} is '{value[:40]}', which is not of type {kind.__name__}; change it"
        ) from error


def compare(names: tuple[str, str], runs: tuple[Run, Run], margin: float) -> Parity:
    """Compare two scored runs. Raises InputError if they have no questions in common."""
    (pair,) = comparison.compare(*runs, margin=margin).pairs
    first_records, other_records = ({record.id: record for record in run.records} for run in runs)
    first_scores, other_scores = (run.judged for run in runs)
    ids = sorted(first_records.keys() & other_records.keys())
    same = {id for id in ids if _answer(first_records[id]) == _answer(other_records[id])}
    answered = [id for id in ids if first_records[id].error is None and other_records[id].error is None]
    gaps = [
        abs(x - y)
        for id in ids
        for x, y in zip(first_records[id].loglikelihoods or (), other_records[id].loglikelihoods or (), strict=False)
    ]
    differing = [
        Differing(
            id,
            (first_records[id].sent, other_records[id].sent),
            (_answer(first_records[id]), _answer(other_records[id])),
            (_read(first_scores[id]), _read(other_scores[id])),
        )
        for id in ids
        if id not in same
    ]
    return Parity(
        names, runs, len(ids), len(same.intersection(answered)),
        sum(_read(first_scores[id]) == _read(other_scores[id]) for id in answered),
        max(gaps, default=None), margin, tuple(row for row in pair.rows if row.headline), tuple(differing),
    )  # fmt: skip


def _answer(record: Record) -> str:
    """Return the answer as text: the answer itself, the likeliest candidate's number from 1, or the error."""
    if record.error is not None:
        return f"error: {record.error}"
    if record.loglikelihoods is not None:
        return f"candidate {1 + record.loglikelihoods.index(max(record.loglikelihoods))}"
    return record.text or ""


def _read(score: Score) -> str:
    return score.outcome if score.answer is None else score.answer
