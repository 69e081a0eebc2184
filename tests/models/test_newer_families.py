"""Chat models of newer families: some in which something differs; all with `make families`.

Those that need torchvision or timm are left out where it is not installed.
"""

from __future__ import annotations

import json
import os
import shutil
from importlib import util
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmeval.models import ModelOptions, load_model
from mmeval.models.chat.vision import FAMILIES
from mmeval.models.doctor import of_model
from mmeval.types import Generation, Request
from tests.models import chat_zoo as zoo
from tests.models import latest_zoo, ocr_zoo, omni_zoo
from tests.models.newer_zoo import NEWER
from tests.models.test_chat import ESSENTIAL, drawn, keeps_the_contract, opened
from tests.models.test_chat_pictures import sharing_changes_nothing
from tests.models.test_chat_video import videos_are_understood
from tests.models.torchvision_zoo import TORCHVISION
from tests.models.video_zoo import GLM, QWEN

DIFFERENT = {
    "exaone4_5": "plain positions in a model class with room for others",
    "hunyuan_vl": "positions of four axes",
    "cosmos3_edge": "a processor that leaves out what the model needs",
    "janus": "a generate() of its own",
    "granite4_vision": "a model that makes no cache itself",
    "emu3": "an encoder that sees the padding of pictures",
}
NEED_NOTHING = {**NEWER, **latest_zoo.PLAIN, **omni_zoo.PLAIN, **ocr_zoo.PLAIN}
NEED_TORCHVISION = {**TORCHVISION, **latest_zoo.TORCHVISION, **omni_zoo.TORCHVISION, **ocr_zoo.TORCHVISION}
NEED_TIMM = {**latest_zoo.TIMM, **omni_zoo.TIMM}
ALL = dict(NEED_NOTHING)
if util.find_spec("torchvision"):
    ALL |= NEED_TORCHVISION | (NEED_TIMM if util.find_spec("timm") else {})
TESTED = sorted(ALL if os.environ.get("MMEVAL_FAMILIES") else DIFFERENT)
VIDEO = {
    **dict.fromkeys(("qwen3_vl_moe", "qwen3_5_moe", "qwen4_exp", "cosmos3_edge", "cosmos3_omni", "qwen2_5_omni"), QWEN),
    **dict.fromkeys(("exaone4_5", "hyperclovax_vision_v2", "qwen3_omni"), QWEN),
    **dict.fromkeys(("glm4v_moe", "glm46v", "glm5_next", "glm_ocr", "glmga"), GLM),
    **dict.fromkeys(("minicpmv4_6", "minicpmv4_7", "dots3_note"), "<|video_pad|>"),
    **dict.fromkeys(("muse_glimmer", "muse_spark", "gemma4_unified", "molmo2"), "<|video|>"),
    **dict.fromkeys(("video_llava", "perception_lm"), "<video>"),
}
"""A video's placeholder, by family."""
ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:__array_")]  # between transformers and numpy


def test_the_manual_counts_the_families() -> None:
    count = len(zoo.FAMILIES) + len(NEED_NOTHING | NEED_TORCHVISION | NEED_TIMM)
    assert f"These {count} are tested" in (ROOT / "docs" / "adapters.md").read_text()
    assert f"([{count} families" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("family", TESTED)
def test_a_newer_family_keeps_the_contract(family: str, tmp_path: Path) -> None:
    folder = zoo.save_family(ALL[family], tmp_path)
    model = opened(folder)
    keeps_the_contract(model, ESSENTIAL)
    if model.vision.shares:
        sharing_changes_nothing(folder, (56, 56))  # Pixtral's code fails on a picture of one token
    assert model.vision.shares == (model.model.config.model_type in FAMILIES)


@pytest.mark.skipif(not util.find_spec("torchvision"), reason="needs torchvision")
@pytest.mark.parametrize("family", sorted(VIDEO.keys() & TESTED))
def test_a_newer_family_takes_videos(family: str, tmp_path: Path) -> None:
    template = zoo.save_family(ALL[family], tmp_path) / "chat_template.jinja"
    video = "{% elif c['type'] == 'video' %}" + VIDEO[family] + "{% else %}"
    template.write_text(template.read_text().replace("{% else %}", video))
    videos_are_understood(load_model(f"chat:{tmp_path}", ModelOptions("video")))


def test_an_omni_checkpoint_is_opened_without_the_part_that_speaks(tmp_path: Path) -> None:
    alone, whole = zoo.save_family(omni_zoo.qwen3_omni, tmp_path / "alone"), tmp_path / "whole"
    shutil.copytree(alone, whole)
    thinker = json.loads((alone / "config.json").read_text())
    config = {"model_type": "qwen3_omni_moe", "thinker_config": thinker, "architectures": ["Qwen3OmniMoe"]}
    (whole / "config.json").write_text(json.dumps(config))
    weights = {f"thinker.{name}": weight for name, weight in load_file(alone / "model.safetensors").items()}
    save_file({**weights, "talker.codec_head.weight": torch.ones(2)}, whole / "model.safetensors", {"format": "pt"})
    assert of_model(str(whole))[1] == []
    request = Request("q", (drawn(1), "Is it red?"))
    expected, opened_whole = (next(iter(opened(path).generate([request], Generation(5)))) for path in (alone, whole))
    assert (opened_whole.text, opened_whole.error) == (expected.text, None)
