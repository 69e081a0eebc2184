"""Chat models of newer families: four in which something differs; all with `make families`.

Those that need torchvision are left out where it is not installed.
"""

from __future__ import annotations

import os
from importlib import util
from pathlib import Path

import pytest

from mmeval.models.chat.vision import FAMILIES
from tests.models.chat_zoo import save_family
from tests.models.newer_zoo import NEWER
from tests.models.test_chat import ESSENTIAL, keeps_the_contract, opened
from tests.models.test_chat_pictures import sharing_changes_nothing
from tests.models.torchvision_zoo import TORCHVISION

DIFFERENT = {
    "exaone4_5": "plain positions in a model class with room for others",
    "hunyuan_vl": "positions of four axes",
    "cosmos3_edge": "a processor that leaves out what the model needs",
    "janus": "a generate() of its own",
}
ALL = {**NEWER, **(TORCHVISION if util.find_spec("torchvision") else {})}
TESTED = sorted(ALL if os.environ.get("MMEVAL_FAMILIES") else DIFFERENT)
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:__array__ implementation")]


@pytest.mark.parametrize("family", TESTED)
def test_a_newer_family_keeps_the_contract(family: str, tmp_path: Path) -> None:
    folder = save_family(ALL[family], tmp_path)
    model = opened(folder)
    keeps_the_contract(model, ESSENTIAL)
    if model.vision.shares:
        sharing_changes_nothing(folder, (56, 56))  # Pixtral's code fails on a picture of one token
    assert model.vision.shares == (model.model.config.model_type in FAMILIES)
