"""Ask a model and measure its accuracy, with intervals over pictures, alone and against another model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from experiments.replication.questions import Asked
from mmeval.engine.transformer import TransformerModel
from mmeval.scoring.statistics import Mean, Statistic, estimate
from mmeval.types import Estimate, Generation, Image, InputError, Part, Ref, Request, Response

GENERATION = Generation(max_new_tokens=8)


class Asker(Protocol):
    """Any model that can be asked."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]: ...  # noqa: D102


@dataclass(frozen=True)
class Answers:
    """The questions in the order asked, and which were answered right."""

    asked: tuple[Asked, ...]
    right: tuple[bool, ...]

    def accuracy(self) -> Estimate:
        """Return the accuracy in percent; chance is guessing among each question's choices."""
        chance = 100 * sum(question.chance for question in self.asked) / len(self.asked)
        values = [float(value) for value in self.right]
        return estimate(Statistic(100.0, chance, [((100.0, Mean(values, self._clusters())),)]))

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of the questions, in the order asked."""
        return list(dict.fromkeys(question.kind for question in self.asked))

    def mean_of_kinds(self) -> Estimate:
        """Return the mean of the kinds' accuracies; each kind counts equally, however many questions it has."""
        parts = [self.of(kind) for kind in self.kinds]
        weight = 100.0 / len(parts)
        chance = weight * sum(sum(question.chance for question in part.asked) / len(part.asked) for part in parts)
        means = [Mean([float(value) for value in part.right], part._clusters()) for part in parts]
        return estimate(Statistic(100.0, chance, [((weight, mean),) for mean in means]))

    def of(self, kind: str) -> Answers:
        """Return the answers to questions of one kind."""
        indices = [index for index, question in enumerate(self.asked) if question.kind == kind]
        return Answers(tuple(self.asked[index] for index in indices), tuple(self.right[index] for index in indices))

    def minus(self, other: Answers) -> Estimate:
        """Return the difference to another model in points, paired by question: from -100 to 100, chance 0."""
        halves = [(1 + first - second) / 2 for first, second in zip(self.right, other.right, strict=True)]
        difference = estimate(Statistic(200.0, 100.0, [((200.0, Mean(halves, self._clusters())),)]))
        assert difference.value is not None and difference.low is not None and difference.high is not None
        return Estimate(difference.value - 100, difference.low - 100, difference.high - 100, difference.n, 100.0, 0.0)

    def _clusters(self) -> list[str]:
        return [question.cluster for question in self.asked]


def ask(model: Asker, questions: Sequence[Asked]) -> Answers:
    """Ask all questions at once. An answer is right if it equals the expected one, ignoring case and spaces.

    Raises InputError if a question is not answered, because the number would be worthless.
    """
    texts: dict[str, str] = {}
    for response in model.generate([question.request for question in questions], GENERATION):
        if response.text is None:
            raise InputError(f"{model.name} did not answer {response.id}: {response.error}")
        texts[response.id] = response.text
    right = (_plain(texts[question.request.id]) == _plain(question.answer) for question in questions)
    return Answers(tuple(questions), tuple(right))


class TokensInARow:
    """A one-picture model that gets the visual tokens of several before all words, as InstructBLIP does for video.

    It was trained on one picture at a time, so this measures what it makes of several without training.
    """

    def __init__(self, model: TransformerModel) -> None:
        self.model, self.name = model, f"{model.name}, tokens in a row"
        model.max_images = None

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Answer as the model does, with pictures first."""
        return self.model.generate(map(pictures_first, requests), generation)


def pictures_first(request: Request) -> Request:
    """Put all pictures, of demonstrations and question, before all words; mentions keep their pictures' numbers."""
    prompts = [*(shot.prompt for shot in request.shots), request.prompt]
    pictures = [part for prompt in prompts for part in prompt if isinstance(part, Image)]
    words: list[Part] = []
    first = 0
    for prompt, answer in zip(prompts, [*(f" {shot.answer}\n" for shot in request.shots), ""], strict=True):
        words += [replace(part, image=first + part.image) if isinstance(part, Ref) else part for part in prompt]
        words += [answer] if answer else []
        first += sum(isinstance(part, Image) for part in prompt)
    words_and_mentions = (part for part in words if not isinstance(part, Image))
    return replace(request, prompt=(*pictures, *words_and_mentions), shots=())


def _plain(text: str) -> str:
    return "".join(text.casefold().split()).removesuffix(".")
