"""POPE's own questions are balanced, and a constant answer gives the computed scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval.task_loading import load_task
from mmeval.tasks.pope import SPLITS
from tests.parity.conftest import Recordings
from tests.tasks.small_folders import png, run, value


@pytest.mark.slow
def test_constant_yes_on_the_real_questions(fixtures: Recordings, tmp_path: Path) -> None:
    data = tmp_path / "pope"
    data.mkdir()
    names: set[str] = set()
    for split in SPLITS:
        source = fixtures / f"pope/coco_pope_{split}.json"
        (data / source.name).write_bytes(source.read_bytes())
        names |= {json.loads(line)["image"] for line in source.read_text(encoding="utf-8").splitlines()}
    for name in names:
        (data / name).write_bytes(png())
    samples = list(load_task("pope").samples(str(data)))
    assert (len(samples), len({sample.groups["image"] for sample in samples})) == (9000, 500)
    scores = run("pope", data, tmp_path / "run", "constant:yes")
    for split in SPLITS:
        assert value(scores, f"{split}/accuracy") == 50.0
        assert value(scores, f"{split}/f1") == pytest.approx(200 / 3)
        assert value(scores, f"{split}/yes_ratio") == value(scores, f"{split}/recall") == 100.0
