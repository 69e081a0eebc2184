"""The picture world as MIC data: what stage I and stage II of the tiny family are trained on.

`captions` is for stage I. For stage II the very same questions are written four times: `interleaved` shows pictures
one after the other, `pasted` side by side in one, `single` leaves out what needs several, `blind` shows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
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


KINDS = ("interleaved", "pasted", "single", "blind")

Asked = tuple[Example, tuple[str, ...]]
"""A puzzle's example, and the captions of its own pictures."""


def write_lessons(folder: Path, data: Corpus, puzzles_a_kind: int, *, first_seed: int = 0, workers: int = 2) -> None:
    """Writes pictures and examples, unless they are there; the same ones every time."""
    if (folder / f"{KINDS[-1]}.jsonl").exists():
        return
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    names = _save_items(folder, data)
    seeds = range(first_seed, first_seed + puzzles_a_kind)
    jobs = [(str(folder), kind, seed) for seed in seeds for kind in PUZZLES]
    with ProcessPoolExecutor(workers) as pool:
        asked = list(pool.map(_puzzle, jobs, chunksize=50))
    _write(folder / "captions.jsonl", _captions(data, names, asked))
    whole = list(_questions(data, names, asked, first_seed))
    _write(folder / "interleaved.jsonl", whole)
    with ProcessPoolExecutor(workers) as pool:
        pasted = pool.map(_pasted, [(str(folder), example) for example in whole], chunksize=200)
        _write(folder / "pasted.jsonl", (one for example in pasted for one in _one_by_one(example)))
    _write(folder / "single.jsonl", (example for example in whole if len(example.all_images) == 1))
    _write(folder / "blind.jsonl", map(_blind, whole))


def _save_items(folder: Path, data: Corpus) -> list[str]:
    names = []
    for number, item in enumerate(data.items):
        name = f"pictures/{item.subtask}-{number}.png"
        if not (folder / name).exists():
            Image.fromarray(data.pictures[number]).save(folder / name, compress_level=1)
        names.append(name)
    return names


def _puzzle(job: tuple[str, str, int]) -> Asked:
    """One puzzle painted."""
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


def _captions(data: Corpus, names: Sequence[str], asked: Sequence[Asked]) -> Iterator[Example]:
    for name, item in zip(names, data.items, strict=True):
        yield Example(name, item.subtask, (name,), (Turn((Shown(0), CAPTION), item.caption),))
    for example, captions in asked:
        for image, caption in zip(example.images, captions, strict=True):
            yield Example(image, "things", (image,), (Turn((Shown(0), CAPTION), caption),))


def _questions(data: Corpus, names: Sequence[str], asked: Sequence[Asked], seed: int) -> Iterator[Example]:
    for number, (name, item) in enumerate(zip(names, data.items, strict=True)):
        dice = Dice(f"questions {seed} {number}")
        (first, answer), *rest = item_turns(item, dice, in_words=False)[:TURNS]
        turns = (Turn((Shown(0), first), answer), *(Turn((text,), said) for text, said in rest))
        yield Example(name, item.subtask, (name,), turns)
    yield from (example for example, _ in asked)


def _pasted(job: tuple[str, Example]) -> Example:
    """The same with its pictures side by side in one, which comes first; demonstrations are text in between."""
    folder, example = Path(job[0]), job[1]
    if len(example.all_images) < 2:
        return example
    name = f"pictures/pasted-{example.id}.png"
    if not (folder / name).exists():
        paste(Image.open(folder / image) for image in example.all_images).save(folder / name, compress_level=1)
    said = "".join(f"{_words(turn.ask)} {turn.answer}\n" for shot in example.shots for turn in shot.turns)
    first, *rest = example.turns
    return Example(
        example.id, example.source, (name,), (Turn((Shown(0), said + _words(first.ask)), first.answer), *rest)
    )


def _one_by_one(example: Example) -> Iterator[Example]:
    """Every question by itself: a Q-Former that reads makes other visual tokens for each."""
    shown = tuple(Shown(index) for index in range(len(example.images)))
    for number, turn in enumerate(example.turns):
        words = tuple(part for part in turn.ask if not isinstance(part, Shown))
        yield Example(f"{example.id}-{number}", example.source, example.images, (Turn((*shown, *words), turn.answer),))


def _blind(example: Example) -> Example:
    """The same without its pictures."""
    said = "".join(f"{_words(turn.ask)} {turn.answer}\n" for shot in example.shots for turn in shot.turns)
    first, *rest = example.turns
    return Example(example.id, example.source, (), (Turn((said + _words(first.ask),), first.answer), *rest))


def paste(pictures: Iterable[Image.Image]) -> Image.Image:
    """All of them from left to right; they have one height."""
    row = list(pictures)
    whole = Image.new("RGB", (sum(picture.width for picture in row), row[0].height))
    for index, picture in enumerate(row):
        whole.paste(picture, (sum(before.width for before in row[:index]), 0))
    return whole


def _words(ask: Sequence[Part]) -> str:
    return "".join(
        part if isinstance(part, str) else f"image {part.slot}" for part in ask if not isinstance(part, Shown)
    )


def _write(path: Path, examples: Iterable[Example]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(to_json(example) + "\n" for example in examples)
    partial.replace(path)
