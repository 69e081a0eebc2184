"""The command lines of the scripts under benchmarks/ and experiments/."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[1]
OTHERS = {"benchmarks.peer.lmms", "benchmarks.peer.ours"}  # their options are lmms-eval's and mmeval's
SCRIPTS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("benchmarks", "experiments")
    for path in (ROOT / folder).rglob("*.py")
    if '\nif __name__ == "__main__":\n' in path.read_text(encoding="utf-8")
}


@pytest.mark.parametrize("name", sorted(SCRIPTS - OTHERS))
def test_help_says_what_a_script_does_and_an_unknown_option_is_an_error(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script: Any = importlib.import_module(name)
    with pytest.raises(SystemExit) as exit_info:
        script.main(["--help"])
    assert exit_info.value.code == 0
    output = "".join(capsys.readouterr().out.split())
    assert output.startswith(f"usage:python-m{name.removesuffix('.__main__')}[-h]")
    assert "".join(script.__doc__.split()) in output
    with pytest.raises(SystemExit) as exit_info:
        script.main(["--no-such-option"])
    assert exit_info.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("benchmarks.ask", ["nowhere"], "nowhere"),
        ("benchmarks.watch", ["nowhere"], "nowhere"),
        ("benchmarks.coverage", ["nowhere"], "nowhere"),
        ("benchmarks.tables", ["nowhere.tsv"], "nowhere.tsv"),
        ("benchmarks.letters", ["nowhere"], "nowhere: no answers with letters in eval/saved_outputs"),
        ("benchmarks.peer", [], "--peer: give the Python of an environment with lmms-eval"),
        ("benchmarks.peer", ["--peer", "nowhere"], "--peer: nowhere is not a program; give the Python"),
        ("benchmarks.peer", ["--ways", "tuned,quick"], "unknown: quick; choose from mmeval, lmms-eval"),
        ("benchmarks.gpu", ["--rows", "mmicl,mmic"], "unknown: mmic; choose from mmicl, rotations"),
        ("benchmarks.gpu", ["--threads", "four"], "argument --threads: invalid numbers value: 'four'"),
        ("benchmarks.gpu", ["--threads", "4,0"], "argument --threads: 0 must be at least 1"),
        ("benchmarks.peer", ["--ways", "tuned", "--repeat", "0"], "argument --repeat: 0 must be at least 1"),
        ("benchmarks.peer", ["--ways", "tuned", "--questions", "79"], "79 must be even, because two questions are"),
        ("benchmarks.whole_run", ["79"], "79 must be even, because two questions are about each picture"),
        ("benchmarks.watch", ["--every", "nan"], "argument --every: nan must be finite and greater than 0"),
        ("benchmarks.watch", ["--on", "0.3"], "an alarm needs hold of 1 or more, and 0 <= off <= on <= 1"),
        ("benchmarks.training", ["--ways", "our"], "unknown: our; choose from original, ours"),
        ("experiments.replication.earlier", ["nowhere"], "nowhere: not a commit of this repository that has mmeval/"),
        ("experiments.tiny.averaging", ["nowhere", "elsewhere"], "nowhere: not a readable safetensors file"),
        ("experiments.tiny", ["draw", "lern"], "unknown stage 'lern'; choose from draw, words, learn, pack"),
        ("experiments.tiny", ["--check-every", "0"], "argument --check-every: 0 must be at least 1"),
        ("experiments.tiny", ["--minutes", "-1"], "argument --minutes: -1 must be finite and greater than 0"),
        ("experiments.tiny", ["--workers", "-1"], "--workers -1: must be at least 0"),
        ("experiments.tiny", ["--device", "gpu"], "argument --device: invalid choice: 'gpu' (choose from"),
        ("experiments.tiny", ["--work", __file__], f"{__file__}: cannot be made (File exists); choose another folder"),
        ("experiments.tiny.verifying", ["--every", "0"], "argument --every: 0 must be at least 1"),
    ],
)
def test_bad_input_ends_a_script_with_a_sentence(
    name: str, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script: Any = importlib.import_module(name if name in SCRIPTS else f"{name}.__main__")
    with pytest.raises(SystemExit) as result:
        script.main(arguments)
    assert result.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script: Any = importlib.import_module("experiments.tiny.__main__")
    with pytest.raises(SystemExit) as ended:
        script.main(["--device", "cuda", "--work", str(tmp_path / "work")])
    assert ended.value.code == 2 and not (tmp_path / "work").exists()
    assert "--device cuda: torch sees no GPU; choose auto or cpu" in capsys.readouterr().err


def test_what_was_not_packed_is_not_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for changed in ("signal.signal", "torch.set_num_threads"):  # of the whole process
        monkeypatch.setattr(changed, lambda *_: None)
    script: Any = importlib.import_module("experiments.tiny.__main__")
    where = ["export", "--out", str(tmp_path), "--work", str(tmp_path / "work")]
    with pytest.raises(SystemExit) as result:
        script.main(["draw", *where[1:], "--encoder", str(tmp_path / "none")])
    assert result.value.code == 2
    assert f"{tmp_path / 'none'}: not a readable safetensors file" in capsys.readouterr().err
    (tmp_path / "vocabulary.json").touch()
    with pytest.raises(SystemExit) as ended:
        script.main(["learn", *where[1:]])
    assert ended.value.code == 2
    assert f"{tmp_path / 'work'}: has no encoded pictures; run the stage draw first" in capsys.readouterr().err
    (tmp_path / "vocabulary.json").unlink()
    for sentence in (
        ": has no vocabulary; run the stage draw first",
        ": has no weights of blip2-tiny, text-tiny; run the stage pack",
    ):
        with pytest.raises(SystemExit) as result:
            script.main(where)
        assert result.value.code == 2
        assert f"{tmp_path}{sentence}" in capsys.readouterr().err
        for name in ("vocabulary.json", "mmicl-tiny.safetensors", "instructblip-tiny.safetensors"):
            (tmp_path / name).touch()


def test_options_of_the_tiny_familys_training_do_not_reach_its_evaluation() -> None:
    make = ["make", "-n", "tiny-all", "ARGS=--minutes 9"]
    output = subprocess.run(make, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert [line.split()[2] for line in output.splitlines() if "--minutes 9" in line] == ["experiments.tiny"]
    assert "-m experiments.replication" in output
