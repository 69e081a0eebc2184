"""The picture world's questions of other kinds than MME's: what each task's own file makes its samples of.

A task whose world cannot be drawn has none, and says what data to give instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmeval.data.winoground import Pair
from mmeval.embedded import world
from mmeval.embedded.world.puzzles import SHOTS, YES_NO, Puzzle, Scene, puzzles
from mmeval.scoring.readings.choices import letter
from mmeval.types import Image, InputError, Part, Ref, Sample, Shot

COUNT = 100
"""Of each kind: pictures, pairs, series."""
NUMBERED = {"which": "Which picture", "odd": "Odd one out"}
"""Puzzles whose answer is a picture's number -> what a table calls them."""


WORLD = "picture world"
"""The tag of new words that the world made up: they are asked and compared otherwise than the benchmark's."""


def samples(task: str, data: str) -> Iterator[Sample]:
    """The embedded questions of a task. Raises InputError, naming the data to give instead, where it has none."""
    if task not in SUITES:
        raise InputError(f"{task} has no embedded questions: give --data, {data}")
    return SUITES[task]()


def pairs() -> Iterator[Pair]:
    """Winoground's: two pictures and two captions of the same words."""
    for seed in range(COUNT):
        first = puzzles("matching", seed, "test")[0]
        told = str(first.question[0]).removeprefix("Caption 0: ").partition(". Does caption")[0]
        one, _, other = told.partition(". Caption 1: ")
        own, its = first.scenes if first.answer == "yes" else first.scenes[::-1]
        shown = (_image(own), _image(its))
        tag = "Relation" if " to the left of " in one else "Object"
        yield Pair(f"{seed}", (one, other), shown, tag)


def series() -> Iterator[tuple[str, list[Image], list[Image], int]]:
    """IQ50's: name, three pictures of a row, six candidates for the fourth, and the place of the right one."""
    for seed in range(COUNT):
        group = puzzles("series", seed, "test")
        turn = seed % len(group)  # the right one is drawn first, and stands at every place
        turned = [*group[-turn:], *group[:-turn]] if turn else group
        right = [puzzle.answer for puzzle in turned].index("yes")
        given = [_image(scene) for scene in group[0].scenes[:3]]
        yield f"{seed}", given, [_image(puzzle.scenes[3]) for puzzle in turned], right


def new_words(shots: int) -> Iterator[Sample]:
    """VL-ICL's: a thing whose name is known from demonstrations only, `shots` of each of two names.

    Question and demonstrations come in the same words, the two names among them: `WORLD` says so to the task.
    """
    if shots not in SHOTS:
        raise InputError(f"the embedded questions have 0, 1, 2 or 4 demonstrations of each name, not {shots}")
    for seed in range(COUNT):
        puzzle = puzzles("novel", seed, "test")[SHOTS.index(shots)]
        demonstrations = tuple(Shot(_prompt(shot), shot.answer) for shot in puzzle.shots)
        yield Sample(
            id=f"open_mi/{seed}",
            prompt=_prompt(puzzle),
            targets=(puzzle.answer.strip("'"),),
            shots=demonstrations,
            category="open_mi",
            tags={"shots": str(shots), "seed": "0", WORLD: "new words"},
        )


def _statements() -> Iterator[Sample]:
    """NLVR2's: is a statement true of two pictures?"""
    for seed in range(COUNT):
        puzzle = puzzles("both", seed, "test")[0]
        said = str(puzzle.question[0]).removesuffix("?")
        for asked, stated in (("Do both images show", "both images show"), ("Are there", "there are")):
            said = said.replace(asked, stated)
        said = said.replace("Does exactly one image show", "exactly one image shows")
        yield Sample(
            id=f"embedded-{seed}-0-0",
            prompt=(*(_image(scene) for scene in puzzle.scenes), said),
            targets=(puzzle.answer,),
            groups={"set": f"embedded-{seed}", "sentence": f"embedded-{seed}--0"},
            tags={"split": "embedded"},
        )


def _objects() -> Iterator[Sample]:
    """POPE's, adversarial: what is asked for and absent shares its color or its shape with what is there."""
    for seed in range(COUNT):
        view = world.draw("existence", seed, "test")
        for question, label in zip(view.pair, YES_NO, strict=True):
            image = Image(view.picture, view.name)
            groups = {"image": view.name}
            yield Sample(
                f"adversarial/{seed}-{label}", (image, question), (label,), groups=groups, category="adversarial"
            )


def _numbered() -> Iterator[Sample]:
    """MuirBench's: which of several pictures? None has a counterpart that cannot be answered."""
    for kind, category in NUMBERED.items():
        for seed in range(COUNT):
            puzzle = puzzles(kind, seed, "test")[0]
            yield Sample(
                id=f"{kind}-{seed}",
                prompt=_prompt(puzzle),
                targets=(letter(puzzle.choices.index(puzzle.answer)),),
                choices=tuple((choice,) for choice in puzzle.choices),
                groups={"pair": f"{kind}-{seed}"},
                category=category,
                tags={"relation": kind, "counterpart": ""},
            )


def _moving() -> Iterator[Sample]:
    """NExT-QA's: something moves through a few pictures; which way?"""
    for seed in range(COUNT):
        puzzle = puzzles("frames", seed, "test")[0]
        yield Sample(
            id=f"embedded-{seed}",
            prompt=_prompt(puzzle),
            targets=(letter(puzzle.choices.index(puzzle.answer)),),
            choices=tuple((choice,) for choice in puzzle.choices),
            groups={"video": f"embedded-{seed}"},
            category="TC",
            tags={"type": "TC", "frames": str(len(puzzle.scenes))},
        )


SUITES: dict[str, Callable[[], Iterator[Sample]]] = {
    "nlvr2": _statements,
    "pope": _objects,
    "muirbench": _numbered,
    "nextqa": _moving,
}
"""Task -> its embedded questions, where they need nothing of the task's own."""


def _prompt(puzzle: Puzzle) -> tuple[Part, ...]:
    asked = (Ref(part) if isinstance(part, int) else part for part in puzzle.question)
    return (*(_image(scene) for scene in puzzle.scenes), *asked)


def _image(scene: Scene) -> Image:
    return Image(scene.picture, scene.name)
