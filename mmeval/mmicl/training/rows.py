"""Examples as rows of token ids with labels: what one step of training is made of.

A T5 gets one row an answer, with everything before it in the encoder. A decoder-only model gets one row an
example: later questions stand behind earlier answers, and every answer is learnt in one pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmeval.mmicl.context import CONTEXTS, Part, Shown
from mmeval.mmicl.mic.context import Conversation, compose, prompt
from mmeval.mmicl.mic.examples import Example
from mmeval.mmicl.processing import MmiclProcessor

IGNORED = -100
"""The label of a token that is not learnt."""


@dataclass(frozen=True)
class Row:
    """One sequence. `labels` are T5's targets, or as long as `ids` for a decoder-only model."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    images: tuple[str, ...]
    """The pictures in the order of their placeholders, relative to the data's folder."""
    instruction: str = ""
    """What a Q-Former that reads is given."""


@dataclass(frozen=True)
class Rows:
    """How examples become rows for one model. `encode` and the like raise PromptError."""

    processor: MmiclProcessor
    decoder_only: bool
    context: str = "declaration"

    def __call__(self, example: Example) -> list[Row]:
        """The rows to learn from. Raises PromptError where a prompt cannot be: too long, too many pictures."""
        conversation = compose(example)
        if self.decoder_only:
            return [self._joined(conversation)]
        return [row for row, _ in self.questions(example)]

    def questions(self, example: Example) -> Iterator[tuple[Row, str]]:
        """Each learnt question as its own prompt, with its answer in words: what generation is given."""
        conversation = compose(example)
        for index, exchange in enumerate(conversation.exchanges):
            if exchange.learnt:
                made = self.processor.prompt(prompt(conversation, index), CONTEXTS[self.context])
                images = tuple(conversation.images[picture] for picture in made.pictures)
                labels = tuple(self.processor.answer(exchange.answer))
                yield Row(made.ids, labels, images, _words(exchange.ask)), exchange.answer

    def _joined(self, conversation: Conversation) -> Row:
        context = CONTEXTS[self.context]
        first = next(i for i, exchange in enumerate(conversation.exchanges) if exchange.learnt)
        start = self.processor.prompt(prompt(conversation, first), context)
        ids, shown = list(start.ids), len(start.pictures)
        labels = [IGNORED] * len(ids)
        for index, exchange in enumerate(conversation.exchanges[first:]):
            if index:
                asked = self.processor.follow(exchange.ask, context, shown)
                shown += sum(isinstance(part, Shown) for part in exchange.ask)
                ids += asked
                labels += [IGNORED] * len(asked)
            answer = self.processor.answer(exchange.answer)
            ids += answer
            labels += answer
        instruction = _words(conversation.exchanges[first].ask)
        return Row(tuple(ids), tuple(labels), conversation.images[:shown], instruction)


def _words(ask: Sequence[Part]) -> str:
    return "".join(part for part in ask if isinstance(part, str)).strip()
