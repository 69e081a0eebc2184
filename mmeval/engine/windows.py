"""A stream in windows: the prompts of each are sorted into batches, and the next is read between the batches."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from mmeval.engine.prompts import PreparedRequest
from mmeval.types import Response

FIRST = 256
"""Requests in a stream's first window, so that a GPU starts early; each later window is twice as large."""
Rows = list[PreparedRequest]
Prepared = PreparedRequest | Response
"""A prompt, or the error if there is none."""


def scheduled(
    prepared: Iterator[Prepared], most: int, plan: Callable[[Iterable[Prepared]], tuple[list[Response], list[Rows]]]
) -> Iterator[Response | Rows]:
    """Yield batches of prompts, and errors at once; a window has at most `most` requests.

    `plan` sorts a window's prompts into batches, and returns the errors apart.
    """
    size = min(FIRST, most)
    errors, batches = plan(islice(prepared, size))
    while errors or batches:
        yield from errors
        size = min(2 * size, most)
        share = -(-size // max(1, len(batches)))
        coming: list[Prepared] = []
        for rows in batches[:-1]:
            coming += islice(prepared, min(share, size - len(coming)))
            yield rows
        last, (errors, batches) = batches[-1:], plan(chain(coming, islice(prepared, size - len(coming))))
        yield from last
