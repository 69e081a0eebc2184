"""Configurations: every key known, every error one sentence that names the file and the key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from mmeval import yaml_file
from mmeval.mmicl.training.config import Config, Lora, check_config
from mmeval.mmicl.training.trainable import TRAINABLE
from mmeval.types import InputError

GOOD = "model: base\ndata: a.jsonl\noutput: out\n"


def load(tmp_path: Path, text: str, stage: str = "stage2"):  # type: ignore[no-untyped-def]
    file = tmp_path / "c.yaml"
    file.write_text(text)
    try:
        return check_config(yaml_file.read(file), file, stage)  # type: ignore[arg-type]
    except ValidationError as error:
        raise InputError(yaml_file.sentence(error, Config, str(file))) from error


def test_paths_are_relative_to_the_file_and_stages_have_their_defaults(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    config = load(tmp_path, GOOD + "learning_rate: 1e-4\nfeatures: kept\n")
    assert config.model == str(tmp_path / "base")
    assert config.data == (str(tmp_path / "a.jsonl"),)
    assert config.features == str(tmp_path / "kept")
    assert config.learning_rate == 1e-4
    assert config.trainable == "paper"
    assert load(tmp_path, GOOD, "stage1").trainable == "qformer"
    assert load(tmp_path, GOOD.replace("base", "some/hub-id")).model == "some/hub-id"
    assert load(tmp_path, GOOD + "features: ~/kept\n").features == str(Path.home() / "kept")
    assert load(tmp_path, GOOD + "features: ~nobody-here/kept\n").features == str(tmp_path / "~nobody-here/kept")


def test_lora_has_keys_of_its_own(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD + "trainable: lora\nlora: {rank: 4}\n").lora == Lora(rank=4)
    assert load(tmp_path, GOOD + "trainable: lora\n").lora == Lora()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "learnin_rate: 1\n", "unknown key 'learnin_rate' (did you mean 'learning_rate'?)"),
        ("model: base\noutput: out\n", "the key 'data' is missing"),
        (GOOD + "batch: eight\n", "batch: must be a whole number, not 'eight'"),
        (GOOD + "batch: true\n", "batch: must be a whole number, not True"),
        (GOOD + "trainable: lora\nlora: {rank: 1000000000}\n", "lora, rank: must be at most 65536, not 1000000000"),
        (GOOD + "max_new_tokens: 1000000000\n", "max_new_tokens: must be at most 65536, not 1000000000"),
        (GOOD + "workers: 1000000\n", "workers: must be at most 1024, not 1000000"),
        (GOOD + "batch: 0\n", "batch: must be at least 1, not 0"),
        (GOOD + "learning_rate: .nan\n", "learning_rate: must be a finite number, not nan"),
        (GOOD + "warmup: 5\n", "warmup: must be at most 0.9999, not 5"),
        (GOOD + "betas: [0.9]\n", "betas: must have 2 or more values, not [0.9]"),
        (
            GOOD + "report_to: tensorbord\n",
            "report_to: unknown value 'tensorbord' (did you mean 'tensorboard'?); choose from tensorboard, wandb",
        ),
        (GOOD + "learning_rate: fast\n", "learning_rate: must be a number, not 'fast'"),
        (GOOD + "betas: [0.9, x]\n", "betas: must be a number, not 'x'"),
        (
            GOOD + "schedule: cosin\n",
            "schedule: unknown value 'cosin' (did you mean 'cosine'?); "
            "choose from cosine, constant_with_warmup, linear",
        ),
        (GOOD + "trainable: papr\n", "did you mean 'paper'?"),
        (GOOD + "context: plane\n", "did you mean 'plain'?"),
        (GOOD + "lora: {rank: 4}\n", "`lora` and `trainable: lora` go together"),
        (GOOD + "trainable: full\nlora: {}\n", "`lora` and `trainable: lora` go together"),
        (GOOD + "learning_rate: 0\n", "learning_rate: must be at least 1e-09, not 0"),
        (GOOD + "batch: 1\nbatch: 2\n", "'batch' is given twice"),
        (GOOD + "fsdp: 3\n", "fsdp: must be keys and values, as `name: value`, not 3"),
        (GOOD + "betas: [0.9, 0.99, 0.999]\n", "betas: must have 2 or fewer values"),
        (GOOD + "batch: 1.5\n", "batch: must be a whole number, not 1.5"),
        (GOOD + "held_out: ''\n", "held_out: must have 1 or more characters"),
        (GOOD.replace("a.jsonl", "['']"), "data: must have 1 or more characters"),
        (GOOD.replace("a.jsonl", "[3]"), "data: must be text, not 3"),
        (GOOD + "1: 2\n", "unknown key '1'"),
        (GOOD + "'': 2\n", "unknown key ''"),
        (GOOD + "lora: 3\n", "lora: must be keys and values, as `name: value`, not 3"),
        (GOOD + "trainable:\n", "trainable: must be text, not None"),
        (GOOD + "trainable: lora\nlora: {rnk: 4}\n", "unknown key 'rnk' (did you mean 'rank'?)"),
        (GOOD + "trainable: everything\nfeatures: f\n", "frozen vision encoder, but 'everything' trains it"),
        (GOOD + "weights: 0\n", "weights: must be more than 0, not 0"),
        (GOOD.replace(" out", ' "o\\0t"'), "a text with a NUL character"),
        (GOOD + "gradient_checkpointing: 3\n", "gradient_checkpointing: "),
        ("model: [\n", "not YAML"),
        ("just a text", "must be keys and values"),
        ("model: base\ndata: []\noutput: out\n", "data: must have 1 or more values, not []"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        load(tmp_path, text)
    assert sentence in str(raised.value)
    assert str(tmp_path / "c.yaml") in str(raised.value)


@pytest.mark.parametrize("file", sorted(Path(__file__).resolve().parents[2].joinpath("configs").glob("*.yaml")))
def test_the_recipes_that_come_along_are_right(file: Path) -> None:
    if "distributed_type" not in file.read_text():
        assert check_config(yaml_file.read(file), file, "stage2").trainable in TRAINABLE


def test_the_recipe_of_stage_two_takes_what_that_of_stage_one_writes() -> None:
    configs = Path(__file__).resolve().parents[2] / "configs"
    stage1, stage2 = (yaml.safe_load((configs / name).read_text()) for name in ("stage1.yaml", "stage2-t5-xl.yaml"))
    assert stage2["model"] == f"{stage1['output']}/trained"
