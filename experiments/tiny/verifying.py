"""`python -m experiments.tiny.verifying`: what lets a tiny language model judge whether a statement is true.

A model of the `--small` sizes reads pairs of words and tells whether other pairs are among them. The variants are
the whole recipe, the recipe without the start that compares, and the recipe without learning the claims.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from benchmarks.options import count
from experiments.tiny import symbols
from experiments.tiny.batches import collate, last_answer
from experiments.tiny.beginning import begin
from experiments.tiny.eyes import Eyes
from experiments.tiny.family import speakable
from experiments.tiny.learning import right
from experiments.tiny.network import LlamaLayer, TinyMmicl
from experiments.tiny.sizes import sizes_of
from experiments.tiny.stepping import Recipe, Stepper
from experiments.tiny.vocabulary import forms_texts, make_vocabulary
from experiments.tiny.writing import Writer, Written
from mmeval.embedded.world.rng import Rng

VARIANTS = {"all": (True, True), "no start that compares": (False, True), "no claims": (True, False)}
"""Name -> whether the model starts with comparing, and whether it learns the claims."""
TESTS = 200
"""Number of new documents; the last answer of each is tested."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and test each variant."""
    parser = argparse.ArgumentParser(
        "python -m experiments.tiny.verifying",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--steps", type=count, default=400, help="to train")
    parser.add_argument("--rows", type=count, default=32, help="documents in a batch")
    parser.add_argument("--every", type=count, default=50, help="steps between tests")
    parser.add_argument("--seed", type=int, default=0, help="of weights and documents")
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="may be repeated; None: each in turn")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    writer = Writer(make_vocabulary(forms_texts()), 1)
    for name in options.variant or VARIANTS:
        _run(name, writer, options)


def _run(name: str, writer: Writer, options: argparse.Namespace) -> None:
    compares, claims = VARIANTS[name]
    words, rng = speakable(writer), Rng(f"verifying {options.seed}")
    torch.manual_seed(options.seed)
    model = TinyMmicl(sizes_of(writer.vocabulary.size, reads=False, small=True))
    begin(model)
    if not compares:
        _no_comparing(model)
    recipe = Recipe(0, claims=0.3 if claims else 0.0)
    eyes = Eyes(model, None, None, torch.device("cpu"))
    stepper = Stepper(model, eyes, recipe)
    stepper.let_learn("language")
    tests = [last_answer(_lesson(writer, Rng(f"test {seed}"), words, claims=True)) for seed in range(TESTS)]
    start = time.process_time()
    for step in range(1, options.steps + 1):
        batch = collate(
            [_lesson(writer, rng, words, claims=rng.coin(0.7)) for _ in range(options.rows)], writer.vocabulary, False
        )
        stepper(batch, recipe.rate * min(1.0, step / recipe.warmup))
        if step % options.every == 0:
            share = right(model, tests, eyes, writer.vocabulary)
            seconds = time.process_time() - start
            print(f"{name}: step {step}, {seconds:.0f} CPU-s, right in {share:.3f} of {TESTS} documents", flush=True)


def _lesson(writer: Writer, rng: Rng, words: list[str], *, claims: bool) -> Written:
    lesson = symbols.verified(rng, words, pairs=True) if claims else symbols.paired(rng, words)
    return writer.write(lesson, "words", ())


def _no_comparing(model: TinyMmicl) -> None:
    """Silence the units of the third layer that compare."""
    layer = cast(LlamaLayer, model.layers[2])
    with torch.no_grad():
        cast(nn.Linear, layer.mlp["down_proj"]).weight[:, : 2 * model.sizes.language // model.sizes.heads] = 0


if __name__ == "__main__":
    main()
