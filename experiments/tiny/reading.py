"""Stage two: the language model learns to find things in words, as Flan-T5 and Vicuna had long learnt it.

What it cannot do in words, no picture teaches: the gate is nine right answers in ten on held-out words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM, T5ForConditionalGeneration

from experiments.tiny.corpus import Corpus
from experiments.tiny.documents import SUFFIX, Document, Writer, about_puzzle, curriculum, item_prompt, padded
from experiments.tiny.loop import Recipe, fit
from mmeval.embedded.world.puzzles import PUZZLES
from mmeval.embedded.world.rng import Rng
from mmeval.mmicl.training.data import questions_apart

LENGTH = 400
END, IGNORED = 1, -100
TURNS = 2
"""Questions of a document that a T5 is asked: it reads the document anew for each."""

Language = LlamaForCausalLM | T5ForConditionalGeneration


def read(language: Language, writer: Writer, train: Corpus, held_out: Corpus, recipe: Recipe, path: Path) -> None:
    """Train the language model in place, and print how much it can do in words."""
    draw = curriculum(writer, train)
    tests = {**subtask_tests(writer, held_out), **puzzle_tests(writer)}

    def loss_of(step: int) -> Tensor:
        documents = [draw(step * recipe.batch + row, step / recipe.steps) for row in range(recipe.batch)]
        return loss(language, documents, TURNS)

    def check() -> str:
        reached = {name: accuracy(language, documents) for name, documents in tests.items()}
        passed = sum(value > 0.9 for value in reached.values())
        return f"{passed}/{len(reached)} over .9 | " + " ".join(f"{k[:8]} {v:.2f}" for k, v in reached.items())

    fit(language, list(language.parameters()), loss_of, recipe, path, check)


def loss(language: Language, documents: Sequence[Document], turns: int = 10**9) -> Tensor:
    """Return the mean cross-entropy of the learnt tokens; for a T5, of at most `turns` questions a document."""
    logits, targets = _predicted(language, documents, turns)
    return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED)


@torch.no_grad()
def accuracy(language: Language, documents: Sequence[Document]) -> float:
    """Return the share of documents whose answers come out whole, token by token."""
    right = 0
    for start in range(0, len(documents), 50):
        logits, targets = _predicted(language, documents[start : start + 50])
        right += int(((logits.argmax(-1) == targets) | (targets == IGNORED)).all(1).sum())
    return right / len(documents)


def _predicted(language: Language, documents: Sequence[Document], turns: int = 10**9) -> tuple[Tensor, Tensor]:
    """Return logits [B, L, V] and the tokens that they should give [B, L], IGNORED where nothing is learnt."""
    if isinstance(language, T5ForConditionalGeneration):
        rows = [row for document in documents for row in islice(document.questions(), turns)]
        ids = torch.from_numpy(padded([[*before, END] for before, _ in rows], 0))
        targets = torch.from_numpy(padded([answer for _, answer in rows], IGNORED))
        output = language(input_ids=ids, attention_mask=(ids != 0).long(), labels=targets)
        return output.logits, targets
    ids = torch.from_numpy(padded([document.ids for document in documents], 0))
    learnt = torch.from_numpy(padded([document.learnt for document in documents], 0)).bool()[:, 1:]
    columns = learnt.any(0).nonzero().squeeze(1)
    apart = questions_apart([document.parts() for document in documents])
    logits = language(input_ids=ids, logits_to_keep=columns, **apart).logits
    return logits, ids[:, 1:].masked_fill(~learnt, IGNORED)[:, columns]


def subtask_tests(writer: Writer, data: Corpus, pictures: int = 50) -> dict[str, list[Document]]:
    """Return the two questions of held-out pictures, by subtask, in words."""
    tests: dict[str, list[Document]] = {}
    for item in data.items:
        documents = tests.setdefault(item.subtask, [])
        if len(documents) < 2 * pictures:
            for text, true in item.yesno[:2]:
                turn = (f"{text}{SUFFIX}", "yes" if true else "no")
                documents.append(writer.document(item_prompt(writer, item), [turn], LENGTH))
    return tests


def puzzle_tests(writer: Writer, count: int = 100) -> Mapping[str, list[Document]]:
    """Return held-out puzzles of every kind in words, each asked one question."""
    return {kind: list(_puzzles(writer, kind, count)) for kind in PUZZLES}


def _puzzles(writer: Writer, kind: str, count: int) -> Iterator[Document]:
    for seed in range(count):
        document = about_puzzle(writer, kind, Rng(f"held out {seed}"), 0, split="test")
        last = len(document.learnt) - 1 - document.learnt[::-1].index(True)
        first = last
        while first > 0 and document.learnt[first - 1]:
            first -= 1
        learnt = [first <= index <= last for index in range(last + 1)]
        yield Document(document.ids[: last + 1], learnt, document.start)
