"""An answer that is shown while it is written is the answer."""

from __future__ import annotations

import pytest
from PIL import Image as PILImage

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
