"""A corpus as rows of token ids: what is asked of each picture and what should be answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from mmeval.mmicl.context import CONTEXTS, Shown
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.tiny.corpus import Corpus, Item

SUFFIX = " Please answer yes or no."
CAPTION = "What does the image show?"
PRACTISED = ("declaration", "declaration", "declaration", "declaration", "mme-authors", "plain")
"""How often each way to introduce a picture is practised."""
KINDS = ("yesno", "yesno", "yesno", "probe", "probe", "caption")
"""How often each kind of question is asked."""

DERIVED = {"numerical_calculation": " = ", "code_reasoning": " , output", "text_translation": " , it means"}
"""Where a caption goes on to say what follows from the picture: in words, that is left to be worked out."""


@dataclass(frozen=True)
class Batch:
    """Prompts [B, L], their mask, the answers [B, S] with -100 as padding, and which picture each row shows [B]."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    pictures: Tensor


class Questions:
    """Draws batches of questions about a corpus, evenly from all subtasks."""

    def __init__(self, data: Corpus, processor: MmiclProcessor) -> None:
        self.data, self.processor = data, processor
        subtasks = list(dict.fromkeys(item.subtask for item in data.items))
        self.rows = {s: [i for i, item in enumerate(data.items) if item.subtask == s] for s in subtasks}
        self.words = cache(processor.tokenizer.encode)
        self.prompt = cache(self._prompt)

    def draw(self, step: int, size: int, *, in_words: bool, kinds: Sequence[str] = KINDS) -> Batch:
        """A step's batch. `in_words` puts the caption where the picture would stand."""
        rng = np.random.default_rng((step, 7))
        subtasks = list(self.rows)
        chosen = [subtasks[(step * size + i) % len(subtasks)] for i in range(size)]
        rows = [self.rows[subtask][rng.integers(len(self.rows[subtask]))] for subtask in chosen]
        context = PRACTISED[int(rng.integers(len(PRACTISED)))]  # one a batch: they differ in length
        asked = [self._ask(self.data.items[row], context, kinds, rng, in_words=in_words) for row in rows]
        return self.batch([p for p, _ in asked], [a for _, a in asked], rows)

    def pairs(self, *, in_words: bool, per_subtask: int) -> dict[str, tuple[Batch, list[bool]]]:
        """The test questions of each subtask, two a picture, and whether yes is right."""
        tests = {}
        for subtask, rows in self.rows.items():
            asked = [(row, *self.data.items[row].yesno[side]) for row in rows[:per_subtask] for side in (0, 1)]
            prompts = [
                self._show(self.data.items[row], text + SUFFIX, "declaration", in_words=in_words)
                for row, text, _ in asked
            ]
            answers = [self.words("yes" if truth else "no") for _, _, truth in asked]
            batch = self.batch(prompts, answers, [row for row, _, _ in asked])
            tests[subtask] = (batch, [truth for _, _, truth in asked])
        return tests

    def batch(self, prompts: Sequence[list[int]], answers: Sequence[list[int]], rows: Sequence[int]) -> Batch:
        """Pads on the right; every answer ends with the end of the sequence."""
        pad, end = self.processor.settings.pad_id, self.processor.settings.eos_id
        ids = _padded(prompts, pad)
        labels = _padded([[*answer, end] for answer in answers], -100)
        return Batch(ids, (ids != pad).long(), labels, torch.tensor(rows))

    def _ask(
        self, item: Item, context: str, kinds: Sequence[str], rng: np.random.Generator, *, in_words: bool
    ) -> tuple[list[int], list[int]]:
        kind = kinds[int(rng.integers(len(kinds)))]
        if kind == "caption" and not in_words:
            question, answer = CAPTION, item.caption
        elif kind == "yesno":
            text, truth = item.yesno[rng.integers(len(item.yesno))]
            question, answer = text + SUFFIX * bool(rng.random() < 0.9), "yes" if truth else "no"
        else:
            question, answer = item.probes[rng.integers(len(item.probes))]
        return self._show(item, question, context, in_words=in_words), self.words(answer)

    def _show(self, item: Item, question: str, context: str, *, in_words: bool) -> list[int]:
        before, after = self.prompt(question, context)
        settings = self.processor.settings
        picture = [settings.placeholder_id] * settings.tokens_per_picture
        return [*before, *(self.words(_plain(item)) if in_words else picture), *after]

    def _prompt(self, question: str, context: str) -> tuple[list[int], list[int]]:
        """What stands before and after the picture, by the processor that the model is used with."""
        ids = list(self.processor.prompt([Shown(0), question], CONTEXTS[context]).ids)
        settings = self.processor.settings
        first = ids.index(settings.placeholder_id)
        return ids[:first], ids[first + settings.tokens_per_picture :]


def _plain(item: Item) -> str:
    """The caption less what can be worked out from it."""
    derived = DERIVED.get(item.subtask)
    return item.caption.rpartition(derived)[0] if derived else item.caption


def _padded(rows: Sequence[list[int]], filler: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])
