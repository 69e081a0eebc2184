"""The picture world: draws pictures from a seed and asks the questions of MME's fourteen subtasks about them.

It contains only pictures, questions and the facts of each picture, and does not depend on models, tasks or the harness.
"""

from collections.abc import Callable, Iterator

from mmeval.embedded.world.artworks import PAINTERS
from mmeval.embedded.world.everyday import commonsense_reasoning
from mmeval.embedded.world.faces import PEOPLE
from mmeval.embedded.world.landmarks import LANDMARKS
from mmeval.embedded.world.objects import color, count, existence, position
from mmeval.embedded.world.posters import FILMS
from mmeval.embedded.world.scenes import PLACES
from mmeval.embedded.world.sums import code_reasoning, numerical_calculation
from mmeval.embedded.world.view import Claim, Origin, Split, View, answer
from mmeval.embedded.world.words import ocr, text_translation

__all__ = ["PERCEPTION", "SUBTASKS", "Claim", "Split", "View", "answer", "draw", "test_set"]

MAKERS: dict[str, Callable[[Origin], View]] = {
    "existence": existence, "count": count, "position": position, "color": color,
    "posters": FILMS.draw, "celebrity": PEOPLE.draw, "scene": PLACES.draw, "landmark": LANDMARKS.draw,
    "artwork": PAINTERS.draw, "OCR": ocr,
    "commonsense_reasoning": commonsense_reasoning, "numerical_calculation": numerical_calculation,
    "text_translation": text_translation, "code_reasoning": code_reasoning,
}  # fmt: skip
SUBTASKS = tuple(MAKERS)
"""MME's names, with the ten perception subtasks first."""
PERCEPTION = SUBTASKS[:10]


def draw(subtask: str, seed: int, split: Split) -> View:
    """Return the picture of a seed, with the same bytes and questions on every machine."""
    return MAKERS[subtask](Origin(subtask, seed, split))


def test_set(per_subtask: int = 40) -> Iterator[View]:
    """Yield the test pictures, subtask by subtask."""
    return (draw(subtask, seed, "test") for subtask in SUBTASKS for seed in range(per_subtask))
