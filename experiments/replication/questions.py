"""The questions for the tiny family, by claim: requests with their expected answers.

Everything is drawn from the world's test split. `measure` runs the models and evaluates the answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image as PILImage

from mmeval.embedded import world
from mmeval.embedded.world.puzzles import PUZZLES, SHOTS, YES_NO, Puzzle, puzzles
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import KINDS, laid_out, paint
from mmeval.embedded.world.view import article
from mmeval.types import Image, Part, Ref, Request, Shot

SUFFIX = " Please answer yes or no."
GREY = Image(PILImage.new("RGB", (96, 96), (128, 128, 128)), "grey")
SEVERAL = tuple(kind for kind in PUZZLES if kind != "novel")
LONG = (
    "This is a long story about a picture. "
    "Some people say that there are things in the picture and some people say that there is none of them. "
    "Below is the question that follows from the story. "
)
"""A text that says nothing, in words that the family knows."""


@dataclass(frozen=True)
class Asked:
    """A request with its expected answer, kind and cluster."""

    request: Request
    answer: str
    kind: str
    cluster: str
    """Questions about the same pictures share it."""
    chance: float


def mme(pictures: int, show: str = "own") -> Iterator[Asked]:
    """Yield MME's questions about single pictures: their own, a gray one (`blank`) or another's (`other`)."""
    views = list(world.test_set(pictures))
    for number, view in enumerate(views):
        first = number - number % pictures
        other_view = views[first + (number - first + 1) % pictures]
        image = {"own": _image(view), "blank": GREY, "other": _image(other_view)}[show]
        for text, answer in zip(view.pair, YES_NO, strict=True):
            request = Request(f"{view.name}/{answer}/{show}", (image, f"{text}{SUFFIX}"))
            yield Asked(request, answer, view.subtask, view.name, 0.5)


def behind_text(pictures: int, how: str) -> Iterator[Asked]:
    """Yield MME's questions after a long text that says nothing (`long`) or after a wrong claim (`misleading`)."""
    for question in mme(pictures):
        image, text = question.request.prompt
        wrong = "no" if question.answer == "yes" else "yes"
        before = LONG if how == "long" else f"Some people say that the answer is {wrong}. "
        request = Request(f"{question.request.id}/{how}", (image, before + str(text)))
        yield replace(question, request=request)


def several(kind: str, count: int) -> Iterator[Asked]:
    """Yield the puzzles of a kind that show several pictures; yes and no are right equally often."""
    for seed in range(count):
        group = puzzles(kind, seed, "test")
        yes = [puzzle for puzzle in group if puzzle.answer == "yes"]
        no = [puzzle for puzzle in group if puzzle.answer == "no"]
        if yes and no:
            group = yes + Rng(f"asked {kind} {seed}").shuffled(no)[: len(yes)]
        for number, puzzle in enumerate(group):
            yield _question_of(puzzle, f"{puzzle.group}/{number}")


def among(count: int, pictures: int) -> Iterator[Asked]:
    """Yield questions asking which of `pictures` pictures shows a thing; with one picture, whether it does."""
    for seed in range(count):
        name = f"among {pictures} {seed}"
        rng = Rng(name)
        kinds = rng.shuffled(KINDS)[:pictures]
        wanted = rng.pick(kinds)
        scenes = [paint(Rng(f"{name}/{slot}"), laid_out(rng, [kind], "test"))[0] for slot, kind in enumerate(kinds)]
        images = tuple(Image(picture, f"{name}/{slot}") for slot, picture in enumerate(scenes))
        if pictures > 1:
            ask, answer = f"Which image shows {article(wanted.name)}?", f"image {kinds.index(wanted)}"
        else:
            true = rng.coin()
            asked_kind = wanted if true else wanted.near(rng)
            ask, answer = f"Is there {article(asked_kind.name)} in this image?", "yes" if true else "no"
        yield Asked(Request(name, (*images, ask)), answer, f"{pictures}", name, 1 / max(2, pictures))


def behind_words(pictures: int, words: int) -> Iterator[Asked]:
    """Yield MME's questions after a text of `words` words that says nothing."""
    filler = LONG.split()
    filling = " ".join(filler[index % len(filler)] for index in range(words))
    for question in mme(pictures):
        image, text = question.request.prompt
        request = Request(f"{question.request.id}/{words}", (image, f"{filling} {text}"))
        yield replace(question, request=request)


def novel(count: int, shots: int, change: str = "") -> Iterator[Asked]:
    """Yield questions about new words after `shots` demonstrations of each.

    `change` removes the demonstrations' pictures, shuffles their labels, shows other names and things,
    or draws demonstrations and question as pixel art, which training never shows.
    """
    for seed in range(count):
        puzzle = puzzles("novel", seed, "test")[SHOTS.index(shots)]
        if change == "labels shuffled":
            rng = Rng(f"labels {seed}")
            shuffled = tuple(replace(shot, answer=rng.pick(shot.choices)) for shot in puzzle.shots)
            puzzle = replace(puzzle, shots=shuffled)
        if change == "of another task":
            puzzle = replace(puzzle, shots=puzzles("novel", count + seed, "test")[SHOTS.index(shots)].shots)
        question = _question_of(puzzle, f"{puzzle.group}/{shots}/{change}")
        if change == "in pixels":
            request = question.request
            drawn = tuple(Shot(_in_pixels(shot.prompt), shot.answer) for shot in request.shots)
            question = replace(question, request=replace(request, prompt=_in_pixels(request.prompt), shots=drawn))
        if change == "pictures removed":
            bare = tuple(Shot(_without(shot.prompt), shot.answer) for shot in question.request.shots)
            question = replace(question, request=replace(question.request, shots=bare))
        yield question


def _question_of(puzzle: Puzzle, name: str) -> Asked:
    shots = tuple(Shot(_prompt(shot), shot.answer) for shot in puzzle.shots)
    return Asked(
        Request(name, _prompt(puzzle), shots), puzzle.answer, puzzle.kind, puzzle.group, 1 / len(puzzle.choices)
    )


def _prompt(puzzle: Puzzle) -> tuple[Part, ...]:
    pictures = (Image(scene.picture, scene.name) for scene in puzzle.scenes)
    return (*pictures, *(Ref(part) if isinstance(part, int) else part for part in puzzle.question))


def _without(prompt: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(part for part in prompt if not isinstance(part, Image))


def _in_pixels(prompt: tuple[Part, ...]) -> tuple[Part, ...]:
    """Draw a prompt's pictures in large square pixels with few colors."""
    return tuple(
        Image(_pixel_art(part.decode()), f"{part.name} in pixels") if isinstance(part, Image) else part
        for part in prompt
    )


def _pixel_art(picture: PILImage.Image) -> PILImage.Image:
    few = picture.reduce(picture.width // 32).quantize(8).convert("RGB")
    return few.resize(picture.size, PILImage.Resampling.NEAREST)


def _image(view: world.View) -> Image:
    return Image(view.picture, view.name)
