"""A Q-Former that reads the question in training reads it in evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as PILImage

from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.run import train
from mmeval.models import ModelOptions, find_model, identity_facts, load_model
from mmeval.types import Image, Request
from tests.training.conftest import config_values


def _likelihoods(model: str) -> tuple[float, ...]:
    loaded = load_model(find_model(model), ModelOptions("plain"))
    picture = Image(PILImage.new("RGB", (20, 20), (200, 60, 30)), "picture")
    (response,) = loaded.loglikelihood([Request("q", (picture, "is there ?"), candidates=("yes", "no"))])
    assert response.loglikelihoods is not None
    return response.loglikelihoods


@pytest.mark.slow
@pytest.mark.parametrize("instruction", [True, False])
def test_what_read_the_question_in_training_reads_it_in_evaluation(data: Path, instruction: bool) -> None:
    changes = {"trainable": "qformer", "steps": 1, "evaluate_every": 1, "instruction": instruction, "save_full": True}
    final = train(Config(**config_values(data, **changes)))
    with_question, without_question = _likelihoods(f"instructblip:{final}"), _likelihoods(f"blip2:{final}")
    assert with_question != pytest.approx(without_question, abs=1e-3)
    for folder in (final, final.with_name("full")):
        assert identity_facts(find_model(str(folder))) == ({"reads_questions": True} if instruction else {})
        assert _likelihoods(str(folder)) == pytest.approx(with_question if instruction else without_question, abs=1e-5)
