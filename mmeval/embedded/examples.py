"""Example conversations, drawn from the picture world's test split."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import ImageFilter

from mmeval.embedded.world import clips
from mmeval.embedded.world.puzzles import Puzzle, puzzles
from mmeval.types import Image, Parts, Shot

FRAMES = 4
"""Number of pictures of a clip."""


@dataclass(frozen=True)
class DemoExample:
    """Demonstrations, a question, and the correct answer."""

    title: str
    prompt: Parts
    answer: str
    shots: tuple[Shot, ...] = ()


def _puzzle(title: str, kind: str, seed: int) -> DemoExample:
    puzzle = puzzles(kind, seed, "test")[0]
    shots = tuple(Shot(_prompt(shot), shot.answer) for shot in puzzle.shots)
    return DemoExample(title, _prompt(puzzle), puzzle.answer, shots)


def _prompt(puzzle: Puzzle) -> Parts:
    pictures = (Image(scene.picture, f"image {number}") for number, scene in enumerate(puzzle.scenes))
    question = (f"image {part}" if isinstance(part, int) else part for part in puzzle.question)
    return (*pictures, "".join(question))


def _new_word(title: str, seed: int) -> DemoExample:
    """Show three things with two new names, then ask about one as a line drawing."""
    puzzle = next(candidate for candidate in puzzles("novel", seed, "test") if len(candidate.shots) == 4)
    shots = tuple(Shot(_prompt(shot), shot.answer) for shot in puzzle.shots[:3])
    drawing = Image(puzzle.scenes[0].picture.convert("L").filter(ImageFilter.CONTOUR).convert("RGB"), "image 0")
    return DemoExample(title, (drawing, *_prompt(puzzle)[1:]), puzzle.answer, shots)


def _fall(title: str, seed: int) -> DemoExample:
    sequence = clips.clip(seed, "test")
    assert (sequence.action, sequence.kind) == ("falls", None)
    frames = (Image(sequence.frame(time), f"image {number}") for number, time in enumerate(clips.times(FRAMES)))
    return DemoExample(title, (*frames, clips.ASKED["falls"].replace("the {subject}", "someone")), "yes")


PREPARED: dict[str, Callable[[str], DemoExample]] = {
    "Two pictures compared": lambda title: _puzzle(title, "same", 2),
    "Which of four pictures": lambda title: _puzzle(title, "which", 11),
    "A new word": lambda title: _new_word(title, 0),
    "A short clip": lambda title: _puzzle(title, "frames", 2),
    "A fall": lambda title: _fall(title, 3),
}
"""Title -> the function that draws its example."""


def examples() -> list[DemoExample]:
    """Draw all examples. mmicl-tiny answers them correctly, which `tests/test_demo.py` checks."""
    return [draw(title) for title, draw in PREPARED.items()]
