"""The answers that a measurement counts: an error is quick, and two errors are not the same answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mmeval.types import Response


def answered(responses: Iterable[Response]) -> Iterator[Response]:
    """Yield the responses. Raises SystemExit at the first error."""
    for response in responses:
        if response.error is not None:
            raise SystemExit(f"{response.id}: no answer but an error ({response.error}); nothing was measured")
        yield response
