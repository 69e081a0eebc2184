"""Stages two and three: the language model learns to answer, from facts in words and then from pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.tiny.corpus import Corpus
from mmeval.tiny.loop import Recipe, fit
from mmeval.tiny.questions import KINDS, Batch, Questions
from mmeval.tiny.seeing import pixels


def read(
    model: MmiclForConditionalGeneration, train: Questions, held_out: Questions, recipe: Recipe, path: Path
) -> None:
    """Trains the language model in place on the facts in words: what it cannot do in words, no picture teaches."""
    language = model.language_model
    tests = held_out.pairs(in_words=True, per_subtask=50)

    def loss_of(step: int) -> Tensor:
        # finding first, judging later: an open question says more about what was missed than a yes or a no
        kinds = ("probe",) if step < recipe.steps // 8 else KINDS
        batch = train.draw(step, recipe.batch, in_words=True, kinds=kinds)
        output = language(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.labels)
        loss: Tensor = output.loss
        return loss

    def logits(batch: Batch) -> Tensor:
        start = torch.full((len(batch.input_ids), 1), 0)
        output = language(input_ids=batch.input_ids, attention_mask=batch.attention_mask, decoder_input_ids=start)
        first: Tensor = output.logits[:, 0]
        return first

    check = Check(tests, logits, held_out)
    fit(language, list(language.parameters()), loss_of, recipe, path, check)


def look(
    model: MmiclForConditionalGeneration, train: Questions, held_out: Questions, recipe: Recipe, path: Path
) -> None:
    """Trains Q-Former, projection and language model in place; the vision encoder stands still, its states kept.

    Questions about pictures take turns with questions about facts in words, so that what one teaches serves both.
    """
    tests = held_out.pairs(in_words=False, per_subtask=50)
    model.vision_model.requires_grad_(False)
    states, test_states = _states(model, train.data), _states(model, held_out.data)

    def loss_of(step: int) -> Tensor:
        in_words = step % (2 if step < recipe.steps // 2 else 4) == 1
        kinds = ("probe", "caption") if step < recipe.steps // 10 else KINDS
        batch = train.draw(step, recipe.batch, in_words=in_words, kinds=KINDS if in_words else kinds)
        slots = torch.arange(len(batch.pictures))[:, None]
        pictures = {} if in_words else {"vision_states": states[batch.pictures].float(), "pictures": slots}
        output = model(batch.input_ids, batch.attention_mask, labels=batch.labels, **pictures)
        loss: Tensor = output.loss
        return loss

    def logits(batch: Batch) -> Tensor:
        output = model(
            batch.input_ids,
            batch.attention_mask,
            vision_states=test_states[batch.pictures].float(),
            pictures=torch.arange(len(batch.pictures))[:, None],
            decoder_input_ids=torch.full((len(batch.input_ids), 1), 0),
        )
        first: Tensor = output.logits[:, 0]
        return first

    parameters = [p for p in model.parameters() if p.requires_grad]
    fit(model, parameters, loss_of, recipe, path, Check(tests, logits, held_out))


class Check:
    """Accuracy on held-out yes-no questions, by subtask, and MME's total of 2800."""

    def __init__(self, tests, logits, questions) -> None:  # type: ignore[no-untyped-def]
        self.tests, self.logits = tests, logits
        self.yes, self.no = questions.words("yes")[0], questions.words("no")[0]

    def __call__(self) -> str:
        """One line."""
        said, total = [], 0.0
        for subtask, (batch, truths) in self.tests.items():
            logits = self.logits(batch)
            right = (logits[:, self.yes] > logits[:, self.no]) == torch.tensor(truths)
            accuracy, both = right.float().mean(), right.view(-1, 2).all(1).float().mean()
            total += 100 * float(accuracy + both)
            said.append(f"{subtask[:9]} {accuracy:.2f}")
        return f"total {total:.0f} | " + " ".join(said)


def _states(model: MmiclForConditionalGeneration, data: Corpus) -> Tensor:
    """Vision states [N, V, Dv] in bfloat16 of every picture of a corpus."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        parts = [
            model.encode(pixels(data.pictures[rows])).bfloat16()
            for rows in np.array_split(np.arange(len(data.items)), max(1, len(data.items) // 256))
        ]
    return torch.cat(parts)
