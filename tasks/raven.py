"""Raven's matrices: which picture comes next? The candidate with the largest P(Yes) for "Is it correct?" is chosen.

Rule and prompt are from Kosmos-1 (Huang et al. 2023, arXiv 2302.14045), which used the 50 items of IQ50 with six
candidates each. RAVEN (Zhang et al. 2019, arXiv 1903.02741) has eight candidates and seven configurations.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from mmeval import regular
from mmeval.data import files, tables
from mmeval.scoring.metrics.groups import macro, percent
from mmeval.scoring.readings.likelihood import YES_NO, likelier, likeliest, yes_likelihood
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Task
from mmeval.types import Image, InputError, Parts, Record, Sample, Score, one_of, part_of, plural, whole_number

CONFIGURATIONS = {
    "center_single": "Center", "distribute_four": "2x2 Grid", "distribute_nine": "3x3 Grid",
    "left_center_single_right_center_single": "Left-Right", "up_center_single_down_center_single": "Up-Down",
    "in_center_single_out_center_single": "Out-InCenter", "in_distribute_four_out_center_single": "Out-InGrid",
}  # fmt: skip
"""The folders of RAVEN-10000 -> the paper's names."""

NUMBERS = {3: "three", 4: "four", 8: "eight"}


def iq50(data: str) -> Iterator[Sample]:
    """Yield the items of `iq50.jsonl`: id, images (3, 4 or 8 names), options (6 names), answer (an index from 0).

    The 50 items were published as pictures on web pages, without a list. Users write this file themselves.
    """
    for line in tables.read(data, ("iq50.jsonl",), None, "iq50"):
        pictures, options, right = line.images("images"), line.images("options"), line.value("answer")
        if len(pictures) not in NUMBERS or len(options) != 6 or right not in range(6):
            problem = f"{plural(len(pictures), 'picture')}, {plural(len(options), 'option')}, answer {right!r:.20}"
            raise InputError(
                f"{line.where}: {problem}; an item has 3, 4 or 8 pictures, 6 options, an answer from 0 to 5"
            )
        yield from item(line.text("id"), pictures, options, right, "")


def raven(data: str) -> Iterator[Sample]:
    """Yield the questions of the release's `CONFIGURATION/RAVEN_NUMBER_test.npz`, one configuration at a time."""
    folder = Path(data)
    tests = {name: sorted((folder / name).glob("RAVEN_*_test.npz"), key=_number) for name in CONFIGURATIONS}
    if not any(tests.values()):
        raise InputError(
            f"no data at '{folder}': give the folder that holds {', '.join(CONFIGURATIONS)}, with RAVEN_*_test.npz"
        )
    for name, paths in tests.items():
        for path in paths:
            files.inside(folder, f"{name}/{path.name}", str(folder))
            panels, target = _panels(path)
            yield from item(f"{name}/{path.stem}", panels[:8], panels[8:], target, name)


def item(name: str, pictures: Sequence[Image], options: Sequence[Image], right: int, category: str) -> Iterator[Sample]:
    """Yield one question per candidate of an item."""
    for index, option in enumerate(options):
        targets, tags = ("yes" if index == right else "no",), {"candidate": str(index)}
        groups = {"item": name}
        yield Sample(f"{name}/{index}", (*pictures, option), targets, groups=groups, category=category, tags=tags)


def kosmos(sample: Sample) -> Parts:
    """Ask as Kosmos-1 was asked."""
    *pictures, candidate = sample.prompt
    introduction = f"Here are {NUMBERS[len(pictures)]} images:"
    return (introduction, *pictures, "The following image is:", candidate, "Is it correct?")


def ranked(records: Sequence[Record]) -> dict[str, tuple[str, int | None, int]]:
    """Map each item with an answer for every candidate to its configuration, likeliest and right candidate."""
    items: dict[str, list[Record]] = {}
    for record in records:
        items.setdefault(record.groups["item"], []).append(record)
    result = {}
    for name, candidates in items.items():
        candidates.sort(key=lambda record: whole_number(record.tags, "candidate"))
        values = [yes_likelihood(record.loglikelihoods) for record in candidates if record.loglikelihoods is not None]
        right = [index for index, record in enumerate(candidates) if record.targets == ("yes",)]
        if len(values) == len(candidates) and len(right) == 1:
            result[name] = candidates[0].category, likeliest(values), right[0]
    return result


def numbers(
    chance: float, names: Mapping[str, str], records: Sequence[Record], scores: Sequence[Score]
) -> dict[str, Statistic]:
    """Return the share of items whose right candidate alone ranks first; for RAVEN, by configuration with the mean."""
    marks: dict[str, list[tuple[float, str]]] = {name: [] for name in names or ("",)}
    for item, (category, best, right) in ranked(records).items():
        marks[one_of(category, marks, f"the category of item {item}")].append((float(best == right), item))
    by_configuration = {}
    for name, item_marks in marks.items():
        mean = Mean([mark for mark, _ in item_marks], [item for _, item in item_marks])
        by_configuration[name] = percent(mean, chance, f"no item of {name or 'the data'} is whole")
    return {"overall": macro(by_configuration), **by_configuration} if names else {"overall": by_configuration[""]}


def ties(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Report how many items have several candidates in first place."""
    items = ranked(records)
    tied = sum(best is None for _, best, _ in items.values())
    remark = f"{part_of(tied, len(items), 'item', 'has', 'have')} a tie for first place, which counts as wrong."
    return [remark] if tied else []


def _number(path: Path) -> int:
    digits = path.stem.split("_")[1]
    return int(digits) if digits.isdecimal() else 0


MAX_BYTES = 1 << 24
"""Maximum bytes of the arrays of a file, once they are decompressed; RAVEN's have half a megabyte."""
_BROKEN = (
    OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What zipfile and numpy raise for a damaged archive of arrays."""


def _panels(path: Path) -> tuple[list[Image], int]:
    """Return a file's pictures and the index of the right candidate. Raises InputError; nothing is unpickled."""
    import numpy as np
    from PIL import Image as PILImage

    try:
        with regular.opened(path) as file, np.load(file, allow_pickle=False) as arrays:
            size = sum(member.file_size for member in arrays.zip.infolist())
            if size > MAX_BYTES:
                raise ValueError(f"its arrays have {size:,} bytes, more than {MAX_BYTES:,}")
            pixels, target = np.asarray(arrays["image"]), int(arrays["target"])
    except _BROKEN as error:
        # only the first sentence: numpy's second one explains how to unpickle untrusted data
        reason = str(error).partition(". ")[0]
        raise InputError(f"{path}: not a RAVEN file ({reason}); download the file again") from error
    if pixels.ndim != 3 or len(pixels) != 16 or pixels.dtype != np.uint8 or target not in range(8):
        problem = f"pictures {pixels.shape} of {pixels.dtype}, target {target}"
        raise InputError(f"{path}: {problem}; it must have 16 pictures of uint8 and a target from 0 to 7")
    return [Image(PILImage.fromarray(panel), f"{path.name}, {index}") for index, panel in enumerate(pixels)], target


def _task(
    name: str, samples: Callable[[str], Iterator[Sample]], candidates: int, configurations: Mapping[str, str]
) -> Task:
    return Task(
        name=name,
        samples=samples,
        prompts={"kosmos": kosmos},
        scorers={"official": likelier},
        metric=partial(numbers, 100.0 / candidates, configurations),
        axes=configurations or {"overall": "Accuracy"},
        totals={"overall": "Mean"} if configurations else {},
        candidates=lambda sample: YES_NO,
        remarks=ties,
    )


IQ50 = _task("iq50", iq50, 6, {})
RAVEN = _task("raven", raven, 8, CONFIGURATIONS)
