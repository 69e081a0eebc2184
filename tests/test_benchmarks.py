"""The scripts under benchmarks/ measure what they say."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.profiling import places_of
from benchmarks.stage2 import made, measured

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
