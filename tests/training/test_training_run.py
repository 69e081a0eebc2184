"""Training end to end on small models: trainable parameters, outputs, and resuming as if never stopped."""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from mmeval import yaml_file
from mmeval.cli import main
from mmeval.mmicl import checkpoints
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.begin import begin
from mmeval.mmicl.training.config import Config, TrainingError, check_config
from mmeval.mmicl.training.pictures import list_skipped, read_picture, skipped_pictures
from mmeval.mmicl.training.run import train
from mmeval.mmicl.training.trainer import MmiclTrainer
from mmeval.mmicl.weights import CheckpointError, copy_trained
from tests.mmicl import mmicl_small as small
from tests.training.conftest import config_values, write_base, write_examples

RUN = {"checkpoint-3", "checkpoint-6", "config.json", "left_out.jsonl", "trained", "trained.txt"}
TRAINED = {"config.json", "mmicl_processor.json", "preprocessor_config.json", "qformer_tokenizer", "tokenizer.json"}
TRAINED |= {"trained.safetensors", "training.json"}
CHECKPOINT = TRAINED | {"optimizer.pt", "rng_state.pth", "scheduler.pt", "trainer_state.json"}


@pytest.mark.slow
@pytest.mark.parametrize("family", small.FAMILIES)
def test_eight_samples_are_learned_word_for_word(
    tmp_path: Path, family: small.Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels: dict[str, torch.Tensor] = {}  # the same eight for each step

    def read_once(picture: str, processor: MmiclProcessor) -> torch.Tensor:
        return pixels[picture] if picture in pixels else pixels.setdefault(picture, read_picture(picture, processor))

    monkeypatch.setattr("mmeval.mmicl.training.data.read_picture", read_once)
    write_examples(tmp_path)
    write_base(tmp_path, family)
    held_out = str(tmp_path / "train.jsonl")
    steps = 400 if family == "opt" else 200
    rest = {"batch": 8, "learning_rate": 3e-3, "max_new_tokens": 6, "log_every": 100}
    options = {"steps": steps, "evaluate_every": steps, **rest}
    train(Config(**config_values(tmp_path, trainable="everything", held_out=held_out, **options)))
    state = json.loads((tmp_path / "out" / f"checkpoint-{steps}" / "trainer_state.json").read_text())
    assert state["best_metric"] == 1.0


@pytest.mark.slow
def test_a_run_goes_on_as_if_never_stopped(data: Path) -> None:
    config = Config(**config_values(data, steps=8, evaluate_every=3))
    uninterrupted = train(replace(config, output=str(data / "whole")))
    train(replace(config, steps=6))
    assert {path.name for path in (data / "out").iterdir()} == RUN
    assert {path.name for path in (data / "out" / "checkpoint-6").iterdir()} == CHECKPOINT
    final = train(config)
    expected, resumed = (checkpoints.load_model(folder).state_dict() for folder in (uninterrupted, final))
    base = checkpoints.load_model(data / "base").state_dict()
    learned = set(json.loads((final / "training.json").read_text())["names"])
    for key, value in expected.items():
        torch.testing.assert_close(value, resumed[key], rtol=0, atol=1e-6)
        assert torch.equal(value, base[key]) == (key not in learned), key


@pytest.mark.slow
def test_a_step_that_is_no_number_is_the_last(data: Path) -> None:
    model = checkpoints.load_model(data / "base")
    with torch.no_grad():
        model.language_projection.bias[0] = torch.nan
    checkpoints.save(model, small.processor(), data / "base")
    with pytest.raises(TrainingError, match=r"step 1: the loss \(nan\) or the gradient .* is not finite"):
        train(Config(**config_values(data)))
    assert not {"trained", "checkpoint-4"} & {path.name for path in (data / "out").iterdir()}


@pytest.mark.slow
def test_what_diverged_is_not_opened(data: Path) -> None:
    config = Config(**config_values(data, steps=2, evaluate_every=1))
    train(config)
    file = data / "out" / "checkpoint-2" / "trained.safetensors"
    tensors = load_file(file)
    key = next(iter(tensors))
    save_file({**tensors, key: tensors[key] * torch.inf}, file)
    with pytest.raises(CheckpointError, match=f"'{key}' holds numbers that are not finite: its training"):
        train(replace(config, steps=3))
    with pytest.raises(CheckpointError, match="not finite"):
        checkpoints.load(file.parent)


@pytest.mark.slow
def test_a_second_run_on_one_output_is_refused(data: Path) -> None:
    config = Config(**config_values(data))
    refused: list[str] = []

    def say(line: str) -> None:
        if line.startswith("step 4 "):  # the first run is under way
            with pytest.raises(TrainingError, match="another training run is writing there; wait for it") as caught:
                train(config, fresh=True)
            refused.append(str(caught.value))

    final = train(config, say=say)
    assert len(refused) == 1
    assert (final / "trained.safetensors").exists() and (data / "out" / "checkpoint-4").exists()
    assert train(config) == final  # and the folder is free again


def test_ctrl_c_is_about_training(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MmiclTrainer, "train", stopped)
    (data / "config.yaml").write_text(json.dumps(config_values(data)))  # JSON is YAML
    result = CliRunner().invoke(main, ["train", "stage2", "--config", str(data / "config.yaml")])
    assert result.exit_code == 130
    assert "training stopped; repeat the command to resume from the last checkpoint" in result.output
    assert "answered" not in result.output


@pytest.mark.slow
def test_stage_two_goes_on_from_what_stage_one_trained(data: Path) -> None:
    first = train(Config(**config_values(data, trainable="qformer", output=str(data / "stage1"))))
    values = config_values(data, model="../stage1/trained", output="../stage2")
    (data / "configs").mkdir()
    file = data / "configs" / "stage2.yaml"
    file.write_text(json.dumps(values))  # JSON is YAML
    last = train(check_config(yaml_file.read(file), file, "stage2"))
    base, stage1, stage2 = (checkpoints.load_model(folder).state_dict() for folder in (data / "base", first, last))
    learned = set(json.loads((last / "training.json").read_text())["names"])
    assert {key for key in stage1 if not torch.equal(stage1[key], stage2[key])} <= learned
    assert not torch.equal(base["query_tokens"], stage2["query_tokens"])  # stage I's, which stage II does not train


@pytest.mark.slow
def test_a_checkpoint_that_is_cut_off_is_passed_over(data: Path) -> None:
    config = Config(**config_values(data, evaluate_every=2))
    weights = load_file(train(config) / "trained.safetensors")
    (data / "out" / "checkpoint-4" / "trainer_state.json").write_text("")  # killed when it was opened
    shutil.rmtree(data / "out" / "trained")
    messages: list[str] = []
    resumed = load_file(train(config, say=messages.append) / "trained.safetensors")
    assert any(line.endswith("checkpoint-2") for line in messages)
    assert all(torch.equal(weights[key], resumed[key]) for key in weights)


@pytest.mark.slow
def test_a_finished_run_repeated_changes_nothing(data: Path) -> None:
    for name, changes in (("steps", {}), ("epochs", {"steps": None, "epochs": 2})):
        config = Config(**config_values(data, output=str(data / name), **changes))
        final = train(config)
        contents = {path: path.read_bytes() for path in (data / name).rglob("*.safetensors")}
        shutil.rmtree(final)  # as a kill after the last checkpoint leaves it
        messages: list[str] = []
        assert train(config, say=messages.append) == train(config) == final
        assert not any(line.startswith("step ") for line in messages), messages
        assert {path: path.read_bytes() for path in (data / name).rglob("*.safetensors")} == contents
    longer = replace(Config(**config_values(data, output=str(data / "steps"))), steps=5)
    messages = []
    train(longer, say=messages.append)
    assert any(line.startswith("step 5 of 5") for line in messages)


@pytest.mark.slow
def test_what_a_kill_left_in_the_output_is_no_obstacle(data: Path) -> None:
    config = Config(**config_values(data, steps=2, evaluate_every=2))
    train(config)
    (data / "out" / "skipped-0.jsonl").write_text('{"picture": "/x/a.jpg", "reason": "r"}\n{"picture": "/x/a.jp')
    (data / "out" / ".config.json").write_text("{")
    train(replace(config, steps=4))
    assert json.loads((data / "out" / "config.json").read_text())["steps"] == 4
    list_skipped(data / "out" / "skipped-0.jsonl", [("/x/b.jpg", "r")])
    assert skipped_pictures(data / "out") == {"/x/a.jpg", "/x/b.jpg"}


def test_a_worker_that_lists_pictures_waits_for_another(tmp_path: Path) -> None:
    file = tmp_path / "skipped-0.jsonl"
    with ThreadPoolExecutor(1) as worker, file.open("a") as half:
        fcntl.flock(half, fcntl.LOCK_EX)
        half.write('{"picture": "/a.jpg", ')
        half.flush()
        listed = worker.submit(list_skipped, file, [("/b.jpg", "broken")])
        wait([listed], timeout=0.2)
        half.write('"reason": "broken"}\n')
    listed.result()
    assert skipped_pictures(tmp_path) == {"/a.jpg", "/b.jpg"}


def test_trained_weights_are_copied_without_the_state_of_any_library(tmp_path: Path) -> None:
    checkpoint, state = tmp_path / "checkpoint-1", tmp_path / "checkpoint-1" / "global_step1"
    state.mkdir(parents=True)
    names = ["trained.safetensors", "training.json", "config.json", "tokenizer.json"]
    for name in (*names, "latest", "zero_to_fp32.py", "optimizer.pt", "global_step1/bf16_zero_optim_states.pt"):
        (checkpoint / name).write_text("x")
    copy_trained(checkpoint, tmp_path / "trained")
    assert sorted(path.name for path in (tmp_path / "trained").iterdir()) == sorted(names)


@pytest.mark.slow
def test_what_was_trained_names_no_machine_and_may_move(data: Path) -> None:
    config = Config(**config_values(data / "here"))
    shutil.copytree(data, data / "here", ignore=shutil.ignore_patterns("here"))
    final = train(config)
    texts = [path.read_bytes() for path in (data / "here" / "out").rglob("*") if path.is_file()]
    assert not [text for text in texts if str(data).encode() in text]
    (data / "here").rename(data / "there")
    assert checkpoints.load_model(data / "there" / "out" / "trained") is not None
    train(Config(**config_values(data / "there", steps=5)))
    assert (data / "there" / "out" / "checkpoint-5").exists() and not final.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("optimizer.pt", None, "optimizer.pt: missing or damaged; delete that checkpoint"),
        ("optimizer.pt", b"PK torn", "optimizer.pt: missing or damaged; delete that checkpoint"),
        ("scheduler.pt", b"", "scheduler.pt: missing or damaged"),
        ("rng_state.pth", b"", "rng_state.pth: missing or damaged"),
        ("optimizer.bin", None, r"was written with sharded parameters \(FSDP\); start the run as before"),
    ],
)
def test_a_damaged_checkpoint_is_not_resumed_from(data: Path, name: str, content: bytes | None, sentence: str) -> None:
    config = Config(**config_values(data, steps=1, evaluate_every=1))
    checkpoint = train(config).parent / "checkpoint-1"
    if name == "optimizer.bin":
        (checkpoint / "optimizer.pt").rename(checkpoint / name)
    elif content is None:  # the Trainer would take a new optimizer, and say nothing
        (checkpoint / name).unlink()
    else:
        (checkpoint / name).write_bytes(content)
    with pytest.raises(TrainingError, match=sentence):
        train(replace(config, steps=2))


@pytest.mark.slow
def test_a_copy_of_a_checkpoint_is_not_resumed_from(data: Path) -> None:
    config = Config(**config_values(data, steps=1, evaluate_every=1))
    checkpoint = train(config).parent / "checkpoint-1"
    shutil.copytree(checkpoint, checkpoint.with_name("checkpoint-best"))
    messages: list[str] = []
    train(replace(config, steps=2), say=messages.append)
    assert f"resuming from {checkpoint}" in messages


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fsdp": {"fsdp_version": 2}}, "fsdp: shards a model over several processes; start them with torchrun"),
        ({"revision": "main"}, "revision: is of a hub repository, but `model` is a folder"),
        ({"push_to_hub": "a name/of/three"}, "push_to_hub: not a repository's name"),
        ({"push_to_hub": "me/mmicl"}, r"push_to_hub: .* its base model .*base, a folder .*; set `save_full: true`"),
    ],
)
def test_what_would_fail_later_is_reported_first(data: Path, changes: dict[str, object], sentence: str) -> None:
    messages: list[str] = []
    with pytest.raises(TrainingError, match=sentence):
        train(Config(**config_values(data, **changes)), say=messages.append)
    assert not messages


def test_wandb_without_an_account_is_reported_first(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wandb(ModuleType):
        Error = type("Error", (Exception,), {})

        def login(self, verify: bool) -> bool:
            raise self.Error("No API key configured. Use `wandb login` to log in.")

    module = Wandb("wandb")
    module.__spec__ = ModuleSpec("wandb", None)
    monkeypatch.setitem(sys.modules, "wandb", module)
    with pytest.raises(TrainingError, match=r"report_to: No API key .*; run `wandb login`, set WANDB_MODE=offline, or"):
        train(Config(**config_values(data, report_to=["wandb"])))


def test_a_models_folder_is_no_output(data: Path) -> None:
    config = (data / "base" / "config.json").read_bytes()
    for fresh in (False, True):
        with pytest.raises(TrainingError, match=r"base: holds a config\.json that is not of a training run"):
            train(Config(**config_values(data, output=str(data / "base"))), fresh=fresh)
    assert (data / "base" / "config.json").read_bytes() == config


@pytest.mark.parametrize("name", ["checkpoint-500", "evaluations", "trained"])
def test_folders_of_another_program_are_not_deleted(data: Path, name: str) -> None:
    file = data / "out" / name / "kept.bin"
    file.parent.mkdir(parents=True)
    file.write_text("x")
    with pytest.raises(TrainingError, match=rf"out: holds {name}, but no config\.json of a training run"):
        begin(Config(**config_values(data)), fresh=True, main=True)
    assert file.exists()


def test_a_fresh_run_deletes_only_what_training_makes(data: Path) -> None:
    config = Config(**config_values(data))
    (data / "out").mkdir()
    begin(config, fresh=False, main=True)
    for name in ("checkpoint-500", "checkpoint-best"):
        (data / "out" / name).mkdir()
    begin(config, fresh=True, main=True)
    assert [path.name for path in (data / "out").glob("checkpoint-*")] == ["checkpoint-best"]


def test_a_run_resumes_after_an_upgrade_and_may_still_save_its_whole_model(data: Path) -> None:
    config = Config(**config_values(data))
    (data / "out").mkdir()
    begin(config, fresh=False, main=True)
    mark = data / "out" / "config.json"
    values = json.loads(mark.read_text())
    del values["instruction"]  # as if the key were newer than the run
    mark.write_text(json.dumps(values))
    start = data / "out" / "checkpoint-4"
    start.mkdir()
    (start / "trainer_state.json").write_text('{"global_step": 4}')
    assert begin(replace(config, save_full=True), fresh=False, main=True) == start
    with pytest.raises(TrainingError, match="another configuration"):
        begin(replace(config, instruction=True), fresh=False, main=True)


@pytest.mark.slow
def test_what_was_trained_says_that_its_base_is_gone(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    final = train(Config(**config_values(data, steps=1, evaluate_every=1)))
    (data / "base").rename(data / "elsewhere")
    (data / "other" / "base").mkdir(parents=True)
    (data / "other" / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(data / "other" / "a" / "b")  # where ../../base is another folder
    with pytest.raises(CheckpointError, match=r"training.json: the base model ../../base: neither a folder nor"):
        checkpoints.load_model(final)


@pytest.mark.slow
def test_rates_are_those_of_training_alone(data: Path) -> None:
    def benchmarks(_: Path) -> dict[str, float]:
        time.sleep(2)
        return {}

    config = Config(**config_values(data, steps=2, evaluate_every=1))
    final = train(config, benchmarks=benchmarks)
    state = json.loads((final.parent / "checkpoint-2" / "trainer_state.json").read_text())
    (second,) = (entry for entry in state["log_history"] if entry["step"] == 2 and "loss" in entry)
    assert second["samples_per_second"] > 2.5, "four rows in a step, and two seconds of evaluation before it"


@pytest.mark.slow
def test_rows_without_pictures_are_no_obstacle_if_only_the_qformer_learns(data: Path) -> None:
    (data / "train.jsonl").write_text(
        '{"id": "a", "images": [], "turns": [{"ask": ["is there ?"], "answer": "yes"}]}\n'
    )
    final = train(Config(**config_values(data, trainable="qformer", steps=1, evaluate_every=1)))
    assert (final / "trained.safetensors").exists()
