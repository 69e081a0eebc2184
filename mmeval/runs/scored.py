"""Turn records into numbers: every scorer scores every record once, then the task's metrics sum up."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from mmeval.data.sheets import CUT, LONGEST
from mmeval.runs.schema import SCHEMA
from mmeval.scoring import baselines as constant
from mmeval.scoring.differences import differences, explain
from mmeval.scoring.statistics import Mean, Statistic, estimate, parts, value_of
from mmeval.task import Task
from mmeval.types import Estimate, Record, Score, between, number, part_of, plural, within

CLUSTERS = ("cluster", "problem", "video", "image", "pair", "question", "circular")
"""Groups whose answers are not independent, the widest first."""
_NUMBER = re.compile(r"\d[\d.,]*\d|\d")
"""A number in an error's message: the same error names other token counts for other questions."""
OUTCOMES = ("correct", "incorrect", "unparsed", "refused", "error")


@dataclass(frozen=True)
class Scored:
    """Records and each scorer's scores, in the same order."""

    task: Task
    records: Sequence[Record]
    scores: Mapping[str, Sequence[Score]]

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
        places = [place for place, record in enumerate(self.records) if record.id in ids]
        scores = {name: [own[place] for place in places] for name, own in self.scores.items()}
        return replace(self, records=[self.records[place] for place in places], scores=scores)

    def judged_by(self, task: Task) -> Scored:
        """Score the answers that a judge was asked about again with `task`, which includes its verdicts."""
        if task.grader is not None:
            return score_records(task, self.records)
        places = {record.id for record in self.unread}
        scores = {
            name: [judge(task, r, name) if r.id in places else s for r, s in zip(self.records, own, strict=True)]
            for name, own in self.scores.items()
        }
        return replace(self, task=task, scores=scores)

    def results(self) -> dict[str, Any]:
        """Return the content of `scores.json`: an Estimate per metric and scorer, counts, remarks."""
        main, *others = self.task.scorers
        outcomes: Counter[str] = Counter(score.outcome for score in self.main)
        counts = {name: outcomes[name] for name in (*OUTCOMES, *(["unscored"] if outcomes["unscored"] else []))}
        if partly := sum(score.outcome == "correct" and (score.value or 1.0) < 1.0 for score in self.main):
            counts["partly_correct"] = partly  # of the correct ones
        measured = {name: self.statistics(name) for name in self.scores}
        metrics = {
            name: {key: asdict(estimate(statistic)) for key, statistic in statistics.items()}
            for name, statistics in measured.items()
        }
        pair, graded = [self.scores[name] for name in self.task.scorers][:2], self.task.grader is not None
        drawn = passed(self.task, self.records, main)
        values = ", ".join(
            f"{name} {within(number(one.value, 3), between(one.low, one.high, 3))}" for name, one in drawn.items()
        )
        of_samples = [f"Values are means over each question's sampled answers; {values}."] if drawn else []
        return {
            "schema": SCHEMA,
            "task": self.task.name,
            "scorer": main,
            "metrics": metrics[main],
            **{name: metrics[name] for name in others},
            "parts": {key: found for key, statistic in measured[main].items() if (found := parts(statistic))},
            "baselines": self.baselines(),
            "counts": {"samples": len(self.records), **counts},
            "differences": explain(differences(self.records, *pair, graded=graded)) if len(pair) == 2 else "",
            **({"passed": {name: asdict(one) for name, one in drawn.items()}} if drawn else {}),
            "remarks": [*self._of_answers(), *of_samples, *self.task.remarks(self.records, self.main)],
        }

    def statistics(self, scorer: str) -> dict[str, Statistic]:
        """Return a scorer's metrics. None has a value if likelihoods or a judge's replies are missing."""
        found, reason = self.numbers(scorer), self.withheld or self._without_reply(scorer)
        if reason is None:
            return found
        return {name: replace(one, strata=(), functional=None, reason=reason) for name, one in found.items()}

    def numbers(self, scorer: str) -> dict[str, Statistic]:
        """Return a scorer's metrics as the task computes them, whatever is missing."""
        return self.task.metrics[scorer](self.records, self.scores[scorer])

    def answering(self, answer: str) -> Scored:
        """Return what the first scorer would give if every question had been answered with `answer`.

        No judge is asked about that, so where one is the first scorer, `strict` stands in for it.
        """
        one, own = self.first if self.task.grader is None else "strict", self.task.constant
        score = own[1] if own and own[0] == answer else lambda record: judge(self.task, record, one)
        records, scores = constant.answering(self.records, answer, score)
        return replace(self, records=records, scores={self.first: scores})

    def baselines(self) -> dict[str, Any]:
        """Return the numbers of answers that do not depend on the question, by the first scorer: answer and values."""
        found, own = {}, self.task.constant
        for name, answer in ({constant.CONSTANT: own[0]} if own else constant.baselines(self.records)).items():
            numbers = self.answering(answer).numbers(self.first)
            values = {key: value_of(one) for key, one in numbers.items()}
            if any(value is not None for value in values.values()):
                found[name] = {"answer": answer, "values": values}
        return found

    def samples(self) -> list[dict[str, Any]]:
        """Return the content of `samples.jsonl`: each sample's outcome, value and parsed answer under each scorer."""
        rows = []
        for place, record in enumerate(self.records):
            scores = {name: own[place] for name, own in self.scores.items()}
            judged = {
                name: {"outcome": one.outcome, "value": one.value, "answer": one.answer} for name, one in scores.items()
            }
            rows.append({"id": record.id, "category": record.category, "groups": dict(record.groups), "scores": judged})
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

    def _of_answers(self) -> list[str]:
        """Return remarks on the answers that apply to any benchmark."""
        total, cut = len(self.records), [record for record in self.records if record.finish_reason == "length"]
        found = []
        if self._errors:
            effect = "Numbers are withheld" if self.withheld else "Errors count as wrong"
            found.append(f"{effect}: {part_of(self._errors, total, 'question', 'has no answer', 'have no answer')}.")
            alike: dict[str, list[str]] = {}
            for message in (record.error for record in self.records if record.error is not None):
                alike.setdefault(_NUMBER.sub("#", message), []).append(message)
            most = max(alike.values(), key=len)
            example = "; its numbers vary" if len(set(most)) > 1 else ""
            found.append(f"The most frequent error ({len(most):,} of {self._errors:,}{example}): {most[0]:.200}")
        if empty := sum(
            record.error is None and record.text is not None and not record.text.strip() for record in self.records
        ):
            found.append(f"{part_of(empty, total, 'answer', 'is empty', 'are empty')}.")
        if cells := sum(len(record.text or "") == LONGEST for record in self.records):
            found.append(f"{cells:,} of {plural(total, 'answer')}: each {CUT}.")
        answered = [record for record in cut if not record.reasoning or (record.text or "").strip()]
        if thinking := len(cut) - len(answered):
            found.append(
                f"{part_of(thinking, total, 'answer', 'was cut', 'were cut')} while the model was still reasoning; "
                "raise --thinking-tokens."
            )
        if answered:
            longest = max(record.output_tokens for record in answered)
            found.append(
                f"{part_of(len(answered), total, 'answer', 'was cut', 'were cut')} at {plural(longest, 'token')}; "
                "raise --max-new-tokens."
            )
        return found


def score_records(task: Task, records: Sequence[Record]) -> Scored:
    """Score every record once with every scorer."""
    return Scored(task, records, {name: [judge(task, record, name) for record in records] for name in task.scorers})


def judge(task: Task, record: Record, scorer: str) -> Score:
    """Return a record's score. An error counts as wrong, so no number hides it. Without a target there is no score."""
    if record.error is not None:
        return Score(0.0, "error")
    if len(record.samples) > 1:
        score = _mean([task.scorers[scorer](replace(record, text=text, samples=())) for text in record.samples])
    else:
        score = task.scorers[scorer](record)
    return score if record.targets else replace(score, value=None, outcome="unscored")


def _mean(scores: Sequence[Score]) -> Score:
    """Return the first of several scores of one question, with the mean of their values."""
    values = [score.value for score in scores if score.value is not None]
    return replace(scores[0], value=sum(values) / len(values) if values else None)


def passed(task: Task, records: Sequence[Record], scorer: str) -> dict[str, Estimate]:
    """Return pass@k for k = 1, 2, 4, ... up to n: the chance that one of k of the n sampled answers is right.

    This is the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374), averaged over the questions that can be
    scored. An error counts as no right answer. The result is empty if there is one answer per question.
    """
    n = max((len(record.samples) for record in records), default=0)
    right: list[int] = []
    clusters: list[str] = []
    for record in (record for record in records if record.targets and n > 1):
        judged = [task.scorers[scorer](replace(record, text=text, samples=())) for text in record.samples]
        right.append(0 if record.error is not None else sum(score.outcome == "correct" for score in judged))
        clusters.append(next((record.groups[key] for key in CLUSTERS if key in record.groups), record.id))
    found = {}
    for k in [1 << power for power in range(n.bit_length()) if right]:
        values = [1 - math.comb(n - count, k) / math.comb(n, k) for count in right]
        found[f"pass@{k}"] = estimate(Statistic(1.0, None, [((1.0, Mean(values, clusters)),)]))
    return found
