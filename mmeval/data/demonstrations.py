"""Sample demonstrations from the train split by seed, none about the question's own picture.

Each data set's reader reads its files; the prompts word the questions and demonstrations.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmeval.data import files
from mmeval.types import Image, InputError, Sample, Shot, plural, replace_surrogates

POOL = 2048
"""Demonstrations are sampled from this many items, which the seed samples from the train split (open_flamingo's query
set)."""
WITHOUT_PICTURES = 2
"""Text-only demonstrations that open_flamingo puts before a question in its zero-shot prompt."""


@dataclass(frozen=True, eq=False, slots=True)
class Item:
    """A question about a picture, and its answers. The picture is not looked up until it is shown."""

    id: str
    asked: str
    answers: tuple[str, ...]
    picture: str
    """The name of its picture; items with the same name share the picture."""
    files: tuple[str, ...]
    """Paths in the set's folder where the picture may be."""
    where: str
    """File and place, for messages."""
    category: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    common: str = ""
    """The most common answer, if the set states it."""


class Pool:
    """The items that demonstrations are sampled from."""

    def __init__(self, items: Iterable[Item], seed: int) -> None:
        all_items = list(items)
        self.seed = seed
        self.items = random.Random(f"pool {seed}").sample(all_items, min(POOL, len(all_items)))
        self.about = Counter(item.picture for item in self.items)

    def others(self, query: Item) -> int:
        """Return how many items are about another picture than the query's."""
        return len(self.items) - self.about[query.picture]

    def draw(self, query: Item, count: int) -> list[Item]:
        """Sample by the seed and the query's id alone; a larger sample begins with the smaller one.

        Raises InputError if the pool is too small.
        """
        if self.others(query) < count:
            raise InputError(
                f"{query.where}: {plural(count, 'demonstration is', 'demonstrations are')} needed, but the train split "
                f"has only {plural(self.others(query), 'sampled item')} about other pictures, of {len(self.items)}; "
                "lower --shots, or add items"
            )
        rng = random.Random(replace_surrogates(f"{self.seed} {query.id}"))
        drawn: dict[int, Item] = {}
        while len(drawn) < count:
            index = rng.randrange(len(self.items))
            if self.items[index].picture != query.picture:
                drawn.setdefault(index, self.items[index])
        return list(drawn.values())


def samples(
    queries: Iterable[Item], train: Iterable[Item] | None, folder: Path, shots: int, seed: int
) -> Iterator[Sample]:
    """Yield each query with `shots` demonstrations; the prompt of each is its picture and its question.

    With 0, two demonstrations are given without their pictures, as in open_flamingo (none if `train` is None or too
    small). Raises InputError if a picture is missing, or the train split has too few items about other pictures.
    """
    if shots < 0:
        raise InputError(f"{shots} demonstrations cannot be shown; --shots must be 0 or more")
    pool = Pool(train or (), seed)
    pictures: dict[str, Image] = {}

    def picture(item: Item) -> Image:
        """Return the same `Image` for the same picture, so it is hashed once."""
        if item.picture not in pictures:
            first, *other_paths = item.files
            pictures[item.picture] = files.picture(folder, first, item.where, *other_paths)
        return pictures[item.picture]

    for query in queries:
        enough = pool.others(query) >= WITHOUT_PICTURES
        drawn = pool.draw(query, shots or (WITHOUT_PICTURES if enough else 0))
        demonstrations = (
            Shot((picture(item), item.asked) if shots else (item.asked,), item.answers[0]) for item in drawn
        )
        tags = {"shots": str(shots), "seed": str(seed), "demonstrations": " ".join(item.id for item in drawn)}
        yield Sample(
            id=query.id,
            prompt=(picture(query), query.asked),
            targets=query.answers,
            shots=tuple(demonstrations),
            groups={"image": query.picture},
            category=query.category,
            tags={**query.tags, **tags},
        )


def find(folder: Path, name: str, places: Iterable[str]) -> Path | None:
    """Find a file in the folder or in one of these subfolders. Raises InputError if a path leads out of the folder."""
    for subfolder in ("", *places):
        path = files.inside(folder, f"{subfolder}/{name}" if subfolder else name, str(folder))
        if path.is_file():
            return path
    return None
