"""The loss of training is that of transformers."""

from __future__ import annotations

import pytest
import torch

from mmeval.mmicl.training.loss import summed_loss
from tests.mmicl import mmicl_small as small


@pytest.mark.parametrize("pad", [0, 3])
def test_a_t5_sees_every_token_before_the_learned_one(pad: int) -> None:
    """Ids below the padding's are words like others."""
    model = small.model("t5")
    model.config.text_config.pad_token_id = model.language_model.config.pad_token_id = pad
    ids, labels = torch.tensor([[4, 5, 6], [6, 5, 4]]), torch.tensor([[2, 4, 1], [5, 1, -100]])
    nothing = torch.zeros(0, dtype=torch.long)
    places = {"shown": nothing, "places": nothing, "learned": (labels != -100).flatten().nonzero().squeeze(1)}
    with torch.no_grad():
        total, count = summed_loss(model, model.config, {"input_ids": ids, "labels": labels, **places})
        assert float(total / count) == pytest.approx(float(model(ids, labels=labels).loss), abs=1e-5)
