"""Two ways to run a model, compared: the share of equal answers, the scores' differences, the answers that differ.

A side is a model and settings of its own: `mmicl-tiny,dtype=bfloat16`, or `server:http://host:8000/v1#MODEL`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmeval import comparison
from mmeval.addresses import without_password
from mmeval.comparison import Row
from mmeval.evaluation import evaluate
from mmeval.run import Run
from mmeval.spec import RunSpec, from_mapping, options, value_type
from mmeval.types import Display, InputError, Record, Score

CONFIDENT = 0.05
"""A difference beyond the margin is ruled out where its p-value is less."""


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
    """Each headline number."""
    differing: tuple[Differing, ...]

    @property
    def equivalent(self) -> bool:
        """Tell whether a difference beyond the margin is ruled out for every number."""
        return all(row.equivalent is not None and row.equivalent < CONFIDENT for row in self.rows)


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
    common = {**common, "no_cache": True}  # an answer of one side says nothing of the other
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
    """Compare two scored runs of the same questions. Raises InputError where they are not."""
    (pair,) = comparison.compare(*runs, margin=margin).pairs
    one, other = ({record.id: record for record in run.records} for run in runs)
    first, second = (run.judged for run in runs)
    ids = sorted(one.keys() & other.keys())
    same = {id for id in ids if _answer(one[id]) == _answer(other[id])}
    gaps = [
        abs(x - y)
        for id in ids
        for x, y in zip(one[id].loglikelihoods or (), other[id].loglikelihoods or (), strict=False)
    ]
    differing = [
        Differing(
            id,
            (one[id].sent, other[id].sent),
            (_answer(one[id]), _answer(other[id])),
            (_read(first[id]), _read(second[id])),
        )
        for id in ids
        if id not in same
    ]
    return Parity(
        names, runs, len(ids), len(same), sum(_read(first[id]) == _read(second[id]) for id in ids),
        max(gaps, default=None), margin, tuple(row for row in pair.rows if row.headline), tuple(differing),
    )  # fmt: skip


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
