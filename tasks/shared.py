"""What several benchmarks share: text around a question, cells of a row, official files, and few-shot prompts.

The few-shot protocol is open_flamingo's (mlfoundations/open_flamingo, `open_flamingo/eval`, after Alayrac et al. 2022,
arXiv 2204.14198). `--shots` demonstrations are drawn at random (seed: `--seed`) from 2,048 train items. "Zero-shot"
shows two of them without their pictures. open_flamingo decodes with three beams, five tokens for an answer and twenty
for a caption.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from mmeval.data import tables
from mmeval.data.demonstrations import find
from mmeval.data.tables import TableRow
from mmeval.scoring.readings.boxes import Box, Size
from mmeval.scoring.readings.choices import LETTERS
from mmeval.task import Prompt, Task
from mmeval.types import Image, InputError, Parts, Sample

SELECT = "Please select the correct answer from the options above. \n"
"""VLMEvalKit's words after the options."""
WORD = "\nAnswer the question using a single word or phrase."
YES_OR_NO = " Please answer yes or no."


def ending(suffix: str, before: Callable[[Sample], str] = lambda sample: "") -> Prompt:
    """Return a prompt: the pictures, the text of `before`, the question, the suffix."""

    def words(sample: Sample) -> Parts:
        *pictures, question = sample.prompt
        return (*pictures, f"{before(sample)}{question}{suffix}")

    return words


def around(before: str, after: str = "") -> Prompt:
    """Return a prompt: the pictures, the question between two texts. The first one may have `{tag}` in it."""

    def words(sample: Sample) -> Parts:
        *pictures, question = sample.prompt
        return (*pictures, f"{before.format(**sample.tags)}{question}{after}")

    return words


def known(line: TableRow, name: str, value: str, values: Collection[str]) -> str:
    """Return a value of the row. Raises InputError if it is not one of `values`."""
    return tables.known(line.where, name, value, values)


def right_letter(line: TableRow, answer: str, options: Sequence[str]) -> str:
    """Return the row's answer. Raises InputError if it is not the letter of one of the options."""
    if answer not in [*LETTERS[: len(options)]]:
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not one of its options; fix it")
    return answer


def image_list(line: TableRow, column: str) -> list[Image]:
    """Return the column's pictures. Raises InputError if there is none."""
    if not (pictures := line.images(column)):
        raise InputError(f"{line.where}: no picture in the column {column}; download the file again")
    return pictures


def image(line: TableRow, column: str, under: Sequence[str] = ("",)) -> Image:
    """Return the column's picture. Raises InputError if there is none, or if there are several."""
    pictures = line.images(column, under)
    if len(pictures) != 1:
        raise InputError(
            f"{line.where}: {len(pictures)} pictures in the column {column}, not 1; download the file again"
        )
    return pictures[0]


def box(line: TableRow, name: str, sides: bool = False) -> Box:
    """Return the column's box: left, top, right and bottom, or with `sides` left, top, width and height.

    Raises InputError for anything else than four numbers, and for a box without area.
    """
    try:
        left, top, right, bottom = map(float, line.texts(name))
    except ValueError:
        left = top = right = bottom = 0.0
    if sides:
        right, bottom = left + right, top + bottom
    if not (left < right < math.inf and top < bottom < math.inf):
        edges = "left, top, width and height" if sides else "left, top, right and bottom"
        raise InputError(f"{line.where}: the {name} is {line.value(name)!r:.60}; it must be {edges} of a box")
    return left, top, right, bottom


def sized(size: Size) -> Mapping[str, str]:
    """Return the tags with a picture's width and height, in which coordinates are read."""
    return {"width": str(size[0]), "height": str(size[1])}


def folder(task: Task, data: str, holds: str) -> Path:
    """Return the folder of a set's own files. The InputError for anything else says where to get them."""
    source = task.card["source"]
    if data == "hub":
        raise InputError(f"{task.name} is read from its own files, not from a hub; get them from {source}")
    if not Path(data).is_dir():
        raise InputError(f"no folder '{data}'; give the one that holds {holds}, from {source}")
    return Path(data)


def file(task: Task, data: str, names: Sequence[str], places: Iterable[str], beside: str) -> Path:
    """Return the first of those files in the folder or its `places`. Raises InputError if there is none."""
    root = folder(task, data, f"{names[0]} and {beside}")
    paths = (find(root, name, places) for name in names)
    path = next((path for path in paths if path is not None), None)
    if path is None:
        raise InputError(f"{root}: no {names[0]} in it; get it from {task.card['source']}")
    return path


def few_shot_prompts(ask: Callable[[str], str]) -> Mapping[str, Prompt]:
    """Return the prompts `open-flamingo` and `bare`, which leaves out demonstrations without pictures.

    `ask` words the question about a picture; the answer follows.
    """

    def open_flamingo(sample: Sample) -> Parts:
        if not sample.tags["demonstrations"]:
            raise InputError(
                "the prompt open-flamingo puts two train questions, without pictures, before a question without "
                "demonstrations, and the data lacks them; add the train part, or choose --prompt bare"
            )
        *pictures, question = sample.prompt
        return (*pictures, ask(str(question)))

    def bare(sample: Sample) -> Parts:
        *pictures, question = sample.prompt
        return (*pictures, ask(str(question))) if pictures else ()

    return {"open-flamingo": open_flamingo, "bare": bare}
