"""What a run and its runs under controls show about the source of the answers: the content of `bias.json`.

See docs/bias.md for definitions and sources. No model is needed. Numbers that compare two runs use the questions that
both answered.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mmeval import controls
from mmeval.bias import likelihood, parts, shares
from mmeval.bias.asked import accuracy, answered, are_right, comparable, matched, mean_of
from mmeval.bias.runs import folders, named, scored_controls
from mmeval.configuration import configure
from mmeval.controls.mentions import RELEVANT
from mmeval.files import write_text
from mmeval.runs.records import digest
from mmeval.runs.run import Run
from mmeval.runs.scored import Scored, score_records
from mmeval.runs.study import ACCURACY, Control, Flips, Likelihood, Study, SwapDraws
from mmeval.scoring import baselines
from mmeval.scoring.baselines import yes_or_no
from mmeval.scoring.statistics import Statistic, estimate, paired, value_of
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import Estimate, InputError, Record, Score

UNSOLVED = "unsolved-blind.txt"
"""The file with the ids of the questions that need the picture."""
BLIND = ("absent", "guess", "grey", "noise", controls.TEXT)
"""Controls that leave no information from the picture."""


def study(run: Run, needs_picture: Collection[str] | None = None) -> Study:
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
    return replace(
        of_answers(main),
        model=run.spec.model,
        prompt=run.spec.prompt,
        scoring=run.spec.scoring,
        marks=run.marks,
        records=run.journal_contents.digest,
        controls={name: _control(name, *pairs[name], acts=acts[name]) for name in sorted(pairs, key=_rank)},
        control_records={path.name: digest(path) for path in folders(run)},
        families=_families(pairs),
        mmstar=parts.mmstar(pairs),
        rotation=parts.rotation(main, others),
        length=parts.length({**others, "": main}),
        blind_solvable=parts.solvable(main, {n: pairs[n][1] for n in BLIND if n in pairs}, needs_picture),
        likelihood=_prior(main, pairs),
        prompts=parts.prompts(main, others, run.spec.prompt or ""),
        remarks=remarks,
    )


def of_answers(main: Scored) -> Study:
    """Return the results that need only the answers: no control and no model."""
    if not main.records:
        raise InputError("there is no answer to study yet; repeat the command to continue the run")
    headline, without_errors = _headline(main.task), answered(main)
    return Study(
        task=main.task.name,
        title=main.task.title,
        n=len(main.records),
        labels={ACCURACY: "Accuracy", **{name: main.task.labels[name] for name in headline}},
        seen={name: estimate(statistic) for name, statistic in _reported(main, headline).items()},
        axes=dict(main.task.axes),
        rows=_rows(main, headline),
        yes_no=shares.yes_no(without_errors) if yes_or_no(without_errors.records) else None,
        letters=shares.histogram(without_errors) if any(record.choices for record in main.records) else None,
        by_place=_by(main, lambda record: record.tags.get(RELEVANT)),
        by_pictures=_by(main, lambda record: str(len(record.images))),
    )


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


def _control(name: str, main: Scored, other: Scored, acts: str) -> Control:
    """Return the effects of a control. Every difference is the main run's number minus the control's."""
    metrics = [*_headline(main.task), *main.task.axes]
    main_numbers, control_numbers = main.numbers(main.first), other.numbers(other.first)
    gain = {ACCURACY: paired(accuracy(main), accuracy(other))}
    for metric in dict.fromkeys(metrics):
        seen, unseen = main_numbers.get(metric), control_numbers.get(metric)
        if seen and unseen and not (seen.reason or unseen.reason):
            gain[metric] = paired(seen, unseen)
    changed = {
        record.id: float(comparable(record, score) != comparable(*main.by_id[record.id]))
        for record, score in other.by_id.values()
    }
    return Control(
        about=controls.about(name),
        acts=acts,
        n=len(main.records),
        as_asked=estimate(accuracy(main)),
        accuracy=estimate(accuracy(other)),
        gain=gain,
        changed=estimate(mean_of(main, lambda record, score: changed[record.id])),
        flips=_flips(main, other),
        mirage=shares.mirage(main, other) if name in BLIND else None,
        yes_no=shares.yes_no(other) if yes_or_no(other.records) else None,
    )


def _flips(main: Scored, other: Scored) -> Flips:
    """Return how many answers the picture made correct, and how many it made wrong."""
    seen, unseen = are_right(main), are_right(other)
    both = seen.keys() & unseen.keys()
    return Flips(
        to_right=sum(seen[id] and not unseen[id] for id in both),
        to_wrong=sum(unseen[id] and not seen[id] for id in both),
    )


def _families(pairs: Mapping[str, tuple[Scored, Scored]]) -> dict[str, SwapDraws]:
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
        families[family] = SwapDraws(
            draws=len(draws), mean=mean.value, low=mean.low, high=mean.high, least=min(gains), most=max(gains)
        )
    return families


def _mean_score(draws: Sequence[Scored], record: Record, score: Score) -> float | None:
    values = [draw.by_id[record.id][1].value for draw in draws]
    known_values = [value for value in values if value is not None]
    return math.fsum(known_values) / len(known_values) if len(known_values) == len(values) else None


def _prior(main: Scored, pairs: Mapping[str, tuple[Scored, Scored]]) -> Likelihood | None:
    name = next((name for name in ("absent", "grey", controls.TEXT) if name in pairs), None)
    return None if name is None else likelihood.corrected(main, pairs[name][1], name)


def _rows(main: Scored, headline: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Return baseline scores: chance, the most frequent expected answer, and each constant answer."""
    rows = {"chance": {name: statistic.chance for name, statistic in _reported(main, headline).items()}}
    constant = main.task.constant
    for text in [constant[0]] if constant else baselines.constants(main.records):
        scored = main.answering(text)
        name = baselines.label(baselines.CONSTANT if constant or len(rows) > 1 else baselines.MAJORITY, text)
        rows[name] = {key: value_of(statistic) for key, statistic in _reported(scored, headline).items()}
    return rows


def _by(main: Scored, name: Callable[[Record], str | None]) -> dict[str, Estimate] | None:
    """Return the accuracy of each part of the questions, or None if there is only one part."""
    ids_by_part: dict[str, set[str]] = {}
    for record in main.records:
        if (part := name(record)) is not None:
            ids_by_part.setdefault(part, set()).add(record.id)
    if len(ids_by_part) < 2:
        return None
    ordered = sorted(ids_by_part, key=lambda part: (len(part), part))
    return {part: estimate(accuracy(main.of(ids_by_part[part]))) for part in ordered}


def of_file(task: str, predictions: str | None, answers: str | None, data: str | None) -> Study:
    """Return the results for answers in a file: the benchmark's own predictions, or answers by id."""
    from mmeval.answers import score_answers, score_predictions

    if predictions is not None:
        scored, results = score_predictions(task, predictions)
    else:
        assert answers is not None
        scored, results = score_answers(task, answers, data=data)
    return replace(of_answers(scored), marks=results.marks)


def write_ids(study: Study, folder: Path) -> list[Path]:
    """Write the ids of the questions not solved blind, for `--only-ids`; return the path, if any.

    Raises InputError for an id with a line break, which would be read as two.
    """
    if study.blind_solvable is None or not study.blind_solvable.ids:
        return []
    ids = study.blind_solvable.ids
    if broken := next((id for id in ids if "\n" in id or "\r" in id), None):
        raise InputError(f"the id {broken!r:.80} has a line break, so {UNSOLVED} cannot list it; change it in the data")
    write_text(folder / UNSOLVED, "".join(f"{id}\n" for id in ids))
    return [folder / UNSOLVED]
