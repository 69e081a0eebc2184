"""MMBench's leaf abilities in the picture world: those that it can ask for, four choices a question.

Left out, because nothing in the world asks for them: action recognition, attribute comparison, function and physical
property reasoning, nature and social relations, future prediction, image quality; and OCR, whose words are not a
closed set to draw options from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mmeval.embedded.world.choices import options
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.subtasks import draw
from mmeval.embedded.world.view import Split, View

LEAVES: Mapping[str, tuple[str, str, str]] = {
    "object_localization": ("finegrained_perception (instance-level)", "position", "where is the"),
    "attribute_recognition": ("finegrained_perception (instance-level)", "color", "what color is the"),
    "celebrity_recognition": ("finegrained_perception (instance-level)", "celebrity", "who is this person"),
    "spatial_relationship": ("finegrained_perception (cross-instance)", "position", "what stands"),
    "image_style": ("coarse_perception", "artwork", "how is the paint laid on"),
    "image_scene": ("coarse_perception", "scene", "what place is this"),
    "image_emotion": ("coarse_perception", "posters", "what is the mood of the poster"),
    "image_topic": ("coarse_perception", "posters", "what does the poster show"),
    "identity_reasoning": ("attribute_reasoning", "landmark", "which landmark is this"),
    "physical_relation": ("relation_reasoning", "count", "how many"),
    "structuralized_imagetext_understanding": ("logic_reasoning", "code_reasoning", "what is the output"),
}
"""Leaf -> its ability, the subtask whose pictures are shown, and how its question begins."""


@dataclass(frozen=True)
class Choice:
    """A question about a picture with four options."""

    view: View
    question: str
    options: tuple[str, ...]
    answer: str
    """One of the options."""


def choices(leaf: str, count: int, split: Split) -> Iterator[Choice]:
    """Yield the first `count` questions of that leaf: always the same ones."""
    _, subtask, begins = LEAVES[leaf]
    seed = found = 0
    while found < count:
        view = draw(subtask, seed, split)
        rng = Rng(f"{leaf}/{split}/{seed}")
        seed += 1
        asked = [(question, answer) for question, answer in view.probes if question.startswith(begins)]
        if asked:
            question, answer = rng.pick(asked)
            four = options(rng, question, answer)
            if four is not None:
                found += 1
                yield Choice(view, question, four, answer)
