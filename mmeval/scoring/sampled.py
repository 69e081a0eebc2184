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

    It has no value if one of them has none: their mean would be over some of the answers only.
    """
    first, missing = numbers[0], [one.reason for one in numbers if one.reason is not None]
    if missing:
        some = "" if len(missing) == len(numbers) else f" (in {len(missing)} of {len(numbers)} samples)"
        return Statistic(first.full_marks, first.chance, reason=f"{missing[0]}{some}")
    if len({(one.full_marks, len(one.strata), one.functional is None) for one in numbers}) > 1:
        return Statistic(first.full_marks, first.chance, reason="its parts differ between the sampled answers")
    if first.functional is not None:
        return replace(first, functional=_mean_functional([one.functional for one in numbers if one.functional]))
    strata = zip(*(one.strata for one in numbers), strict=True)
    return replace(first, strata=[_mean_stratum(own) for own in strata])


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
    found = {}
    for k in [1 << power for power in range(n.bit_length()) if right]:
        values = [1 - math.comb(n - count, k) / math.comb(n, k) for count in right]
        found[f"pass@{k}"] = estimate(Statistic(1.0, None, [((1.0, Mean(values, clusters)),)]))
    return found


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
    return [(weight, replace(first, values=[math.fsum(own) / len(own) for own in values]))]


def _mean_functional(of: Sequence[Functional]) -> Functional:
    names = list(dict.fromkeys(chain.from_iterable(one.clusters for one in of)))
    place = {name: index for index, name in enumerate(names)}
    at = [[place[name] for name in one.clusters] for one in of]

    def value(weights: Array) -> Array:
        return np.asarray(np.mean([one.value(weights[:, own]) for one, own in zip(of, at, strict=True)], axis=0))

    def without() -> Array:
        found = np.empty((len(of), len(names)))
        for row, one, own in zip(found, of, at, strict=True):
            row[:] = one.value(np.ones((1, len(own))))[0]  # a cluster that it lacks changes nothing
            row[own] = one.without()
        return np.asarray(found.mean(axis=0))

    return Functional(value, without, names, min(one.effective for one in of), max(one.n for one in of))
