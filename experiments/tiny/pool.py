"""The pictures that the family learns from, and what they show; `drawing` draws them.

Lessons are generated during training, and look up their pictures here by what they show, or by subtask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mmeval.embedded import world
from mmeval.embedded.world.clips import Clip, clip, times
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import CELLS, COLORS, KINDS, SHAPES, Kind, Thing, caption, laid_out
from mmeval.embedded.world.view import Split

FRAMES = 5
"""Frames of a clip, evenly spaced."""
TEST_SEED = 10_000_000
"""First seed of the pictures that test the stages; the embedded suites' seeds are below a thousand."""

Things = tuple[Thing, ...]
Job = tuple[str, Things] | tuple[str, int] | tuple[Clip, int]


@dataclass(frozen=True)
class Amounts:
    """How many pictures of each sort."""

    items: int = 4500
    """For each of MME's subtasks."""
    singles: int = 20
    """For each thing at each place."""
    pairs: int = 14
    """For each pair of things."""
    rows: int = 10
    """For each number of equal things."""
    counted: int = 12000
    """With zero to two things of a shape, and perhaps another thing."""
    clips: int = 5000

    def times(self, share: float) -> Amounts:
        """Scale the amounts, with a minimum of one of each."""
        return Amounts(**{name: max(1, round(share * value)) for name, value in vars(self).items()})


@dataclass
class Item:
    """A picture of one of MME's subtasks, and the questions about it."""

    picture: int
    subtask: str
    yesno: tuple[tuple[str, bool], ...]
    """The first two are MME's own."""
    probes: tuple[tuple[str, str], ...]


@dataclass
class Shown:
    """What a picture shows, in words; `plain` leaves out what can be worked out."""

    caption: str
    plain: str = ""
    things: Things = ()


@dataclass
class Pool:
    """Pictures of one split by what they show; a picture is its row in the file."""

    split: Split
    shown: list[Shown] = field(default_factory=list)
    singles: dict[Kind, list[int]] = field(default_factory=dict)
    pairs: dict[tuple[Kind, Kind], list[int]] = field(default_factory=dict)
    """By the left thing and the right one."""
    together: dict[frozenset[Kind], list[int]] = field(default_factory=dict)
    rows: dict[tuple[Kind, int], list[int]] = field(default_factory=dict)
    counted: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    crowded: list[int] = field(default_factory=list)
    """Pictures of two or more things."""
    items: dict[str, list[Item]] = field(default_factory=dict)
    clips: list[tuple[Clip, int]] = field(default_factory=list)
    """A clip and its first frame; the other frames follow it."""
    still: list[tuple[Clip, int]] = field(default_factory=list)
    """The same for clips in which things happen at any time, or never."""

    def texts(self) -> Iterator[str]:
        """Yield the captions, questions and answers from which the vocabulary is made."""
        yield from {shown.caption for shown in self.shown}
        for items in self.items.values():
            for item in items:
                yield from (text for text, _ in item.yesno)
                for question, answer in item.probes:
                    yield from (question, answer)


def plan(split: Split, amounts: Amounts) -> tuple[Pool, list[Job]]:
    """Plan the pictures of a split: an index of the rows they will have, and a job for each row."""
    pool = Pool(split)
    jobs: list[Job] = []
    rng = Rng(f"pool {split}")
    start = TEST_SEED if split == "test" else 0

    def scene(things: Sequence[Thing]) -> int:
        jobs.append((f"pool/{split}/{len(jobs)}", tuple(things)))
        pool.shown.append(Shown(caption(things), caption(things), tuple(things)))
        if len(things) > 1:
            pool.crowded.append(len(jobs) - 1)
        return len(jobs) - 1

    for kind in KINDS:
        candidates = [Thing(kind, cell) for cell in CELLS]
        candidates = [thing for thing in candidates if thing.held_out == (split == "test")]
        if candidates:
            pool.singles[kind] = [scene([thing]) for thing in candidates for _ in range(amounts.singles)]
        for number in range(2, 6):
            pool.rows[kind, number] = [scene(laid_out(rng, [kind] * number, split)) for _ in range(amounts.rows)]
    for index, kind in enumerate(KINDS):
        for other_kind in KINDS[:index]:
            for number in range(max(2, amounts.pairs)):
                wanted = (kind, other_kind) if number % 2 else (other_kind, kind)
                for _ in range(60):
                    things = laid_out(rng, rng.swapped(*wanted), split)
                    left, right = sorted(things, key=lambda thing: (thing.column, thing.kind != wanted[0]))
                    if left.column < right.column and left.kind == wanted[0]:
                        break
                row = scene(things)
                pool.together.setdefault(frozenset((kind, other_kind)), []).append(row)
                if things[0].column != things[1].column:
                    first, second = sorted(things, key=lambda thing: thing.column)
                    pool.pairs.setdefault((first.kind, second.kind), []).append(row)
    for index in range(max(36, amounts.counted)):
        shape, number = SHAPES[index % 6], index // 6 % 3
        kinds = [Kind(rng.pick(list(COLORS)), shape) for _ in range(number)]
        if not kinds or not rng.coin():
            kinds.append(Kind(rng.pick(list(COLORS)), rng.other(SHAPES, shape)))
        pool.counted.setdefault((shape, number), []).append(scene(laid_out(rng, rng.shuffled(kinds), split)))
    for seed in range(start, start + amounts.clips):
        for whole, clips in ((True, pool.clips), (False, pool.still)):
            drawn = clip(2 * seed + whole, "train", whole=whole)
            clips.append((drawn, len(jobs)))
            jobs += [(drawn, frame) for frame in range(FRAMES)]
            pool.shown += [Shown(drawn.caption(time), drawn.caption(time)) for time in times(FRAMES)]
    for subtask in world.SUBTASKS:
        for seed in range(start, start + amounts.items):
            jobs.append((subtask, seed))
            pool.shown.append(Shown(""))
    return pool, jobs
