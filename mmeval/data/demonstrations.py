"""Demonstrations: before a question stand others of the train part, drawn by seed, none about the question's picture.

What a set's files look like is the business of its reader, how a question is put into words that of its task.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmeval.data import lines
from mmeval.types import Image, InputError, Sample, Shot

POOL = 2048
"""Items of the train part that demonstrations are drawn from, themselves drawn by seed (open_flamingo's query set)."""
SPOKEN = 2
"""Demonstrations without pictures that open_flamingo puts before a question where there are to be none."""

Ask = Callable[[str], str]
"""Puts what is asked of a picture into words; the answer follows them."""


@dataclass(frozen=True, eq=False, slots=True)
class Item:
    """A question about a picture, and its answers. The picture is not looked for before it is shown."""

    id: str
    asked: str
    answers: tuple[str, ...]
    picture: str
    """Which picture it is about: items of one name share it, whatever part they are of."""
    files: tuple[str, ...]
    """Where in the set's folder it may lie."""
    where: str
    """File and place, for whoever has to mend it."""
    category: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class Pool:
    """What demonstrations are drawn from."""

    def __init__(self, items: Iterable[Item], seed: int) -> None:
        everything = list(items)
        self.seed = seed
        self.items = random.Random(f"pool {seed}").sample(everything, min(POOL, len(everything)))
        self.about = Counter(item.picture for item in self.items)

    def others(self, query: Item) -> int:
        """How many items are about another picture than the query's."""
        return len(self.items) - self.about[query.picture]

    def draw(self, query: Item, count: int) -> list[Item]:
        """So many of them, drawn by the seed and the query's id alone; those of k are the first of those of more.

        Raises InputError where there are fewer.
        """
        if self.others(query) < count:
            raise InputError(
                f"{query.where}: {count} demonstrations asked for, and of the {len(self.items)} drawn from the train "
                f"part {self.others(query)} are about other pictures; ask for fewer with --shots, or add to it"
            )
        rng = random.Random(f"{self.seed} {query.id}")
        found: dict[int, Item] = {}
        while len(found) < count:
            place = rng.randrange(len(self.items))
            if self.items[place].picture != query.picture:
                found.setdefault(place, self.items[place])
        return list(found.values())


def samples(
    queries: Iterable[Item], train: Iterable[Item] | None, folder: Path, ask: Ask, shots: int, seed: int
) -> Iterator[Sample]:
    """Each query after so many demonstrations with their pictures; its prompt is the picture and what is asked.

    With none, what open_flamingo says instead stands before the picture: two demonstrations in words (nothing where
    `train` is None or too small). Raises InputError for a missing picture and a train part with too few others.
    """
    if shots < 0:
        raise InputError(f"{shots} demonstrations cannot be shown; --shots is 0 or more")
    pool = Pool(train or (), seed)
    pictures: dict[str, Image] = {}

    def picture(item: Item) -> Image:
        """One `Image` a picture, which is then hashed once."""
        if item.picture not in pictures:
            pictures[item.picture] = _picture(folder, item)
        return pictures[item.picture]

    for query in queries:
        drawn = pool.draw(query, shots or (SPOKEN if pool.others(query) >= SPOKEN else 0))
        spoken = "".join(f"{ask(item.asked)} {item.answers[0]}\n" for item in drawn)
        yield Sample(
            id=query.id,
            prompt=(*([spoken] if spoken and not shots else []), picture(query), query.asked),
            targets=query.answers,
            shots=tuple(Shot((picture(item), ask(item.asked)), item.answers[0]) for item in drawn if shots),
            groups={"image": query.picture},
            category=query.category,
            tags={
                **query.tags,
                "shots": str(shots),
                "seed": str(seed),
                "demonstrations": " ".join(item.id for item in drawn),
            },
        )


def find(folder: Path, name: str, places: Iterable[str]) -> Path | None:
    """A set's file in the folder or in one of those places inside it. Raises InputError for a link out of it."""
    paths = (lines.inside(folder, f"{place}/{name}" if place else name, str(folder)) for place in ("", *places))
    return next((path for path in paths if path.is_file()), None)


def _picture(folder: Path, item: Item) -> Image:
    there = [name for name in item.files if lines.inside(folder, name, item.where).is_file()]
    return lines.file(folder, (there or item.files)[0], item.where)
