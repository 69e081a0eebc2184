"""POPE's own questions: they balance, and a constant gives what arithmetic says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval.task import load_task
from tests.parity.conftest import Recordings
from tests.tasks.small_folders import png, run, value


def test_constant_yes_on_the_real_questions(fixtures: Recordings, tmp_path: Path) -> None:
    data = tmp_path / "pope"
    data.mkdir()
    source = fixtures / "pope/coco_pope_popular.json"
    (data / source.name).write_bytes(source.read_bytes())
    for name in {json.loads(line)["image"] for line in source.read_text().splitlines()}:
        (data / name).write_bytes(png())
    samples = list(load_task("pope").samples(str(data)))
    assert (len(samples), len({sample.groups["image"] for sample in samples})) == (3000, 500)
    scores = run("pope", data, tmp_path / "run", "constant:yes")
    assert value(scores, "popular/accuracy") == 50.0
    assert value(scores, "popular/f1") == pytest.approx(200 / 3)
    assert value(scores, "popular/yes_ratio") == value(scores, "popular/recall") == 100.0
