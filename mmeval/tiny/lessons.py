"""The picture world as MIC data: what stage I and stage II of the tiny family are trained on.

`captions` is for stage I; `questions` for stage II: every subtask's pictures with many questions each, and the
puzzles, shown one after the other for MMICL or pasted side by side for its one-picture baselines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mmeval.mmicl.context import Part, Shown, Spoken
from mmeval.mmicl.mic.context import with_shots
from mmeval.mmicl.mic.examples import Example, Turn, to_json
from mmeval.tiny.corpus import Corpus
from mmeval.tiny.documents import CAPTION, item_turns, one_of
from mmeval.world.dice import Dice
from mmeval.world.puzzles import PUZZLES, Puzzle, Scene, puzzles

TURNS = 7
"""Questions a picture in one example."""


@dataclass(frozen=True)
class Lessons:
    """Where the files are."""

    captions: Path
    questions: Path


def write_lessons(folder: Path, data: Corpus, puzzles_a_kind: int, *, first_seed: int = 0, workers: int = 2) -> Lessons:
    """Writes pictures and examples, unless they are there; the same ones every time."""
    lessons = Lessons(folder / "captions.jsonl", folder / "questions.jsonl")
    if lessons.questions.exists():
        return lessons
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    names = _save_items(folder, data)
    seeds = range(first_seed, first_seed + puzzles_a_kind)
    jobs = [(str(folder), kind, seed) for seed in seeds for kind in PUZZLES]
    with ProcessPoolExecutor(workers) as pool:
        asked = list(pool.map(_puzzle, jobs, chunksize=50))
    _write(lessons.captions, _captions(data, names, asked))
    _write(lessons.questions, _questions(data, names, asked, first_seed))
    return lessons


def _save_items(folder: Path, data: Corpus) -> list[str]:
    names = []
    for number, item in enumerate(data.items):
        name = f"pictures/{item.subtask}-{number}.png"
        if not (folder / name).exists():
            Image.fromarray(data.pictures[number]).save(folder / name, compress_level=1)
        names.append(name)
    return names


def _puzzle(job: tuple[str, str, int]) -> tuple[Example, tuple[str, ...]]:
    """One puzzle painted: the example, and the captions of its pictures."""
    folder, kind, seed = job
    puzzle = one_of(puzzles(kind, seed, "train"), Dice(f"lesson {kind} {seed}"))
    shots = [_example(Path(folder), f"{kind}-{seed}-shot{n}", shot) for n, shot in enumerate(puzzle.shots)]
    example = with_shots(_example(Path(folder), f"{kind}-{seed}", puzzle), shots)
    return example, tuple(scene.caption for scene in puzzle.scenes)


def _example(folder: Path, name: str, puzzle: Puzzle) -> Example:
    images = tuple(_paint(folder, scene) for scene in puzzle.scenes)
    return Example(name, f"puzzle {puzzle.kind}", images, (Turn(tuple(_parts(puzzle)), puzzle.answer),))


def _parts(puzzle: Puzzle) -> Iterator[Part]:
    yield from (Shown(index) for index in range(len(puzzle.scenes)))
    yield from (Spoken(part) if isinstance(part, int) else part for part in puzzle.question)


def _paint(folder: Path, scene: Scene) -> str:
    name = f"pictures/{scene.name.replace('/', '-')}.png"
    if not (folder / name).exists():
        scene.picture.save(folder / name, format="PNG", compress_level=1)
    return name


def _captions(
    data: Corpus, names: Sequence[str], asked: Sequence[tuple[Example, tuple[str, ...]]]
) -> Iterator[Example]:
    for name, item in zip(names, data.items, strict=True):
        yield Example(name, item.subtask, (name,), (Turn((Shown(0), CAPTION), item.caption),))
    for example, captions in asked:
        for image, caption in zip(example.images, captions, strict=True):
            yield Example(image, "things", (image,), (Turn((Shown(0), CAPTION), caption),))


def _questions(
    data: Corpus, names: Sequence[str], asked: Sequence[tuple[Example, tuple[str, ...]]], seed: int
) -> Iterator[Example]:
    for number, (name, item) in enumerate(zip(names, data.items, strict=True)):
        dice = Dice(f"questions {seed} {number}")
        (first, answer), *rest = item_turns(item, dice, in_words=False)[:TURNS]
        turns = (Turn((Shown(0), first), answer), *(Turn((text,), said) for text, said in rest))
        yield Example(name, item.subtask, (name,), turns)
    yield from (example for example, _ in asked)


def _write(path: Path, examples: Iterator[Example]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(to_json(example) + "\n" for example in examples)
    os.replace(partial, path)
