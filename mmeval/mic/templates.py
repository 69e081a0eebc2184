"""Load the facts about each source (`sources.yaml`), and put rows into words.

A wording is a text with places: `{question}` takes the row's question, `[0]` refers to its picture 0.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mmeval.data.marks import joined
from mmeval.mic.rows import SourceRow
from mmeval.mmicl.context import ImageMention, ImagePlace, Part
from mmeval.mmicl.examples import Example, ExampleError, Turn, to_json
from mmeval.pictures import Unusable

PLACE = re.compile(r"\{(\w+)\}|\[(\d+)\]")


@dataclass(frozen=True)
class SourceCard:
    """The facts about a source."""

    about: str
    license: str
    """The set's own statement."""
    holds: Sequence[str]
    """The files and folders that its folder must contain."""
    wordings: Sequence[str]
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Rows sampled per split (MMICL's published sampling); a split that is not named is taken whole."""
    shots: int = 0
    """Maximum number of demonstrations; 0 for sets published without them."""

    def lines(self, name: str) -> list[str]:
        """Return the card as lines to print."""
        sizes = ", ".join(f"{split} {size:,}" for split, size in self.sizes.items() if size) or "all"
        demonstrations = f"0 to {self.shots}" if self.shots else "none"
        details = (
            f"folder: {'; '.join(self.holds)}",
            f"published sizes: {sizes}; demonstrations: {demonstrations}",
            f"license: {self.license}",
        )
        return [f"{name:14}{self.about}", *(f"{'':14}{line}" for line in details)]


@cache
def cards() -> Mapping[str, SourceCard]:
    """Return every source by name."""
    from mmeval import yaml_file

    facts = yaml_file.read(Path(__file__).with_name("sources.yaml"))
    return {name: SourceCard(**fact) for name, fact in facts.items()}


def worded(source: str, row: SourceRow, images: Sequence[str], wordings: Sequence[str], seed: int) -> Example:
    """Convert the row to an example, in a wording chosen by seed and id. Raises Unusable if that is impossible.

    Pictures that the words do not place are shown first, in order.
    """
    words = _filled(random.Random(f"{seed}/wording/{row.id}").choice(wordings), row)
    placed = {part.picture for part in words if isinstance(part, ImagePlace)}
    first = tuple(ImagePlace(k) for k in range(len(images)) if k not in placed)
    turns = (Turn((*first, *words), row.answer.strip()), *row.later)
    try:
        example = Example(f"{source}/{row.id}", source, tuple(images), turns)
        to_json(example).encode()
    except ExampleError as error:
        raise Unusable("unusable row", str(error)) from error
    except UnicodeEncodeError as error:
        raise Unusable("unusable row", f"its text is not Unicode ({error.reason})") from error
    return example


def _filled(wording: str, row: SourceRow) -> tuple[Part, ...]:
    """Fill a wording in one pass, so the row's texts are never read as places."""
    first, *tokens = PLACE.split(wording)
    parts: list[Part] = [first]
    for name, number, text in zip(tokens[::3], tokens[1::3], tokens[2::3], strict=True):
        value = row.texts[name] if name else (ImageMention(int(number)),)
        parts += [*([value.strip()] if isinstance(value, str) else value), text]
    return tuple(joined(parts))
