"""What a run and its runs under controls show about the source of the answers: the content of `bias.json`.

See docs/bias.md for definitions and sources. No model is needed. Numbers that compare two runs use the questions that
both answered.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from mmeval import controls
from mmeval.bias import likelihood, parts, shares
from mmeval.bias.asked import accuracy, answered, are_right, comparable, matched, mean_of
from mmeval.bias.parts import Measures
from mmeval.bias.runs import folders, named, scored_controls
from mmeval.configuration import configure
from mmeval.controls.mentions import RELEVANT
from mmeval.files import write_text
from mmeval.runs.records import digest
from mmeval.runs.run import Run
from mmeval.runs.scored import Scored, score_records
from mmeval.scoring import baselines
from mmeval.scoring.baselines import yes_or_no
from mmeval.scoring.statistics import Statistic, estimate, paired, value_of
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import InputError, Record, Score

SCHEMA = 1
UNSOLVED = "unsolved-blind.txt"
"""The file with the ids of the questions that need the picture."""
BLIND = ("absent", "guess", "grey", "noise", controls.TEXT)
"""Controls that leave no information from the picture."""
ACCURACY = "accuracy"


def study(run: Run, needs_picture: Collection[str] | None = None) -> Measures:
    """Return the results for a run and its controls. Raises InputError if the run is itself under a control.

    `needs_picture`, if given, are the ids of the questions that need a picture (MMICL's split of ScienceQA).
    """
    if run.spec.control is not None:
        raise InputError(f"{run.folder}: a run under the control '{run.spec.control}'; name the original run")
    task = configure(load_task(run.spec.task, run.identity.get("card")), run.spec)
    main = score_records(task, run.records)
    others, acts, remarks = scored_controls(run, task)
    pairs = {name: matched(main, other) for name, other in others.items()}
    if empty := [name for name, (common, _) in pairs.items() if not common.records]:
        remarks.append(f"{named(empty)} left out: no question has an answer both in the run and in the control.")
    for name in empty:
        del pairs[name], others[name]
    results = of_answers(main)
    results |= {"model": run.spec.model, "prompt": run.spec.prompt, "scoring": run.spec.scoring, "marks": run.marks}
    results["records"] = run.journal_contents.digest
    results["controls"] = {name: _control(name, *pairs[name], acts=acts[name]) for name in sorted(pairs, key=_rank)}
    results["control_records"] = {path.name: digest(path) for path in folders(run)}
    results["families"] = _families(pairs)
    results |= {
        "mmstar": parts.mmstar(pairs),
        "rotation": parts.rotation(main, others),
        "length": parts.length({**others, "": main}),
        "blind_solvable": parts.solvable(main, {n: pairs[n][1] for n in BLIND if n in pairs}, needs_picture),
        "likelihood": _prior(main, pairs),
        "prompts": parts.prompts(main, others, run.spec.prompt or ""),
        "remarks": remarks,
    }
    return results


def of_answers(main: Scored) -> Measures:
    """Return the results that need only the answers: no control and no model."""
    if not main.records:
        raise InputError("there is no answer to study yet; repeat the command to continue the run")
    headline, without_errors = _headline(main.task), answered(main)
    return {
        "schema": SCHEMA,
        "task": main.task.name,
        "title": main.task.title,
        "n": len(main.records),
        "labels": {ACCURACY: "Accuracy", **{name: main.task.labels[name] for name in headline}},
        "seen": {name: asdict(estimate(statistic)) for name, statistic in _reported(main, headline).items()},
        "axes": dict(main.task.axes),
        "rows": _rows(main, headline),
        "yes_no": shares.yes_no(without_errors) if yes_or_no(without_errors.records) else None,
        "letters": shares.histogram(without_errors) if any(record.choices for record in main.records) else None,
        "by_place": _by(main, lambda record: record.tags.get(RELEVANT)),
        "by_pictures": _by(main, lambda record: str(len(record.images))),
    }


def _headline(task: Task) -> list[str]:
    """Return a benchmark's headline numbers: its totals, else its first axis."""
    return list(task.totals) or list(task.axes)[:1]


def _reported(scored: Scored, names: Sequence[str]) -> dict[str, Statistic]:
    numbers = scored.statistics(scored.first)
    return {ACCURACY: accuracy(scored), **{name: numbers[name] for name in names if name in numbers}}


def _rank(name: str) -> tuple[int, str]:
    """Return a sort key: controls in listed order, then joined controls and other prompts."""
    listed = list(controls.CONTROLS)
    return (listed.index(name) if name in listed else len(listed), name)


def _control(name: str, main: Scored, other: Scored, acts: str) -> Measures:
    """Return the effects of a control. Every difference is the main run's number minus the control's."""
    metrics = [*_headline(main.task), *main.task.axes]
    main_numbers, control_numbers = main.numbers(main.first), other.numbers(other.first)
    gain = {ACCURACY: asdict(paired(accuracy(main), accuracy(other)))}
    for metric in dict.fromkeys(metrics):
        seen, unseen = main_numbers.get(metric), control_numbers.get(metric)
        if seen and unseen and not (seen.reason or unseen.reason):
            gain[metric] = asdict(paired(seen, unseen))
    changed = {
        record.id: float(comparable(record, score) != comparable(*main.by_id[record.id]))
        for record, score in other.by_id.values()
    }
    results: Measures = {
        "about": controls.about(name),
        "acts": acts,
        "n": len(main.records),
        "as_asked": asdict(estimate(accuracy(main))),
        ACCURACY: asdict(estimate(accuracy(other))),
        "gain": gain,
        "changed": asdict(estimate(mean_of(main, lambda record, score: changed[record.id]))),
        "flips": _flips(main, other),
    }
    if name in BLIND:
        results["mirage"] = shares.mirage(main, other)
    if yes_or_no(other.records):
        results["yes_no"] = shares.yes_no(other)
    return results


def _flips(main: Scored, other: Scored) -> Measures:
    """Return how many answers the picture made correct, and how many it made wrong."""
    seen, unseen = are_right(main), are_right(other)
    both = seen.keys() & unseen.keys()
    return {
        "to_right": sum(seen[id] and not unseen[id] for id in both),
        "to_wrong": sum(unseen[id] and not seen[id] for id in both),
    }


def _families(pairs: Mapping[str, tuple[Scored, Scored]]) -> Measures:
    """Return the gain in accuracy over the draws of each swap: the mean with its interval, the smallest, the largest.

    The mean is over the questions of all draws; each question counts with the mean of its scores in them.
    """
    families = {}
    for family in ("swap-category", "swap-any"):
        draws = [pairs[name] for name in controls.FAMILIES[family] if name in pairs]
        values = (paired(accuracy(main), accuracy(swapped)).value for main, swapped in draws)
        gains = [value for value in values if value is not None]
        if not gains:
            continue
        others = [other for _, other in draws]
        common = draws[0][0].of(set.intersection(*(set(other.by_id) for other in others)))
        mean = paired(accuracy(common), mean_of(common, partial(_mean_score, others)))
        ends = {"mean": mean.value, "low": mean.low, "high": mean.high}
        families[family] = {"draws": len(draws), **ends, "least": min(gains), "most": max(gains)}
    return families


def _mean_score(draws: Sequence[Scored], record: Record, score: Score) -> float | None:
    values = [draw.by_id[record.id][1].value for draw in draws]
    known_values = [value for value in values if value is not None]
    return sum(known_values) / len(known_values) if len(known_values) == len(values) else None


def _prior(main: Scored, pairs: Mapping[str, tuple[Scored, Scored]]) -> Measures | None:
    name = next((name for name in ("absent", "grey", controls.TEXT) if name in pairs), None)
    results = None if name is None else likelihood.corrected(main, pairs[name][1])
    return results and {"prior": name, **results}


def _rows(main: Scored, headline: Sequence[str]) -> Measures:
    """Return baseline scores: chance, the most frequent expected answer, and each constant answer."""
    rows: Measures = {"chance": {name: statistic.chance for name, statistic in _reported(main, headline).items()}}
    constant = main.task.constant
    for text in [constant[0]] if constant else baselines.constants(main.records):
        scored = main.answering(text)
        name = baselines.label(baselines.CONSTANT if constant or len(rows) > 1 else baselines.MAJORITY, text)
        rows[name] = {key: value_of(statistic) for key, statistic in _reported(scored, headline).items()}
    return rows


def _by(main: Scored, name: Callable[[Record], str | None]) -> Measures | None:
    """Return the accuracy of each part of the questions, or None if there is only one part."""
    ids_by_part: dict[str, set[str]] = {}
    for record in main.records:
        if (part := name(record)) is not None:
            ids_by_part.setdefault(part, set()).add(record.id)
    if len(ids_by_part) < 2:
        return None
    ordered = sorted(ids_by_part, key=lambda part: (len(part), part))
    return {part: asdict(estimate(accuracy(main.of(ids_by_part[part])))) for part in ordered}


def of_file(task: str, predictions: str | None, answers: str | None, data: str | None) -> Measures:
    """Return the results for answers in a file: the benchmark's own predictions, or answers by id."""
    from mmeval.answers import score_answers, score_predictions

    if predictions is not None:
        scored, results = score_predictions(task, predictions)
    else:
        assert answers is not None
        scored, results = score_answers(task, answers, data=data)
    return of_answers(scored) | {"controls": {}, "marks": results.marks}


def write_ids(results: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the ids of the questions not solved blind, for `--only-ids`; return the path, if any.

    Raises InputError for an id with a line break, which would be read as two.
    """
    ids = (results.get("blind_solvable") or {}).get("ids")
    if not ids:
        return []
    if broken := next((id for id in ids if "\n" in id or "\r" in id), None):
        raise InputError(f"the id {broken!r:.80} has a line break, so {UNSOLVED} cannot list it; change it in the data")
    write_text(folder / UNSOLVED, "".join(f"{id}\n" for id in ids))
    return [folder / UNSOLVED]
