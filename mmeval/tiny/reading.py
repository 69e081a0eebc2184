"""Stage two: the language model learns to find things in words, as Flan-T5 and Vicuna had long learnt it.

What it cannot do in words, no picture teaches: the gate is nine right answers in ten on held-out words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

from mmeval.tiny.corpus import Corpus
from mmeval.tiny.documents import SUFFIX, Document, Writer, about_puzzle, curriculum, item_prompt, padded
from mmeval.tiny.loop import Recipe, fit
from mmeval.world.dice import Dice
from mmeval.world.puzzles import PUZZLES

LENGTH = 400


def read(
    language: LlamaForCausalLM, writer: Writer, train: Corpus, held_out: Corpus, recipe: Recipe, path: Path
) -> None:
    """Trains the language model in place, and prints how much it can do in words."""
    draw = curriculum(writer, train)
    tests = {**subtask_tests(writer, held_out), **puzzle_tests(writer)}

    def loss_of(step: int) -> Tensor:
        documents = [draw(step * recipe.batch + row, step / recipe.steps) for row in range(recipe.batch)]
        return loss(language, documents)

    def check() -> str:
        reached = {name: accuracy(language, documents) for name, documents in tests.items()}
        passed = sum(value > 0.9 for value in reached.values())
        return f"{passed}/{len(reached)} over .9 | " + " ".join(f"{k[:8]} {v:.2f}" for k, v in reached.items())

    fit(language, list(language.parameters()), loss_of, recipe, path, check)


def loss(language: LlamaForCausalLM, documents: Sequence[Document]) -> Tensor:
    """Mean cross-entropy of the learnt tokens."""
    ids, states, learnt = _states(language, documents)
    logits = language.lm_head(states[:, :-1][learnt])
    return functional.cross_entropy(logits.float(), ids[:, 1:][learnt])


@torch.no_grad()
def accuracy(language: LlamaForCausalLM, documents: Sequence[Document]) -> float:
    """Share of documents whose last answer comes out whole, token by token."""
    right = 0
    for start in range(0, len(documents), 50):
        part = documents[start : start + 50]
        ids, states, learnt = _states(language, part)
        said = language.lm_head(states[:, :-1]).argmax(-1) == ids[:, 1:]
        right += int((said | ~learnt).all(1).sum())
    return right / len(documents)


def _states(language: LlamaForCausalLM, documents: Sequence[Document]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids [B, L], last hidden states [B, L, D], and which of ids[:, 1:] are learnt [B, L - 1]."""
    ids = torch.from_numpy(padded([document.ids for document in documents], 0))
    learnt = torch.from_numpy(padded([document.learnt for document in documents], 0)).bool()[:, 1:]
    states: Tensor = language.model(input_ids=ids).last_hidden_state
    return ids, states, learnt


def subtask_tests(writer: Writer, data: Corpus, pictures: int = 50) -> dict[str, list[Document]]:
    """The two questions of held-out pictures, by subtask, in words."""
    tests: dict[str, list[Document]] = {}
    for item in data.items:
        documents = tests.setdefault(item.subtask, [])
        if len(documents) < 2 * pictures:
            for text, true in item.yesno[:2]:
                turn = (f"{text}{SUFFIX}", "yes" if true else "no")
                documents.append(writer.document(item_prompt(writer, item), [turn], LENGTH))
    return tests


def puzzle_tests(writer: Writer, count: int = 100) -> Mapping[str, list[Document]]:
    """Held-out puzzles of every kind in words, each asked one question."""
    return {kind: list(_puzzles(writer, kind, count)) for kind in PUZZLES}


def _puzzles(writer: Writer, kind: str, count: int) -> Iterator[Document]:
    for seed in range(count):
        document = about_puzzle(writer, kind, Dice(f"held out {seed}"), 0, split="test")
        last = len(document.learnt) - 1 - document.learnt[::-1].index(True)
        first = last
        while first > 0 and document.learnt[first - 1]:
            first -= 1
        yield Document(document.ids, [first <= index <= last for index in range(len(document.ids))])
