"""A first pass over the data: its digests, its number of questions, and the questions that a run asks."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmeval.pictures import TRAITS
from mmeval.scoring.metrics.groups import named
from mmeval.types import SPARE, SURROGATE, Image, InputError, Model, Parts, Sample, Unsupported, images, plural

TRAIT_WORDINGS = {**TRAITS, "spare": "left out for lack of a mark in the question"}
"""A counted trait of pictures -> its wording."""
SURROGATES = "texts with a lone surrogate"
WITHOUT = "questions without a picture"


@dataclass(frozen=True)
class Survey:
    """The result of a first pass over the data."""

    questions: str
    """SHA-256 over all questions and answers: ids, texts, options, targets, groups. Independent of the limit."""
    digest: str
    """SHA-256 over the samples to ask, including demonstrations and the contents of pictures."""
    ids: tuple[str, ...]
    """The samples to ask, in the data's order."""
    samples: Mapping[str, str]
    """Each of these -> the first 16 digits of the SHA-256 over all of it."""
    available: int
    """The number of samples in the data, independent of the limit."""
    picture_counts: Mapping[str, int]
    """Each sample to ask -> the number of pictures in its prompt."""
    categories: tuple[str, ...]
    """The categories of all samples, in the data's order."""
    pictures: Mapping[str, int]
    """The number of distinct pictures (`all`), and of those with each trait that decoding changes or drops."""
    groups: Mapping[str, int] = field(default_factory=dict)
    """Each sample to ask -> the number of its group, in the data's order. Several processes never split a group."""

    @property
    def widest(self) -> tuple[int, str]:
        """The largest number of pictures in a prompt to ask, and the id of the first sample that has them."""
        return max(((self.picture_counts[id], id) for id in self.ids), key=lambda pair: pair[0], default=(0, ""))

    def of(self, ids: Collection[str], path: str) -> "Survey":
        """Return the survey of these questions only. Raises InputError for an id that is not in the data."""
        if unknown := [id for id in ids if id not in self.samples]:
            raise InputError(f"{path}: no question '{unknown[0][:60]}' is asked; write ids of the data, one per line")
        return self.without(self.samples.keys() - set(ids))

    def without(self, ids: Collection[str]) -> "Survey":
        """Return the survey without these questions."""
        remaining = tuple(id for id in self.ids if id not in ids)
        groups = {id: self.groups[id] for id in remaining}
        return replace(self, ids=remaining, samples={id: self.samples[id] for id in remaining}, groups=groups)


def survey(read: Callable[[], Iterable[Sample]], limit: int | None = None, source: str = "the data") -> Survey:
    """Read the data once. A limit takes whole groups, evenly from all categories, and reads those samples again.

    Groups that share a question count as one: with half of a group, a score of whole groups would be too high.
    `source` names the data in messages. Pictures of samples that are not asked are not read. Raises InputError for a
    repeated id and for no samples.
    """
    questions, contents = hashlib.sha256(), _Contents()
    sample_groups = _Groups()
    for sample in read():
        if sample.id in sample_groups.numbers:
            raise InputError(f"two samples have the id '{sample.id}'; make the ids differ")
        sample_groups.add(sample)
        questions.update(_question(sample))
        if limit is None:
            contents.add(sample)
    if not sample_groups.numbers:
        raise InputError(f"{source}: has no questions; check that it is the right file or folder")
    groups = sample_groups.by_category()
    if limit is not None:
        chosen = _evenly(groups, limit)
        for sample in read():
            if sample.id in chosen:
                contents.add(sample)
            if len(contents.digests) == len(chosen):
                break
    digests = contents.digests
    asked_groups = ([id for id in group if id in digests] for group in itertools.chain(*groups.values()))
    numbers = {id: number for number, ids in enumerate(filter(None, asked_groups)) for id in ids}
    return Survey(
        questions.hexdigest(),
        contents.total.hexdigest(),
        tuple(digests),
        digests,
        len(sample_groups.numbers),
        contents.picture_counts,
        tuple(groups),
        contents.counts(),
        numbers,
    )


class _Groups:
    """The data's samples in groups: samples that share a name, directly or through other samples, are together."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        """Sample -> its number, from 0, in the data's order."""
        self._categories: list[str] = []
        self._first: dict[tuple[str, str], int] = {}
        """Name of a group -> the number of its first sample."""
        self._earlier: list[int] = []
        """By number, an earlier sample of the same group; the first sample's is its own."""

    def add(self, sample: Sample) -> None:
        """Add a sample."""
        number = self.numbers[sample.id] = len(self._earlier)
        self._categories.append(sample.category)
        self._earlier.append(number)
        for name in named(sample):
            first, second = self._first_sample(self._first.setdefault(name, number)), self._first_sample(number)
            self._earlier[max(first, second)] = min(first, second)

    def by_category(self) -> dict[str, list[list[str]]]:
        """Return the ids of each group, by the category of its first sample."""
        categories: dict[str, list[list[str]]] = {category: [] for category in self._categories}
        groups: dict[int, list[str]] = {}
        for id, number in self.numbers.items():
            if (first := self._first_sample(number)) == number:
                groups[first] = []
                categories[self._categories[first]].append(groups[first])
            groups[first].append(id)
        return categories

    def _first_sample(self, number: int) -> int:
        while (earlier := self._earlier[number]) != number:
            self._earlier[number] = number = self._earlier[earlier]
        return number


@dataclass
class _Contents:
    """Running totals over the samples to ask."""

    total: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    digests: dict[str, str] = field(default_factory=dict)
    """Sample -> the first 16 digits of its own digest."""
    traits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Digest of a picture -> its traits."""
    picture_counts: dict[str, int] = field(default_factory=dict)
    """Sample -> the number of its pictures."""
    spare: int = 0
    surrogates: int = 0

    def add(self, sample: Sample) -> None:
        """Add a sample."""
        fingerprint = _fingerprint(sample)
        self.digests[sample.id] = fingerprint.hex()[:16]
        self.total.update(fingerprint)
        pictures = _pictures(sample)
        self.traits |= {image.digest: image.traits for image in pictures if image.digest not in self.traits}
        self.spare += int(sample.tags.get(SPARE, 0))
        self.surrogates += SURROGATE.search("".join(_texts(sample))) is not None
        self.picture_counts[sample.id] = len(pictures)

    def counts(self) -> Mapping[str, int]:
        """Return the number of pictures, and the nonzero counts of traits, lone surrogates, and rows without one."""
        without = sum(not count for count in self.picture_counts.values())
        totals = Counter({"all": len(self.traits), "spare": self.spare, SURROGATES: self.surrogates, WITHOUT: without})
        return totals + Counter(trait for traits in self.traits.values() for trait in traits)


def check_pictures(model: Model, surveyed: Survey) -> None:
    """Raise Unsupported if a prompt has more pictures than the model supports."""
    most, sample = surveyed.widest
    if model.max_images is not None and most > model.max_images:
        raise Unsupported(
            f"{model.name} takes {plural(model.max_images, 'picture')} and sample '{sample}' has {most}; "
            "show fewer (--frames, --shots), choose another model, or paste them into one with --context side-by-side"
        )


def data_remarks(counts: Mapping[str, int]) -> list[str]:
    """Return remarks on pictures and texts that are changed for the model, or missing, one sentence each."""
    phrases = [f"{counts[trait]:,} {wording}" for trait, wording in TRAIT_WORDINGS.items() if counts.get(trait)]
    remarks = [f"Pictures: {'; '.join(phrases)}; {plural(counts['all'], 'is', 'are')} shown."] if phrases else []
    if counts.get("all") and (without := counts.get(WITHOUT)):
        remarks.append(f"{plural(without, 'question has', 'questions have')} no picture.")
    if surrogates := counts.get(SURROGATES):
        remarks.append(
            f"{plural(surrogates, 'question has', 'questions have')} a lone surrogate (half an emoji), shown as \ufffd."
        )
    return remarks


def _pictures(sample: Sample) -> list[Image]:
    prompts = (sample.prompt, *sample.choices, *(shot.prompt for shot in sample.shots))
    return [image for parts in prompts for image in images(parts)]


def _texts(sample: Sample) -> Iterator[str]:
    prompts = (sample.prompt, *sample.choices, *(shot.prompt for shot in sample.shots))
    yield from (part for parts in prompts for part in parts if isinstance(part, str))
    yield from (*sample.targets, *sample.tags.values(), *(shot.answer for shot in sample.shots))


def _evenly(groups: Mapping[str, Sequence[Sequence[str]]], limit: int) -> set[str]:
    chosen: set[str] = set()
    for row in itertools.zip_longest(*groups.values()):
        for group in row:
            if group is not None and len(chosen) < limit:
                chosen.update(group)
    return chosen


def _fingerprint(sample: Sample) -> bytes:
    """Return the SHA-256 over a whole sample."""
    shots = [(_content(shot.prompt), shot.answer) for shot in sample.shots]
    return _hash(_content(sample.prompt), [_content(choice) for choice in sample.choices], shots, _facts(sample))


def _question(sample: Sample) -> bytes:
    """Return the SHA-256 over a sample without its demonstrations, tags and the contents of its pictures."""
    return _hash(*([_name(part) for part in parts] for parts in (sample.prompt, *sample.choices)), _facts(sample)[:-1])


def _facts(sample: Sample) -> tuple[object, ...]:
    groups, tags = sorted(sample.groups.items()), sorted(sample.tags.items())
    return (sample.id, sample.targets, sample.category, groups, tags)


def _content(parts: Parts) -> list[str]:
    return [part.digest if isinstance(part, Image) else repr(part) for part in parts]


def _name(part: object) -> str:
    return "image" if isinstance(part, Image) else repr(part)


def _hash(*values: object) -> bytes:
    return hashlib.sha256(repr(values).encode("utf-8", "backslashreplace")).digest()
