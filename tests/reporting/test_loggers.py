"""A run in experiment trackers: TensorBoard's file read back, the calls that wandb and trackio get."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.reporting import loggers
from mmeval.runs.run import Run
from mmeval.types import InputError
from tests.evaluating import evaluate
from tests.mme_folder import make_release

MARKS = ["limited to 8 of 56 questions", "the data has only 56 of the benchmark's 2,374 questions"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("logged")
    return evaluate("constant", "mme", data=str(make_release(folder / "release")), limit=8, out=folder / "run")


def test_tensorboard_reads_scores_limits_marks_and_identity(run: Run) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    loggers.log(run, "tensorboard")
    loggers.log(run, "tensorboard")  # replaces the first
    read = EventAccumulator(str(run.folder / "tensorboard"), size_guidance={"tensors": 0})
    read.Reload()
    estimate = run.results.metrics["existence"]
    for limit in ("value", "low", "high"):
        (event,) = read.Scalars(f"mme/existence/{limit}")
        assert event.value == pytest.approx(getattr(estimate, limit))
        assert event.step == 8
        assert event.wall_time == pytest.approx(time.time(), abs=60)  # the plot's axis, and the order of runs
    (marks,) = read.Tensors("marks")
    assert marks.tensor_proto.string_val[0].decode().split("\n\n") == MARKS
    (identity,) = read.Tensors("identity")
    assert 'model: "constant"' in identity.tensor_proto.string_val[0].decode()


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_tracker_gets_identity_marks_and_numbers_and_is_finished(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: dict[str, Any] = {}
    spec = SimpleNamespace(name=name)
    fake = SimpleNamespace(
        __spec__=spec,
        init=lambda **options: (print("Trackio project initialized"), calls.update(options)),
        log=lambda values: calls.update(logged=values),
        finish=lambda: calls.update(finished=True),
    )
    monkeypatch.setitem(sys.modules, name, fake)
    loggers.log(run, name)
    assert calls["config"]["model"] == "constant"
    assert calls["config"]["marks"] == "; ".join(MARKS)
    assert calls["logged"]["mme/existence/low"] == run.results.metrics["existence"].low
    assert calls["finished"]
    assert not capsys.readouterr().out  # it has the lines of --json


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_tracker_that_fails_is_a_sentence(run: Run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed(Exception):
        """As wandb's and trackio's errors, of no built-in kind."""

    def init(**_: Any) -> None:
        raise Failed("Timed out while retrying:\nno such host")

    monkeypatch.setitem(sys.modules, name, SimpleNamespace(__spec__=SimpleNamespace(name=name), init=init))
    with pytest.raises(InputError, match=rf"run: scored, but {name} did not take it \(Timed out while retrying: no"):
        loggers.log(run, name)


def test_wandb_without_an_account_is_a_sentence_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Error(Exception):
        """As wandb.Error."""

    def login(verify: bool) -> bool:
        raise Error("No API key configured. Use `wandb login` to log in.")

    fake = SimpleNamespace(__spec__=SimpleNamespace(name="wandb"), Error=Error, login=login)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    command = f"run --task mme --model constant --limit 2 --out {tmp_path / 'run'} --log-to wandb"
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 2
    assert "--log-to wandb: No API key configured" in result.output
    assert not (tmp_path / "run").exists()


def test_a_missing_package_is_a_sentence_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    command = f"run --task mme --model constant --limit 2 --out {tmp_path / 'run'} --log-to trackio"
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 2
    assert "needs the package trackio; pip install trackio" in result.output
    assert not (tmp_path / "run").exists()


def test_the_command_line_logs(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    command = f"run --task mme --model constant --limit 2 --out {tmp_path / 'run'} --log-to tensorboard --json"
    assert CliRunner().invoke(main, command.split()).exit_code == 0
    assert list((tmp_path / "run" / "tensorboard").iterdir())
