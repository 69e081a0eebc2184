"""MME's questions about the picture world: needs no download, compares with no leaderboard."""

from __future__ import annotations

from collections.abc import Iterator

from mmeval.data.rows import YesNoRow
from mmeval.embedded.world import test_set
from mmeval.types import Image

PICTURES = 40
"""Of each subtask."""


def rows() -> Iterator[YesNoRow]:
    """The test pictures with their two questions, the one whose answer is yes first, as in the release."""
    for view in test_set(PICTURES):
        name = f"{view.origin.seed:04d}.png"
        image = Image(view.picture, f"{view.subtask}/{name}")
        for question, answer in zip(view.pair, ("Yes", "No"), strict=True):
            yield YesNoRow(view.subtask, name, image, question, answer, f"embedded {view.name}")
