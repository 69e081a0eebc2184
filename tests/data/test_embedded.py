"""The picture world as a source: two questions a picture, the one with yes first, the same every time."""

from __future__ import annotations

from itertools import islice

from mmeval.embedded import mme as embedded


def test_pictures_and_questions() -> None:
    first, second = islice(embedded.rows(), 2)
    assert (first.subtask, first.picture, first.answer, second.answer) == ("existence", "0000.png", "Yes", "No")
    assert first.image is second.image
    assert first.image.decode().mode == "RGB"
    again = next(embedded.rows())
    assert (again.question, again.image.digest) == (first.question, first.image.digest)
