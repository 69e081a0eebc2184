"""MME's fourteen subtasks in the picture world: who draws which, and the test set."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmeval.embedded.world.artworks import artwork
from mmeval.embedded.world.everyday import commonsense_reasoning
from mmeval.embedded.world.faces import celebrity
from mmeval.embedded.world.landmarks import landmark
from mmeval.embedded.world.objects import color, count, existence, position
from mmeval.embedded.world.posters import posters
from mmeval.embedded.world.scenes import scene
from mmeval.embedded.world.sums import code_reasoning, numerical_calculation
from mmeval.embedded.world.view import Origin, Split, View
from mmeval.embedded.world.words import ocr, text_translation

MAKERS: dict[str, Callable[[Origin], View]] = {
    "existence": existence,
    "count": count,
    "position": position,
    "color": color,
    "posters": posters,
    "celebrity": celebrity,
    "scene": scene,
    "landmark": landmark,
    "artwork": artwork,
    "OCR": ocr,
    "commonsense_reasoning": commonsense_reasoning,
    "numerical_calculation": numerical_calculation,
    "text_translation": text_translation,
    "code_reasoning": code_reasoning,
}
SUBTASKS = tuple(MAKERS)
"""As MME spells them, perception's ten first."""

PERCEPTION = SUBTASKS[:10]


def draw(subtask: str, seed: int, split: Split) -> View:
    """Return the picture of that seed: the same bytes and the same questions, always and everywhere."""
    return MAKERS[subtask](Origin(subtask, seed, split))


def test_set(per_subtask: int = 40) -> Iterator[View]:
    """Yield the test pictures, subtask by subtask."""
    for subtask in SUBTASKS:
        for seed in range(per_subtask):
            yield draw(subtask, seed, "test")
