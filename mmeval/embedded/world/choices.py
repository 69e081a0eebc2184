"""Questions about a picture with four options, for the MMBench leaf abilities that the picture world covers.

It does not cover action recognition, attribute comparison, function and physical property reasoning, nature and social
relations, future prediction and image quality. OCR is left out because its words are not a closed set to draw options
from.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mmeval.embedded.world import draw
from mmeval.embedded.world.artworks import CONTENTS, PAINTERS, TECHNIQUES
from mmeval.embedded.world.artworks import PALETTES as ART_PALETTES
from mmeval.embedded.world.faces import EXTRAS, HAIR, PEOPLE, STYLES
from mmeval.embedded.world.landmarks import BODIES, LANDMARKS, TOPS
from mmeval.embedded.world.posters import FILMS, MOTIFS
from mmeval.embedded.world.posters import PALETTES as POSTER_PALETTES
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.scenes import PLACES
from mmeval.embedded.world.sums import HIGHEST
from mmeval.embedded.world.things import COLORS, COLUMNS, KINDS, NUMBERS, ROWS, SHAPES
from mmeval.embedded.world.view import Split, View
from mmeval.embedded.world.words import LANGUAGE

LETTERS = "ABCD"

SORTS: Mapping[str, Collection[str]] = {
    "what color is the hair ?": HAIR,
    "what color is the": COLORS,
    "how many": NUMBERS,
    "what stands": tuple(kind.name for kind in KINDS),
    "where is the": tuple(f"{row} {column}" for row in ROWS for column in COLUMNS),
    "what shape": SHAPES,
    "which movie is this ?": FILMS.names,
    "what does the poster show ?": MOTIFS,
    "what is the mood of the poster ?": POSTER_PALETTES,
    "who is this person ?": PEOPLE.names,
    "what is the hair like ?": STYLES,
    "what does the person wear ?": EXTRAS,
    "what place is this ?": PLACES.names,
    "which landmark is this ?": LANDMARKS.names,
    "what kind of building is it ?": BODIES,
    "what is on top of the building ?": TOPS,
    "who painted this ?": PAINTERS.names,
    "what is painted here ?": CONTENTS,
    "how is the paint laid on ?": TECHNIQUES,
    "what is the palette ?": ART_PALETTES,
    "what is the result ?": tuple(map(str, range(HIGHEST + 1))),
    "what is the output ?": tuple(map(str, range(10))),
    "what does the word mean ?": LANGUAGE.values(),
}
"""Beginning of a question -> its possible answers."""

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
"""Leaf -> its ability, the subtask whose pictures it uses, and the beginning of its question."""


def options(rng: Rng, question: str, answer: str) -> tuple[str, ...] | None:
    """Return four options in random order, including the answer; None if its possible answers are unknown."""
    sort = next((sort for begins, sort in SORTS.items() if question.startswith(begins)), ())
    if answer not in sort:
        return None
    wrong = rng.shuffled([item for item in sort if item != answer])
    return tuple(rng.shuffled([answer, *wrong[:3]]))


@dataclass(frozen=True)
class Choice:
    """A question about a picture with four options."""

    view: View
    question: str
    options: tuple[str, ...]
    answer: str
    """One of the options."""


def choices(leaf: str, count: int, split: Split) -> Iterator[Choice]:
    """Yield the first `count` questions of a leaf, always the same ones."""
    _, subtask, begins = LEAVES[leaf]
    seed = yielded = 0
    while yielded < count:
        view = draw(subtask, seed, split)
        rng = Rng(f"{leaf}/{split}/{seed}")
        seed += 1
        matching = [(question, answer) for question, answer in view.probes if question.startswith(begins)]
        if matching:
            question, answer = rng.pick(matching)
            four = options(rng, question, answer)
            if four is not None:
                yielded += 1
                yield Choice(view, question, four, answer)
