"""The picture world: draws pictures from a seed and asks MME's questions about them.

It knows no model, no task and no harness: pictures, questions, and what is true of each picture.
"""

from mmeval.embedded.world.subtasks import PERCEPTION, SUBTASKS, draw, test_set
from mmeval.embedded.world.view import Claim, Fact, Facts, Mark, Origin, Split, View, answer

__all__ = [
    "PERCEPTION",
    "SUBTASKS",
    "Claim",
    "Fact",
    "Facts",
    "Mark",
    "Origin",
    "Split",
    "View",
    "answer",
    "draw",
    "test_set",
]
