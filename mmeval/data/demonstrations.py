"""Sample demonstrations from the train part by seed, none about the question's own picture.

What a set's files look like is for its reader to say; how questions and demonstrations are worded, for the prompts.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmeval.data import files
from mmeval.types import Image, InputError, Sample, Shot, replace_surrogates

POOL = 2048
"""Items of the train part that demonstrations are drawn from, themselves drawn by seed (open_flamingo's query set)."""
WITHOUT_PICTURES = 2
"""Demonstrations in words that open_flamingo puts before a question where there are to be none with pictures."""


@dataclass(frozen=True, eq=False, slots=True)
class Item:
    """A question about a picture, and its answers. The picture is not looked for before it is shown."""

    id: str
    asked: str
    answers: tuple[str, ...]
    picture: str
    """Which picture it is about: items of one name share it."""
    files: tuple[str, ...]
    """Where in the set's folder it may lie."""
    where: str
    """File and place, for messages."""
    category: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    common: str = ""
    """The answer that most people gave, if the set states it."""


class Pool:
    """What demonstrations are drawn from."""

    def __init__(self, items: Iterable[Item], seed: int) -> None:
        everything = list(items)
        self.seed = seed
        self.items = random.Random(f"pool {seed}").sample(everything, min(POOL, len(everything)))
        self.about = Counter(item.picture for item in self.items)

    def others(self, query: Item) -> int:
        """Return how many items are about another picture than the query's."""
        return len(self.items) - self.about[query.picture]

    def draw(self, query: Item, count: int) -> list[Item]:
        """Draw by the seed and the query's id alone; more begin with the same ones. Raises InputError for too many."""
        if self.others(query) < count:
            raise InputError(
                f"{query.where}: {count} demonstrations asked for, and of the {len(self.items)} drawn from the train "
                f"part {self.others(query)} are about other pictures; ask for fewer with --shots, or add to it"
            )
        rng = random.Random(replace_surrogates(f"{self.seed} {query.id}"))
        found: dict[int, Item] = {}
        while len(found) < count:
            place = rng.randrange(len(self.items))
            if self.items[place].picture != query.picture:
                found.setdefault(place, self.items[place])
        return list(found.values())


def samples(
    queries: Iterable[Item], train: Iterable[Item] | None, folder: Path, shots: int, seed: int
) -> Iterator[Sample]:
    """Read each query with so many demonstrations; the prompt of each is its picture and what is asked of it.

    With none, two demonstrations stand there without their pictures, as in open_flamingo (nothing where `train` is
    None or too small). Raises InputError for a missing picture and a train part with too few others.
    """
    if shots < 0:
        raise InputError(f"{shots} demonstrations cannot be shown; --shots must be 0 or more")
    pool = Pool(train or (), seed)
    pictures: dict[str, Image] = {}

    def picture(item: Item) -> Image:
        """Return one `Image` a picture, which is then hashed once."""
        if item.picture not in pictures:
            pictures[item.picture] = files.picture(folder, files.first(folder, item.files, item.where), item.where)
        return pictures[item.picture]

    for query in queries:
        enough = pool.others(query) >= WITHOUT_PICTURES
        drawn = pool.draw(query, shots or (WITHOUT_PICTURES if enough else 0))
        shown = (Shot((picture(item), item.asked) if shots else (item.asked,), item.answers[0]) for item in drawn)
        tags = {"shots": str(shots), "seed": str(seed), "demonstrations": " ".join(item.id for item in drawn)}
        yield Sample(
            id=query.id,
            prompt=(picture(query), query.asked),
            targets=query.answers,
            shots=tuple(shown),
            groups={"image": query.picture},
            category=query.category,
            tags={**query.tags, **tags},
        )


def find(folder: Path, name: str, places: Iterable[str]) -> Path | None:
    """Find a set's file in the folder or in one of those places inside it. Raises InputError for a way out of it."""
    paths = (files.inside(folder, f"{place}/{name}" if place else name, str(folder)) for place in ("", *places))
    return next((path for path in paths if path.is_file()), None)
