"""The command line's edge cases: any terminal gets the numbers, and a bug in the program has its own exit status."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mmeval import evaluation
from mmeval.cli import main
from mmeval.evaluation import results
from mmeval.spec import RunSpec
from tests.mme_folder import make_release


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    data = make_release(folder / "data", pictures=1)
    return evaluation.evaluate(RunSpec("mme", "constant", data=str(data)), out=folder / "run").folder


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding_gets_every_score(scored: Path, encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "100"}
    command = [sys.executable, "-m", "mmeval", "score", str(scored)]
    result = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    output = result.stdout.decode(encoding)
    assert re.search(r"Perception .*\d+\.\d to \d", output) and (encoding == "utf-8" or output.isascii())


def test_a_status_is_kept_where_packages_are_installed_elsewhere(tmp_path: Path) -> None:
    """For example by `pip install --target` or `--user`: the calls of click are not the user's own code."""
    shutil.copytree(Path(click.__file__).parent, tmp_path / "click", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "click-8.0.dist-info").mkdir()
    command = [sys.executable, "-m", "mmeval", "doctor", "constant"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_fault_of_the_program_has_a_status_of_its_own(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "score", None)
    result = CliRunner().invoke(main, ["score", str(scored)])
    assert result.exit_code == 3
    assert "TypeError: 'NoneType' object is not callable" in result.output
    assert "mmeval: this is a bug; please report it with the lines above (mmeval 0." in result.output


def test_a_run_on_a_read_only_disk_is_shown_and_a_message_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_release(tmp_path / "data", pictures=1)
    run = tmp_path / "run"
    command = ["run", "--task", "mme", "--model", "constant", "--data", str(data), "--out", str(run)]
    assert CliRunner().invoke(main, command).exit_code == 0

    def read_only(handle: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", read_only)
    for arguments in (command, ["score", str(run)]):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0 and "Perception" in result.output
    (run / "scores.json").unlink()
    result = CliRunner().invoke(main, ["score", str(run)])
    assert result.exit_code == 2
    advice = "use a folder that you may read and write, such as a copy of it"
    assert f"{run / 'scores.json'}: Read-only file system; {advice}, and repeat the command" in result.output
    result = CliRunner().invoke(main, [*command[:-1], str(tmp_path / "other")])
    assert result.exit_code == 2 and f"{advice} or another --out, and repeat the command" in result.output


@pytest.mark.slow
def test_a_long_list_of_models_and_a_long_name_are_not_file_names(tmp_path: Path) -> None:
    models = f"constant,constant:{'no' * 150}"  # a path's part has at most 255 bytes
    command = ["run", "--task", "mme", "--data", str(make_release(tmp_path / "data", pictures=1)), "--model", models]
    result = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "runs")])
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.glob("runs/*/run.json"))) == 2


def test_control_sequences_of_data_are_shown_as_text(tmp_path: Path) -> None:
    fields = "fields: {question: question, answer: answer, options: [a, b]}"
    (tmp_path / "c.yaml").write_text(f"about: x\nkind: multiple choice\nfiles: j.jsonl\n{fields}\n")
    row = {"question": "\x1b]0;OWNED\x07\x1b[2JWhich?", "answer": "A", "a": "1", "b": "2"}
    for answer, command in (("A", ["--dry-run"]), ("\x1b[2J", ["--out", str(tmp_path / "r")])):
        (tmp_path / "j.jsonl").write_text(json.dumps({**row, "answer": answer}) + "\n")
        result = CliRunner().invoke(main, ["run", "--task", str(tmp_path / "c.yaml"), "--model", "constant", *command])
        assert "\\x1b[2J" in result.output
        assert "\x1b" not in result.output and "\x07" not in result.output
