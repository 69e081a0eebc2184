"""Four options for an open question about a picture: its answer and three others of the same sort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmeval.embedded.world.artworks import CONTENTS, PAINTERS, TECHNIQUES
from mmeval.embedded.world.artworks import PALETTES as ART_PALETTES
from mmeval.embedded.world.faces import EXTRAS, HAIR, PEOPLE, STYLES
from mmeval.embedded.world.family import Family
from mmeval.embedded.world.landmarks import BODIES, LANDMARKS, TOPS
from mmeval.embedded.world.posters import FILMS, MOTIFS
from mmeval.embedded.world.posters import PALETTES as POSTER_PALETTES
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.scenes import PLACES
from mmeval.embedded.world.sums import HIGHEST
from mmeval.embedded.world.things import COLORS, COLUMNS, KINDS, NUMBERS, ROWS, SHAPES
from mmeval.embedded.world.words import LANGUAGE

LETTERS = "ABCD"


def _names(family: Family) -> tuple[str, ...]:
    return tuple(name for name, *_ in family.members())


SORTS: Mapping[str, Sequence[str]] = {
    "what color is the hair ?": tuple(HAIR),
    "what color is the": tuple(COLORS),
    "how many": NUMBERS,
    "what stands": tuple(kind.name for kind in KINDS),
    "where is the": tuple(f"{row} {column}" for row in ROWS for column in COLUMNS),
    "what shape": SHAPES,
    "which movie is this ?": _names(FILMS),
    "what does the poster show ?": MOTIFS,
    "what is the mood of the poster ?": tuple(POSTER_PALETTES),
    "who is this person ?": _names(PEOPLE),
    "what is the hair like ?": STYLES,
    "what does the person wear ?": EXTRAS,
    "what place is this ?": _names(PLACES),
    "which landmark is this ?": _names(LANDMARKS),
    "what kind of building is it ?": BODIES,
    "what is on top of the building ?": TOPS,
    "who painted this ?": _names(PAINTERS),
    "what is painted here ?": tuple(CONTENTS),
    "how is the paint laid on ?": TECHNIQUES,
    "what is the palette ?": tuple(ART_PALETTES),
    "what is the result ?": tuple(map(str, range(HIGHEST + 1))),
    "what is the output ?": tuple(map(str, range(10))),
    "what does the word mean ?": tuple(LANGUAGE.values()),
}
"""How a question begins -> what its answers are among."""


def options(rng: Rng, question: str, answer: str) -> tuple[str, ...] | None:
    """Return four options in any order, the answer among them; None where the sort of its answers is not known."""
    sort = next((sort for start, sort in SORTS.items() if question.startswith(start)), ())
    if answer not in sort:
        return None
    wrong = rng.shuffled([item for item in sort if item != answer])[:3]
    return tuple(rng.shuffled([answer, *wrong]))
