"""Turn examples into training rows: token ids with labels.

A T5 gets one row per answer, with everything before it in the encoder. A decoder-only model gets one row per
example and learns every answer in one pass. Later questions follow earlier answers (`conversation`), or each sees
only the pictures and itself (`apart`), as in benchmarks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from mmeval.mmicl.context import CONTEXTS, ImagePlace, Part
from mmeval.mmicl.examples import Conversation, Example, compose
from mmeval.mmicl.processing import MmiclProcessor

Turns = Literal["conversation", "apart"]
IGNORED = -100
"""The label of a token that is not learned."""


@dataclass(frozen=True)
class TrainingRow:
    """One sequence. `labels` are T5's targets, or as long as `ids` for a decoder-only model."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    images: tuple[str, ...]
    """The pictures in the order of their placeholders; `Rows` gives names relative to the data's folder."""
    instruction: str = ""
    """The text for a Q-Former that reads."""
    starts: tuple[int, ...] = ()
    """Starts of questions that see only the tokens before the first start and themselves; empty: one text."""


@dataclass(frozen=True)
class Rows:
    """How examples become rows for one model. All methods raise PromptError as `MmiclProcessor.encode` does."""

    processor: MmiclProcessor
    decoder_only: bool
    context: str = "declaration"
    turns: Turns = "conversation"
    instruction: bool = False
    """Whether the Q-Former reads the question; questions apart then have their own visual tokens and rows."""

    def __call__(self, example: Example) -> list[TrainingRow]:
        """Make the rows to learn from. Raises PromptError if a prompt is too long or has too many pictures."""
        if self.decoder_only and self.turns == "conversation":
            return [self._joined(compose(example))]
        rows = [row for row, _ in self.questions(example)]
        if not self.decoder_only:
            return rows
        shared = self._shared(rows)
        if shared == 0:
            return [replace(row, ids=row.ids + row.labels, labels=answer_labels(row.ids, row.labels)) for row in rows]
        return [_packed(rows, shared)]

    def questions(self, example: Example) -> Iterator[tuple[TrainingRow, str]]:
        """Yield each learned question as its own prompt, with its answer as text, for generation.

        If earlier turns are learned in the same row, the prompt contains them as that row does, end tokens included.
        """
        conversation = compose(example)
        if self.decoder_only and self.turns == "conversation":
            yield from self._prefixes(conversation)
            return
        shots, earlier_pictures = conversation.shots, tuple[Part, ...]()
        for index, exchange in enumerate(conversation.exchanges[shots:], shots):
            parts = conversation.prompt(index)
            if self.turns == "apart":  # after the demonstrations and the pictures shown so far
                question = replace(exchange, ask=(*earlier_pictures, *exchange.ask))
                parts = replace(conversation, exchanges=(*conversation.exchanges[:shots], question)).prompt(shots)
                earlier_pictures += tuple(
                    ImagePlace(part.picture) for part in exchange.ask if isinstance(part, ImagePlace)
                )
            prompt = self.processor.prompt(parts, CONTEXTS[self.context])
            images = tuple(conversation.images[picture] for picture in prompt.pictures)
            labels = tuple(self.processor.answer(exchange.answer))
            yield TrainingRow(prompt.ids, labels, images, _words(exchange.ask)), exchange.answer

    def _prefixes(self, conversation: Conversation) -> Iterator[tuple[TrainingRow, str]]:
        """Yield the part of the joined row before each answer."""
        for upto, exchange in enumerate(conversation.exchanges[conversation.shots :], conversation.shots + 1):
            row = self._joined(replace(conversation, exchanges=conversation.exchanges[:upto]))
            labels = tuple(self.processor.answer(exchange.answer))
            yield (
                replace(row, ids=row.ids[: -len(labels)], labels=labels, instruction=_words(exchange.ask)),
                exchange.answer,
            )

    def _shared(self, rows: Sequence[TrainingRow]) -> int:
        """Count the tokens that all prompts begin with, if they include all pictures; 0: no shared row is possible."""
        if len(rows) == 1 or self.instruction or len({row.images for row in rows}) > 1:
            return 0
        before_answers = (row.ids[:-1] for row in rows)  # every answer needs its own token before it
        shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*before_answers, strict=False)))
        placeholder = self.processor.settings.placeholder_id
        return 0 if any(placeholder in row.ids[shared:] for row in rows) else shared

    def _joined(self, conversation: Conversation) -> TrainingRow:
        context = CONTEXTS[self.context]
        start = self.processor.prompt(conversation.prompt(conversation.shots), context)
        ids, picture_count = list(start.ids), len(start.pictures)
        labels = [IGNORED] * len(ids)
        learned = conversation.exchanges[conversation.shots :]
        for index, exchange in enumerate(learned):
            if index:
                question_ids = self.processor.follow(exchange.ask, context, picture_count)
                picture_count += sum(isinstance(part, ImagePlace) for part in exchange.ask)
                ids += question_ids
                labels += [IGNORED] * len(question_ids)
            answer = self.processor.answer(exchange.answer)
            ids += answer
            labels += answer
        return TrainingRow(tuple(ids), tuple(labels), conversation.images[:picture_count], _words(learned[0].ask))


def _packed(rows: Sequence[TrainingRow], shared: int) -> TrainingRow:
    """Pack all questions into one row after their shared part; each is read and answered as if it were alone."""
    ids, labels, starts = list(rows[0].ids[:shared]), [IGNORED] * shared, []
    for row in rows:
        starts.append(len(ids))
        ids += row.ids[shared:] + row.labels
        labels += answer_labels(row.ids[shared:], row.labels)
    return TrainingRow(tuple(ids), tuple(labels), rows[0].images, starts=tuple(starts))


def answer_labels(ids: Sequence[int], labels: Sequence[int]) -> tuple[int, ...]:
    """Make the labels of a prompt followed by its answer."""
    return (*[IGNORED] * len(ids), *labels)


def _words(ask: Sequence[Part]) -> str:
    return "".join(part for part in ask if isinstance(part, str)).strip()
