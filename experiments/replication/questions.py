"""What the tiny family is asked, claim by claim: requests with the answer that each should get.

Everything is drawn from the world's test split. How models are run and what is made of the answers is `measure`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image as PILImage

from mmeval.embedded import world
from mmeval.embedded.world.puzzles import PUZZLES, SHOTS, YES_NO, Puzzle, puzzles
from mmeval.embedded.world.rng import Rng
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
    """A request, what should come back, and what it belongs to."""

    request: Request
    answer: str
    kind: str
    cluster: str
    """Questions about the same pictures share it."""
    chance: float


def mme(pictures: int, show: str = "own") -> Iterator[Asked]:
    """Yield MME's questions about single pictures: their own, a grey one (`blank`), another's (`other`)."""
    views = list(world.test_set(pictures))
    for number, view in enumerate(views):
        first = number - number % pictures
        other = views[first + (number - first + 1) % pictures]
        image = {"own": _image(view), "blank": GREY, "other": _image(other)}[show]
        for text, answer in zip(view.pair, YES_NO, strict=True):
            request = Request(f"{view.name}/{answer}/{show}", (image, f"{text}{SUFFIX}"))
            yield Asked(request, answer, view.subtask, view.name, 0.5)


def behind_text(pictures: int, how: str) -> Iterator[Asked]:
    """Yield MME's questions behind a long text that says nothing (`long`) or the opposite (`misleading`)."""
    for asked in mme(pictures):
        image, text = asked.request.prompt
        wrong = "no" if asked.answer == "yes" else "yes"
        before = LONG if how == "long" else f"Some people say that the answer is {wrong}. "
        request = Request(f"{asked.request.id}/{how}", (image, before + str(text)))
        yield replace(asked, request=request)


def several(kind: str, count: int) -> Iterator[Asked]:
    """Yield the puzzles of a kind that show several pictures; yes is right as often as no."""
    for seed in range(count):
        group = puzzles(kind, seed, "test")
        yes = [puzzle for puzzle in group if puzzle.answer == "yes"]
        no = [puzzle for puzzle in group if puzzle.answer == "no"]
        if yes and no:
            group = yes + Rng(f"asked {kind} {seed}").shuffled(no)[: len(yes)]
        for number, puzzle in enumerate(group):
            yield _of(puzzle, f"{puzzle.group}/{number}")


def novel(count: int, shots: int, change: str = "") -> Iterator[Asked]:
    """Yield new words after `shots` demonstrations of each; `change` removes their pictures or shuffles labels."""
    for seed in range(count):
        puzzle = puzzles("novel", seed, "test")[SHOTS.index(shots)]
        if change == "labels shuffled":
            rng = Rng(f"labels {seed}")
            shown = tuple(replace(shot, answer=rng.pick(shot.choices)) for shot in puzzle.shots)
            puzzle = replace(puzzle, shots=shown)
        asked = _of(puzzle, f"{puzzle.group}/{shots}/{change}")
        if change == "pictures removed":
            bare = tuple(Shot(_without(shot.prompt), shot.answer) for shot in asked.request.shots)
            asked = replace(asked, request=replace(asked.request, shots=bare))
        yield asked


def _of(puzzle: Puzzle, name: str) -> Asked:
    shots = tuple(Shot(_prompt(shot), shot.answer) for shot in puzzle.shots)
    return Asked(
        Request(name, _prompt(puzzle), shots), puzzle.answer, puzzle.kind, puzzle.group, 1 / len(puzzle.choices)
    )


def _prompt(puzzle: Puzzle) -> tuple[Part, ...]:
    pictures = (Image(scene.picture, scene.name) for scene in puzzle.scenes)
    return (*pictures, *(Ref(part) if isinstance(part, int) else part for part in puzzle.question))


def _without(prompt: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(part for part in prompt if not isinstance(part, Image))


def _image(view: world.View) -> Image:
    return Image(view.picture, view.name)
