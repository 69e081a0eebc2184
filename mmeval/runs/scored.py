"""Turn records into numbers: every scorer scores every record once, then the task's metrics sum up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

from mmeval.runs import remarks
from mmeval.runs.schema import Baseline, Counts, Results, SampleScores
from mmeval.scoring import baselines
from mmeval.scoring.differences import differences, explain
from mmeval.scoring.facts import needed
from mmeval.scoring.sampled import average, columns, passed, together
from mmeval.scoring.statistics import Statistic, estimate, parts, value_of
from mmeval.task import Task
from mmeval.types import InputError, Outcome, Record, Score, plural, replace_surrogates


@dataclass(frozen=True)
class Scored:
    """Records and each scorer's scores, in the same order."""

    task: Task
    records: Sequence[Record]
    scores: Mapping[str, Sequence[Score]]
    """Of each question; with several sampled answers, their mean value and most frequent outcome."""
    columns: Sequence[Scored] = ()
    """With several sampled answers: the first answer of every question, the second ones, and so on."""

    @property
    def first(self) -> str:
        """The name of the first scorer, whose numbers are the headline."""
        return next(iter(self.task.scorers))

    @property
    def main(self) -> Sequence[Score]:
        """The first scorer's scores."""
        return self.scores[self.first]

    @cached_property
    def by_id(self) -> dict[str, tuple[Record, Score]]:
        """Map ids to records and the first scorer's scores."""
        return {record.id: (record, score) for record, score in zip(self.records, self.main, strict=True)}

    @cached_property
    def answers(self) -> Scored:
        """Return every answer on its own: several sampled answers of a question are records with the same id."""
        if not self.columns:
            return self
        records = [record for column in self.columns for record in column.records]
        scores = {name: [score for column in self.columns for score in column.scores[name]] for name in self.scores}
        return Scored(self.task, records, scores)

    @property
    def to_judge(self) -> list[Record]:
        """Return the records that a judge is asked about: all answers if it is the official reader, else `unread`."""
        if self.task.grader is None:
            return self.unread
        return [record for record in self.records if record.text is not None and record.error is None]

    @property
    def unread(self) -> list[Record]:
        """Return the records whose answer some scorer could not parse."""
        judged = zip(self.records, *self.scores.values(), strict=True)
        return [record for record, *scores in judged if any(score.outcome == "unparsed" for score in scores)]

    def of(self, ids: Collection[str]) -> Scored:
        """Return the records and scores with those ids."""
        positions = [position for position, record in enumerate(self.records) if record.id in ids]
        scores = {name: [all_scores[position] for position in positions] for name, all_scores in self.scores.items()}
        records = [self.records[position] for position in positions]
        return replace(self, records=records, scores=scores, columns=[column.of(ids) for column in self.columns])

    def judged_by(self, task: Task) -> Scored:
        """Score the answers that a judge was asked about again with `task`, which includes its verdicts."""
        if self.columns:
            raise InputError("a judge reads one answer to each question; score the run without it")
        if task.grader is not None:
            return score_records(task, self.records)
        unread_ids = {record.id for record in self.unread}
        scores = {
            name: [
                judge(task, record, name) if record.id in unread_ids else score
                for record, score in zip(self.records, all_scores, strict=True)
            ]
            for name, all_scores in self.scores.items()
        }
        return replace(self, task=task, scores=scores)

    def results(self) -> Results:
        """Return the content of `scores.json`: an Estimate per metric and scorer, counts, remarks."""
        main, *others = self.task.scorers
        answers = self.answers
        measured = {name: self.statistics(name) for name in self.scores}
        metrics = {
            name: {key: estimate(statistic) for key, statistic in statistics.items()}
            for name, statistics in measured.items()
        }
        compared = ""
        if others:
            graded = self.task.grader is not None
            compared = explain(
                differences(answers.records, answers.scores[main], answers.scores[others[0]], graded=graded)
            )
        constant = self.baselines()
        pass_at_k = passed([(column.records, column.main) for column in self.columns])
        return Results(
            task=self.task.name,
            scorer=main,
            metrics=metrics[main],
            others={name: metrics[name] for name in others},
            parts={key: terms for key, statistic in measured[main].items() if (terms := parts(statistic))},
            baselines=constant,
            counts=answers.counts,
            differences=compared,
            passed=pass_at_k,
            remarks=[
                *remarks.on_answers(self.records, answers.records, withheld=self.withheld is not None),
                *remarks.on_samples(len(self.columns), pass_at_k),
                *self._remarks_of_task(),
                *([baselines.UNJUDGED] if constant and self.task.judged else []),
            ],
            answered=len(self.records) - self._errors,
            planned=len(self.records),
            marks=[],
        )

    @property
    def counts(self) -> Counts:
        """The number of records, in total and per outcome by the first scorer."""
        outcomes: Counter[str] = Counter(score.outcome for score in self.main)
        partly = sum(score.outcome == "correct" and (score.value or 1.0) < 1.0 for score in self.main)
        by_outcome = {name: outcomes[name] for name in get_args(Outcome)}
        return Counts(samples=len(self.records), partly_correct=partly, **by_outcome)

    def statistics(self, scorer: str) -> dict[str, Statistic]:
        """Return a scorer's metrics. None has a value if likelihoods or a judge's replies are missing."""
        numbers = self.numbers(scorer)
        reason = self.withheld or self._without_reply(scorer)
        if reason is None:
            return numbers
        return {
            name: replace(statistic, strata=(), functional=None, reason=reason) for name, statistic in numbers.items()
        }

    def numbers(self, scorer: str) -> dict[str, Statistic]:
        """Return a scorer's metrics as the task computes them, whatever is missing.

        With several sampled answers, each metric is the mean over the columns (`scoring.sampled`).
        """
        if not self.columns:
            with needed(self.records):
                return self.task.numbers(scorer, self.records, self.scores[scorer])
        each = [column.numbers(scorer) for column in self.columns]
        return {name: average([numbers[name] for numbers in each]) for name in each[0]}

    def answering(self, answer: str) -> Scored:
        """Return what the first scorer would give if every question had been answered with `answer`.

        No judge is asked about that, so where one is the first scorer, `strict` stands in for it.
        """
        scorer, constant = self.first if self.task.grader is None else "strict", self.task.constant

        def score(record: Record) -> Score:
            if constant is not None and constant[0] == answer:
                return constant[1](record)
            return judge(self.task, record, scorer)

        records, scores = baselines.answering(self.records, answer, score)
        return Scored(self.task, records, {self.first: scores})

    def baselines(self) -> dict[str, Baseline]:
        """Return the numbers of answers that do not depend on the question, by the first scorer: answer and values."""
        rows, constant = {}, self.task.constant
        answers = baselines.baselines(self.records) if constant is None else {baselines.CONSTANT: constant[0]}
        for name, answer in answers.items():
            numbers = self.answering(answer).numbers(self.first)
            values = {key: value_of(statistic) for key, statistic in numbers.items()}
            if any(value is not None for value in values.values()):
                rows[name] = Baseline(answer, values)
        return rows

    def samples(self) -> list[SampleScores]:
        """Return the content of `samples.jsonl`: each sample's outcome, value and parsed answer under each scorer."""
        rows = []
        for position, record in enumerate(self.records):
            scores = {name: all_scores[position] for name, all_scores in self.scores.items()}
            rows.append(SampleScores(record.id, record.category, dict(record.groups), scores))
        return rows

    @property
    def withheld(self) -> str | None:
        """Why there are no numbers, if so: where candidates are compared, a missing answer cannot count as wrong."""
        if self.task.candidates is None or not self._errors:
            return None
        return f"{self._errors:,} of {plural(len(self.records), 'question')} ended in an error"

    def _without_reply(self, scorer: str) -> str | None:
        """Why a judge's scorer has no numbers, if so: an answer that it did not read cannot count as wrong."""
        if self.task.grader is None:
            return None
        lost = sum(score.outcome == "unscored" for score in self.scores[scorer])
        return f"the judge gave no usable reply for {lost:,} of {plural(len(self.records), 'answer')}" if lost else None

    @property
    def _errors(self) -> int:
        return sum(record.error is not None for record in self.records)

    def _remarks_of_task(self) -> list[str]:
        """Return the benchmark's own remarks. One that is not true of every column is marked as being of the first."""
        if not self.columns:
            with needed(self.records):
                return self.task.remarks(self.records, self.main)
        first, *others = [column._remarks_of_task() for column in self.columns]
        return [
            remark if all(remark in other for other in others) else f"First sampled answers: {remark}"
            for remark in first
        ]


def score_records(task: Task, records: Sequence[Record]) -> Scored:
    """Score every answer of every record once with every scorer."""
    if not (sampled := [score_records(task, column) for column in columns(records)]):
        return Scored(task, records, {name: [judge(task, record, name) for record in records] for name in task.scorers})
    scores = {
        name: [
            together(question_scores)
            for question_scores in zip(*(column.scores[name] for column in sampled), strict=True)
        ]
        for name in task.scorers
    }
    return Scored(task, records, scores, sampled)


def judge(task: Task, record: Record, scorer: str) -> Score:
    """Return the score of a record with one answer.

    An error counts as wrong, so no number hides it. Without a target there is no score.
    """
    if record.error is not None:
        return Score(0.0, "error")
    with needed([record]):
        score = task.scorers[scorer](record)
    if score.answer is not None and not score.answer.isascii():  # JSON in a reply may have escapes of surrogates
        score = replace(score, answer=replace_surrogates(score.answer))
    return score if record.targets else replace(score, value=None, outcome="unscored")
