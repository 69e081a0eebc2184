"""A streamed answer equals the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.engine.windows import scheduled
from mmeval.models import load_model
from mmeval.types import Generation, Image, Request, StreamingModel

ASKED = Request("1", (Image(PILImage.new("RGB", (96, 96), "red")), "What does the image show?"))


@pytest.mark.slow
@pytest.mark.parametrize("beams", [1, 2])
def test_the_pieces_are_the_answer(beams: int) -> None:
    model = load_model("mmicl-tiny")
    assert isinstance(model, StreamingModel)
    generation = Generation(12, beams)
    pieces: list[str] = []
    response = model.stream(ASKED, generation, pieces.append)
    assert response.text and "".join(pieces) == response.text
    assert response.text == next(iter(model.generate([ASKED], generation))).text
    if beams == 1 and response.output_tokens > 2:
        assert len(pieces) > 2  # as they were written


def test_windows_of_uneven_batches_answer_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model("text-tiny")
    monkeypatch.setattr(model, "_window", 6)
    monkeypatch.setattr(model, "_batch_tokens", 1)  # a batch for each prompt
    long = Request("long", ("word " * 4000,))  # an error: five batches in a window of six
    requests = [long, *(Request(str(n), ("What?",)) for n in range(20))]
    responses = {response.id: response for response in model.generate(requests, Generation(1))}
    assert responses.keys() == {request.id for request in requests}
    assert [name for name, response in responses.items() if response.error] == ["long"]


def test_windows_grow_and_the_first_is_answered_before_the_others_are_read() -> None:
    read: list[int] = []

    def requests() -> Iterator[Request]:
        for number in range(4000):
            read.append(number)
            yield Request(str(number), ("What?",))

    sizes: list[int] = []

    def plan(window: Iterable[Any]) -> tuple[list[Any], list[Any]]:
        rows = list(window)
        sizes.append(len(rows))
        return [], [rows[start : start + 100] for start in range(0, len(rows), 100)]

    batches = scheduled(requests(), 1024, plan)  # type: ignore[arg-type]
    next(batches)
    assert len(read) < 600
    rest = list(batches)
    assert sizes == [256, 512, 1024, 1024, 1024, 160, 0]
    assert len(rest) == 2 + 6 + 11 * 3 + 2
    assert read == list(range(4000))
