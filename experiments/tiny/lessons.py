"""The picture world as MIC data: what stage I and stage II of the tiny family are trained on.

`captions` is for stage I. For stage II the very same questions are written several times: `interleaved` shows
pictures one after the other, `pasted` side by side in one, `blind` shows none; `single` leaves out what needs several,
`undemonstrated` what needs demonstrations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from PIL import Image

from experiments.tiny.corpus import Corpus
from experiments.tiny.documents import CAPTION, item_turns, one_of
from mmeval.embedded.world.puzzles import PUZZLES, Puzzle, Scene, puzzles
from mmeval.embedded.world.rng import Rng
from mmeval.mmicl.context import ImageMention, ImagePlace, Part
from mmeval.mmicl.examples import Example, Turn, to_json, with_shots

TURNS = 7
"""Questions a picture in one example."""
TURNED = 3
"""How many demonstrations are asked, too, with the others shown: examples that need no further pictures."""
HARDER = {"numerical_calculation": 3, "code_reasoning": 3, "text_translation": 2, "OCR": 2}
HARDER |= dict.fromkeys(("existence", "count", "position", "color"), 2)
"""How many examples are made of one picture, where that is more than one: what must be worked out takes practice."""

KINDS = ("interleaved", "undemonstrated", "pasted", "single", "blind")

Asked = tuple[Example, tuple[str, ...]]
"""A puzzle's example, and the captions of its own pictures."""


def write_lessons(folder: Path, data: Corpus, puzzles_a_kind: int, *, first_seed: int = 0, workers: int = 2) -> None:
    """Write pictures and examples, unless they are there; the same ones every time."""
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
        _write(folder / "pasted.jsonl", pool.map(_pasted, [(str(folder), example) for example in whole], chunksize=200))
    _write(folder / "undemonstrated.jsonl", (example for example in whole if not example.shots))
    _write(folder / "single.jsonl", (example for example in whole if len(example.all_images) == 1))
    _write(folder / "blind.jsonl", map(_blind, whole))


def picture_names(data: Corpus) -> list[str]:
    """Return where the lessons keep the corpus's pictures, in its order."""
    return [f"pictures/{item.subtask}-{number}.png" for number, item in enumerate(data.items)]


def _save_items(folder: Path, data: Corpus) -> list[str]:
    names = picture_names(data)
    for name, pixels in zip(names, data.pictures, strict=True):
        if not (folder / name).exists():
            Image.fromarray(pixels).save(folder / name, compress_level=1)
    return names


def _puzzle(job: tuple[str, str, int]) -> Asked:
    """Paint one puzzle, with whatever else is asked about the same pictures."""
    folder, kind, seed = job
    group = puzzles(kind, seed, "train")
    puzzle = one_of(group, Rng(f"lesson {kind} {seed}"))
    example = _example(Path(folder), f"{kind}-{seed}", puzzle)
    captions = tuple(scene.caption for scene in puzzle.scenes)
    if puzzle.shots:
        shots = [_example(Path(folder), f"{kind}-{seed}-shot{n}", shot) for n, shot in enumerate(puzzle.shots)]
        return with_shots(example, shots), captions
    rest = [other for other in group if other.scenes == puzzle.scenes and other is not puzzle]
    turns = [Turn(tuple(_asked(other)), other.answer) for other in rest]
    turns += [Turn(("What does ", ImageMention(index), " show?"), caption) for index, caption in enumerate(captions)]
    return replace(example, turns=(*example.turns, *turns[: TURNS - 1])), captions


def _example(folder: Path, name: str, puzzle: Puzzle) -> Example:
    images = tuple(_paint(folder, scene) for scene in puzzle.scenes)
    return Example(name, f"puzzle {puzzle.kind}", images, (Turn(tuple(_parts(puzzle)), puzzle.answer),))


def _parts(puzzle: Puzzle) -> Iterator[Part]:
    yield from (ImagePlace(index) for index in range(len(puzzle.scenes)))
    yield from _asked(puzzle)


def _asked(puzzle: Puzzle) -> Iterator[Part]:
    yield from (ImageMention(part) if isinstance(part, int) else part for part in puzzle.question)


def _paint(folder: Path, scene: Scene) -> str:
    name = f"pictures/{scene.name.replace('/', '-')}.png"
    if not (folder / name).exists():
        scene.picture.save(folder / name, format="PNG", compress_level=1)
    return name


def _captions(data: Corpus, names: Sequence[str], asked: Sequence[Asked]) -> Iterator[Example]:
    for name, item in zip(names, data.items, strict=True):
        yield Example(name, item.subtask, (name,), (Turn((ImagePlace(0), CAPTION), item.caption),))
    for example, captions in asked:
        for image, caption in zip(example.images, captions, strict=True):
            yield Example(image, "things", (image,), (Turn((ImagePlace(0), CAPTION), caption),))


def _questions(data: Corpus, names: Sequence[str], asked: Sequence[Asked], seed: int) -> Iterator[Example]:
    for number, (name, item) in enumerate(zip(names, data.items, strict=True)):
        turns_of = item_turns(item, Rng(f"questions {seed} {number}"), in_words=False)
        for part in range(HARDER.get(item.subtask, 1)):
            rng = Rng(f"questions {seed} {number} part {part}")
            (first, answer), *rest = rng.shuffled(turns_of)[:TURNS]
            turns = (Turn((ImagePlace(0), first), answer), *(Turn((text,), answer) for text, answer in rest))
            yield Example(f"{name}-{part}", item.subtask, (name,), turns)
    for example, _ in asked:
        yield from _turned(example)


def _turned(example: Example) -> Iterator[Example]:
    """Yield the example, and the same with one of the first demonstrations asked and the question in its place."""
    yield example
    plain = replace(example, shots=())
    for place, shot in enumerate(example.shots[:TURNED]):
        shots = (*example.shots[:place], plain, *example.shots[place + 1 :])
        yield replace(with_shots(shot, shots), id=f"{example.id}-turned{place}", source=example.source)


def _pasted(job: tuple[str, Example]) -> Example:
    """Put the example's pictures side by side in one, which comes first; demonstrations are text in between."""
    folder, example = Path(job[0]), job[1]
    if len(example.all_images) < 2:
        return example
    name = f"pictures/pasted-{example.id}.png"
    if not (folder / name).exists():
        paste(Image.open(folder / image) for image in example.all_images).save(folder / name, compress_level=1)
    first, *rest = _in_words(example)
    return Example(example.id, example.source, (name,), (replace(first, ask=(ImagePlace(0), *first.ask)), *rest))


def _blind(example: Example) -> Example:
    """Return the example without its pictures."""
    return Example(example.id, example.source, (), tuple(_in_words(example)))


def _in_words(example: Example) -> Iterator[Turn]:
    """Yield the example's questions, demonstrations before each, pictures spoken of and not shown."""
    demonstrations = "".join(f"{_words(turn.ask)} {turn.answer}\n" for shot in example.shots for turn in shot.turns)
    for turn in example.turns:
        yield Turn((demonstrations + _words(turn.ask),), turn.answer)


def paste(pictures: Iterable[Image.Image]) -> Image.Image:
    """Paste pictures of one height from left to right."""
    row = list(pictures)
    whole = Image.new("RGB", (sum(picture.width for picture in row), row[0].height))
    for index, picture in enumerate(row):
        whole.paste(picture, (sum(before.width for before in row[:index]), 0))
    return whole


def _words(ask: Sequence[Part]) -> str:
    return "".join(
        part if isinstance(part, str) else f"image {part.slot}" for part in ask if not isinstance(part, ImagePlace)
    )


def _write(path: Path, examples: Iterable[Example]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(to_json(example) + "\n" for example in examples)
    partial.replace(path)
