"""The scripts under benchmarks/ measure what they say."""

from __future__ import annotations

import argparse
import json
import subprocess
import time
import warnings
from pathlib import Path

import pytest
import torch

from benchmarks import batching, letters, training
from benchmarks.answers import answered
from benchmarks.gpu.profiling import places_of
from benchmarks.stage2 import made, measured
from mmeval.types import Request, Response

TINY = {
    "vision": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1},
    "qformer": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1},
    "text": {**made.FLAN, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2},
    "dropout": 0.0,
}
COMPILED, SELECTIVE = {"compile": True}, {"compile": True, "gradient_checkpointing": "selective"}


def test_the_first_way_is_measured_however_late_and_recomputation_does_not_share_compilations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setitem(made.SIZES, "tiny", TINY)
    monkeypatch.setattr(measured, "compile_blocks", lambda _: done.append("compiled"))
    monkeypatch.setattr(torch.compiler, "reset", lambda: done.append("reset"))
    monkeypatch.setattr(measured, "_ours", lambda *_: {"rate": float(len(done))})
    made.write_examples(tmp_path, 2, 2)
    ways = [{"batch_tokens": 8, **how} for how in (COMPILED, {**COMPILED, "batch_tokens": 16}, SELECTIVE)]
    results = list(measured.measured("tiny", tmp_path, ["ours"], ways, time.perf_counter() + 600))
    assert [result["rate"] for result in results] == [2, 2, 3]
    assert done == ["compiled", "reset", "reset"]
    late = list(measured.measured("tiny", tmp_path, ["ours"], ways, 0.0))
    assert ["rate" in result for result in late] == [True, False, False]
    assert late[1]["why"] == "no time left"


def test_a_way_that_fails_does_not_end_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(error: Exception) -> dict[str, object]:
        raise error

    gpu = torch.device("cuda")
    assert measured.tried("a", gpu, lambda: {"rate": 1.0}) == {"way": "a", "rate": 1.0}
    assert measured.tried("b", gpu, lambda: broken(torch.OutOfMemoryError()))["why"] == "does not fit"
    assert measured.tried("c", gpu, lambda: broken(RuntimeError("CUBLAS")))["why"] == measured.FAILED
    assert "RuntimeError: CUBLAS" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="CUBLAS"):
        measured.tried("d", torch.device("cpu"), lambda: broken(RuntimeError("CUBLAS")))


def test_only_waits_for_the_gpu_count_as_waits() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("Synchronization debug mode is a prototype feature", stacklevel=1)
        assert places_of(caught) == "none"
        for _ in range(2):
            warnings.warn_explicit("called a synchronizing CUDA operation", UserWarning, "/a/b/c/engine/t5.py", 7)
    assert places_of(caught) == "2 x c/engine/t5.py:7"


def test_two_errors_are_not_the_same_answer() -> None:
    responses = [Response(id="1", text="yes"), Response(id="2", error="out of memory")]
    with pytest.raises(SystemExit, match=r"2: no answer but an error \(out of memory\)"):
        list(answered(responses))
    assert list(answered(responses[:1])) == responses[:1]

    class Failing:
        def generate(self, requests: list[Request], generation: object) -> list[Response]:
            return responses[1:]

    with pytest.raises(SystemExit, match="out of memory"):
        batching._measure(Failing(), [Request("2", ("?",))], 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [[], {"val": [3]}, {"val": None}, {"val": [{"idx": "val_IQ_Test_1"}]}])
def test_answers_of_another_form_are_refused_with_their_file(
    content: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "eval" / "saved_outputs" / "model" / "a.json"
    file.parent.mkdir(parents=True)
    row = {"idx": "val_IQ_Test_1", "full_prediction": "(A)", "prediction": "(A)"}
    file.write_text(json.dumps({"val": [row]}), encoding="utf-8")
    letters.main([str(tmp_path)])
    assert "the same: 1" in capsys.readouterr().out
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        letters.main([str(tmp_path)])
    assert ended.value.code == 2
    assert f"{file}: not answers of BLINK" in capsys.readouterr().err


def test_each_way_of_training_is_reported_as_soon_as_it_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = iter([1.0, 20.0, 3.0, 10.0, 2.0, 30.0])
    ran: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(way := command[command.index("--ways") + 1])
        result = {"way": way, "rate": next(rates), "tokens": 1.0, "memory": len(ran)}
        return subprocess.CompletedProcess(command, 0, f"noise\n{json.dumps([result])}\n")

    monkeypatch.setattr(subprocess, "run", run)
    options = argparse.Namespace(ways=["original", "ours"], size="small", how=["plain"], tokens=None)
    results = training._in_turns(options, "folder")
    assert next(results) == {"way": "original", "rate": 2.0, "tokens": 1.0, "memory": 5}
    assert ran == ["original", "ours", "original", "ours", "original"]
    assert capsys.readouterr().err.splitlines()[-1] == "round 3 of 3: original: 2.00 samples/s"
    assert [result["rate"] for result in results] == [20.0]
