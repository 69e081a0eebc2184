"""The worked example of docs/training.md: from its three lines to a fine-tuned checkpoint that answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from mmeval.cli import main
from mmeval.models import load_model
from mmeval.types import Generation, Request
from mmeval.types import Image as Picture

ROOT = Path(__file__).resolve().parents[2]
COLORS = {"cat.jpg": "red", "l.jpg": "white", "r.jpg": "black", "q.jpg": "blue"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the example's data, and its configuration with paths to where it stands here."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith('{"id":')]
    assert len(lines) == 3
    data = tmp_path / "my-data"
    data.mkdir()
    for name in ("train.jsonl", "val.jsonl"):
        (data / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, color in COLORS.items():
        Image.new("RGB", (96, 96), color).save(data / name)
    (tmp_path / "configs").mkdir()
    config = (ROOT / "configs" / "my-data.yaml").read_text(encoding="utf-8")
    weights = ROOT / "mmeval" / "embedded" / "weights" / "mmicl-tiny"
    config = config.replace("../mmeval/embedded/weights/mmicl-tiny", str(weights)).replace("steps: 200", "steps: 4")
    (tmp_path / "configs" / "my-data.yaml").write_text(config.replace("evaluate_every: 50", "evaluate_every: 2"))
    return tmp_path


@pytest.mark.slow
def test_three_lines_become_a_checkpoint_that_answers(folder: Path) -> None:
    result = CliRunner().invoke(main, ["train", "stage2", "--config", str(folder / "configs" / "my-data.yaml")])
    assert result.exit_code == 0, result.output
    assert "rows: 3; pictures: 4" in result.output
    model = load_model(f"mmicl:{folder / 'work' / 'my-data' / 'trained'}")
    request = Request("q", (Picture(folder / "my-data" / "cat.jpg"), "What is this?"))
    (response,) = model.generate([request], Generation(4))
    assert response.error is None


def test_bad_input_is_one_sentence_and_exit_status_2(folder: Path) -> None:
    config = folder / "configs" / "my-data.yaml"
    for change, sentence in (
        (("learning_rate", "learnig_rate"), "unknown key 'learnig_rate' (did you mean 'learning_rate'?)"),
        (("train.jsonl", "trane.jsonl"), "trane.jsonl: cannot be read"),
        (("paper+qformer", "papr"), "trainable: unknown value 'papr' (did you mean 'paper'?)"),
    ):
        broken = folder / "configs" / "broken.yaml"
        broken.write_text(config.read_text().replace(*change))
        result = CliRunner().invoke(main, ["train", "stage2", "--config", str(broken)])
        assert result.exit_code == 2, result.output
        assert sentence in " ".join(result.output.split())
        assert result.output.count("\n") <= 4
