"""Turn lessons into token ids, in each family member's way of showing pictures.

The ids equal those that `MmiclProcessor` makes of the same prompt (a test compares them); only tokenizers is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tokenizers import Tokenizer

from experiments.tiny.lesson import Answer, Claim, Mention, Part, Parts, Show, last_question, pictures
from experiments.tiny.vocabulary import Vocabulary
from mmeval.mmicl.context import CONTEXTS

How = Literal["declaration", "mme-authors", "plain", "side-by-side", "none", "words"]
"""How pictures are shown; `words`: captions replace them."""


@dataclass(frozen=True)
class Written:
    """Token ids, which of them are learned, and the pictures among them."""

    ids: list[int]
    learned: list[bool]
    claimed: list[bool]
    """Which of them are learned with a small weight."""
    pictures: list[int]
    question: list[int]
    """Token ids of the question, for a Q-Former that reads it."""


class Writer:
    """Writes lessons for one model."""

    def __init__(self, vocabulary: Vocabulary, visual_tokens: int) -> None:
        self.vocabulary = vocabulary
        self.visual_tokens = visual_tokens
        tokenizer = Tokenizer.from_str(vocabulary.source)
        self.tokens = lru_cache(1 << 16)(lambda text: tuple(tokenizer.encode(text, add_special_tokens=False).ids))

    def write(self, lesson: Parts, how: How, captions: Sequence[str] = ()) -> Written:
        """Write a lesson; `captions` replace its pictures if `how` is `words`."""
        shown_pictures = pictures(lesson)
        question = list(self.tokens(last_question(lesson))) if how == "side-by-side" else []
        if how == "side-by-side" and shown_pictures:
            lesson = [Show(-1), *(part for part in lesson if not isinstance(part, Show))]
        page = _Page(self, how, captions)
        for part in lesson:
            page.add(part)
        page.flush()
        if how == "none":
            shown_pictures = []
        return Written(page.ids, page.learned, page.claimed, shown_pictures, question)


class _Page:
    """A lesson being written."""

    def __init__(self, writer: Writer, how: How, captions: Sequence[str]) -> None:
        self.writer, self.how = writer, how
        words = writer.vocabulary
        contexts = {"words": "declaration", "side-by-side": "plain", "none": "plain"}
        self.context = CONTEXTS[contexts.get(how, how)]
        self.captions = captions
        self.ids: list[int] = []
        self.learned: list[bool] = []
        self.claimed: list[bool] = []
        self.text, self.slot, self.started = "", 0, False
        self.words = words
        if self.context.tagged:
            self._start()

    def _start(self) -> None:
        if not self.started:
            self.started = True
            self._put([self.words.start])

    def _put(self, ids: Sequence[int], learned: bool = False, claimed: bool = False) -> None:
        self.ids += ids
        self.learned += [learned] * len(ids)
        self.claimed += [claimed] * len(ids)

    def flush(self) -> None:
        """Write the pending text; it is tokenized as a whole, up to a picture or an answer."""
        if self.text:
            self._start()
            self._put(self.writer.tokens(self.text))
            self.text = ""

    def add(self, part: Part) -> None:
        """Write a part; text stays pending."""
        if isinstance(part, Claim):
            self.flush()
            self._start()
            self._put(self.writer.tokens(part), claimed=True)
        elif isinstance(part, str):
            self.text += part
        elif isinstance(part, Mention):
            self.text += self.context.spoken.format(slot=part.slot)
        elif isinstance(part, Answer):
            self.flush()
            self._start()
            self._put(self.writer.tokens(part.text), part.learned)
            if part.end:
                self._put([self.words.end], part.learned)
        elif self.how != "none":
            self._picture()

    def _picture(self) -> None:
        self.text += self.context.before.format(slot=self.slot)
        self.flush()
        if self.context.tagged:
            self._put([self.words.tags[self.slot % len(self.words.tags)]])
        if self.how == "words":
            self._put(self.writer.tokens(self.captions[self.slot]))
        else:
            self._put([self.words.placeholder] * self.writer.visual_tokens)
        self.text += self.context.after.format(slot=self.slot)
        self.slot += 1
