"""Asks a model and says how often it was right, with intervals over pictures, alone and against another model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.replication.questions import Asked
from mmeval.scoring.statistics import Mean, Statistic, estimate
from mmeval.types import Estimate, Generation, InputError, Model

GENERATION = Generation(max_new_tokens=8)


@dataclass(frozen=True)
class Answers:
    """Which questions were answered right, in the order in which they were asked."""

    asked: tuple[Asked, ...]
    right: tuple[bool, ...]

    def accuracy(self) -> Estimate:
        """Return the accuracy in percent. Its chance is that of guessing among each question's choices."""
        chance = 100 * sum(asked.chance for asked in self.asked) / len(self.asked)
        values = [float(value) for value in self.right]
        return estimate(Statistic(100.0, chance, [((100.0, Mean(values, self._clusters())),)]))

    def of(self, kind: str) -> Answers:
        """Return the answers to questions of one kind."""
        kept = [(asked, value) for asked, value in zip(self.asked, self.right, strict=True) if asked.kind == kind]
        return Answers(tuple(asked for asked, _ in kept), tuple(value for _, value in kept))

    def minus(self, other: Answers) -> Estimate:
        """Return the points more than another has, question by question: from -100 to 100, chance 0."""
        halves = [(1 + one - two) / 2 for one, two in zip(self.right, other.right, strict=True)]
        found = estimate(Statistic(200.0, 100.0, [((200.0, Mean(halves, self._clusters())),)]))
        assert found.value is not None and found.low is not None and found.high is not None
        return Estimate(found.value - 100, found.low - 100, found.high - 100, found.n, 100.0, 0.0)

    def _clusters(self) -> list[str]:
        return [asked.cluster for asked in self.asked]


def ask(model: Model, asked: Sequence[Asked]) -> Answers:
    """Ask all questions at once. An answer is right if it is the expected one, letter case and spaces aside.

    Raises InputError if a question is not answered: no number would be worth anything.
    """
    texts: dict[str, str] = {}
    for response in model.generate([one.request for one in asked], GENERATION):
        if response.text is None:
            raise InputError(f"{model.name} did not answer {response.id}: {response.error}")
        texts[response.id] = response.text
    return Answers(tuple(asked), tuple(_plain(texts[one.request.id]) == _plain(one.answer) for one in asked))


def _plain(text: str) -> str:
    return "".join(text.casefold().split()).removesuffix(".")
