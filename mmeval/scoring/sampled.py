"""Numbers of several sampled answers per question.

A metric is made for one answer per question: whether all questions of a group are right, or how often yes is right, is
not a function of mean marks. So every metric is computed once for the first answers of all questions, once for the
second ones, and so on (columns of records), and these numbers are averaged.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from mmeval.scoring.functionals import Array, Functional, Mean, Stratum
from mmeval.scoring.statistics import Statistic, estimate
from mmeval.types import Estimate, InputError, Record, Score

CLUSTERS = ("cluster", "problem", "video", "image", "pair", "question", "circular")
"""Groups whose answers are not independent, the widest first."""


def columns(records: Sequence[Record]) -> list[list[Record]]:
    """Return the records with the first answer of each question alone, with the second one, and so on.

    The result is empty if there is one answer per question. A record without an answer (an error) is in every column.
    Raises InputError for a record with fewer answers than others.
    """
    number = max((len(record.samples) for record in records), default=0)
    if number < 2:
        return []
    for record in records:
        if record.error is None and record.text is not None and len(record.samples) != number:
            raise InputError(
                f"record {record.id} has {len(record.samples) or 1} of {number} sampled answers; "
                "restore the file, or start over with --fresh"
            )
    return [list(column) for column in zip(*(answers(record, number) for record in records), strict=True)]


def answers(record: Record, number: int = 1) -> Sequence[Record]:
    """Return a record for each sampled answer, or `number` times the same record if none was sampled."""
    if len(record.samples) < 2:
        return [record] * number
    return [replace(record, text=text, samples=()) for text in record.samples]


def together(scores: Sequence[Score]) -> Score:
    """Return the score of a question from those of its answers: the mean value, and the most frequent outcome.

    The answer is the first one with that outcome.
    """
    values = [score.value for score in scores if score.value is not None]
    outcome = Counter(score.outcome for score in scores).most_common(1)[0][0]
    first = next(score for score in scores if score.outcome == outcome)
    return replace(first, value=math.fsum(values) / len(values) if values else None)


def average(numbers: Sequence[Statistic]) -> Statistic:
    """Return the mean of one metric's numbers, one per column, which resamples the same clusters for all.

    The mean has no value if one of the numbers has none; otherwise it would cover only some of the answers.
    """
    first, reasons = numbers[0], [statistic.reason for statistic in numbers if statistic.reason is not None]
    if reasons:
        scope = "" if len(reasons) == len(numbers) else f" (in {len(reasons)} of {len(numbers)} samples)"
        return Statistic(first.full_marks, first.chance, reason=f"{reasons[0]}{scope}")
    if len({(statistic.full_marks, len(statistic.strata), statistic.functional is None) for statistic in numbers}) > 1:
        return Statistic(first.full_marks, first.chance, reason="its parts differ between the sampled answers")
    if first.functional is not None:
        functionals = [statistic.functional for statistic in numbers if statistic.functional]
        return replace(first, functional=_mean_functional(functionals))
    strata = zip(*(statistic.strata for statistic in numbers), strict=True)
    return replace(first, strata=[_mean_stratum(of_columns) for of_columns in strata])


def passed(columns: Sequence[tuple[Sequence[Record], Sequence[Score]]]) -> dict[str, Estimate]:
    """Return pass@k for k = 1, 2, 4, ... up to n: the chance that one of k of the n sampled answers is right.

    This is the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374), averaged over the questions that can be
    scored. An error counts as no right answer. `columns` are records and scores of each answer. The result is empty if
    there are none, and if questions were skipped (--early-stop), as those are not a random part of all.
    """
    n, right, clusters = len(columns), list[int](), list[str]()
    if any("skipped" in record.tags for records, _ in columns[:1] for record in records):
        return {}
    for rows in zip(*(zip(records, scores, strict=True) for records, scores in columns), strict=True):
        record = rows[0][0]
        if any(score.outcome != "unscored" for _, score in rows):
            right.append(sum(score.outcome == "correct" for _, score in rows))
            clusters.append(next((record.groups[key] for key in CLUSTERS if key in record.groups), record.id))
    estimates = {}
    for k in [1 << power for power in range(n.bit_length()) if right]:
        values = [1 - math.comb(n - count, k) / math.comb(n, k) for count in right]
        estimates[f"pass@{k}"] = estimate(Statistic(1.0, None, [((1.0, Mean(values, clusters)),)]))
    return estimates


def _mean_stratum(strata: Sequence[Stratum]) -> Stratum:
    """Return the mean of one stratum over the columns.

    Means over the same units become one mean of mean values. Others (precision, over the answers that say yes) stay
    apart, each with its share of the weight.
    """
    if len({tuple(weight for weight, _ in stratum) for stratum in strata}) == 1:
        terms = [_mean_term(term) for term in zip(*strata, strict=True)]
    else:
        terms = [[(weight / len(strata), mean) for weight, mean in stratum] for stratum in strata]
    return tuple(chain.from_iterable(terms))


def _mean_term(term: Sequence[tuple[float, Mean]]) -> list[tuple[float, Mean]]:
    weight, first = term[0]
    if any(mean.clusters != first.clusters for _, mean in term):
        return [(weight / len(term), mean) for weight, mean in term]
    values = zip(*(mean.values for _, mean in term), strict=True)
    means = [math.fsum(of_columns) / len(of_columns) for of_columns in values]
    return [(weight, replace(first, values=means))]


def _mean_functional(functionals: Sequence[Functional]) -> Functional:
    names = sorted({name for functional in functionals for name in functional.clusters})
    column_of = {name: index for index, name in enumerate(names)}
    columns_of_each = [[column_of[name] for name in functional.clusters] for functional in functionals]

    def value(weights: Array) -> Array:
        pairs = zip(functionals, columns_of_each, strict=True)
        return np.asarray(np.mean([functional.value(weights[:, selected]) for functional, selected in pairs], axis=0))

    def without() -> Array:
        values = np.empty((len(functionals), len(names)))
        for row, functional, selected in zip(values, functionals, columns_of_each, strict=True):
            row[:] = functional.value(np.ones((1, len(selected))))[0]  # a cluster that it lacks changes nothing
            row[selected] = functional.without()
        return np.asarray(values.mean(axis=0))

    effective = min(functional.effective for functional in functionals)
    return Functional(value, without, names, effective, max(functional.n for functional in functionals))
