"""Place pictures where a text has marks for them, such as `<image>`."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from mmeval.types import Image, InputError, Parts, plural

P = TypeVar("P")


def placed(texts: Sequence[str], images: Sequence[Image], mark: str, where: str, spare: bool = False) -> list[Parts]:
    """Replace the marks in the texts by pictures, in order across the texts.

    A mark with a number, such as `<image 1>` or `<image {}>`, names its picture: `<image 2>` is the second. Raises
    InputError if a named picture does not exist, or, unless `spare`, if a picture has no mark.
    """
    pattern = re.compile(numbered(mark))
    marks = [match for text in texts for match in pattern.finditer(text)]
    numbers = [_number(match[1]) if pattern.groups else position for position, match in enumerate(marks, 1)]
    if not all(0 < number <= len(images) for number in numbers) or not (
        spare or {*numbers} >= {*range(1, len(images) + 1)}
    ):
        last = f"up to {max(numbers)} " if pattern.groups and numbers else ""
        raise InputError(
            f"{where}: {plural(len(numbers), 'place')} for pictures {last}({mark}) but "
            f"{plural(len(images), 'picture')}; fix the line"
        )
    remaining = iter(numbers)
    prompts: list[Parts] = []
    for text in texts:
        parts: list[str | Image] = []
        end = 0
        for match in pattern.finditer(text):
            parts += [text[end : match.start()], images[next(remaining) - 1]]
            end = match.end()
        prompts.append(tuple(part for part in (*parts, text[end:]) if part != ""))
    return prompts


def _number(digits: str) -> int:
    """Return the number of a mark. Python parses no number of thousands of digits; no picture has one of ten."""
    return int(digits) if len(digits) < 10 else 10**9


def numbered(mark: str) -> str:
    """Return a mark's pattern; a number in the mark matches any number and becomes the pattern's group."""
    return re.sub(r"\\\{\\\}|[0-9]+", lambda _: "([0-9]+)", re.escape(mark), count=1)


def joined(parts: Iterable[str | P]) -> list[str | P]:
    """Join adjacent texts among the parts of a prompt, and drop empty ones."""
    result: list[str | P] = []
    for part in parts:
        last = result[-1] if result else None
        if isinstance(part, str) and isinstance(last, str):
            result[-1] = last + part
        elif part != "":
            result.append(part)
    return result
