"""The cost of a whole `mmeval run`: CPU seconds, wall time and peak memory, for 80, 1,000 and 5,000 questions.

`make bench-run`. MME's layout, two questions about each JPEG of 500 x 400 pixels, the tiny InstructBLIP of the tests,
one thread. Each row is a separate process, scoring and report included, and then `score` on its run folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

RECORDED = Path(__file__).parents[1] / "tests/recordings/tiny_instructblip/model"
QUESTIONS = (80, 1_000, 5_000)


class Taken(NamedTuple):
    """The cost of a process."""

    cpu: float
    wall: float
    memory: float
    """Peak, in MiB."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print one Markdown row per number of questions."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.whole_run", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("questions", nargs="*", type=int, default=QUESTIONS, help="numbers of questions")
    given = parser.parse_args(arguments)
    print("| questions | CPU s | wall s | MiB | `score`: CPU s | wall s | MiB |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        model, apart = Path(root) / "model", multiprocessing.get_context("spawn")
        _call(apart, make_model, model)
        for count in given.questions:
            data, out = Path(root) / f"data{count}", Path(root) / f"run{count}"
            _call(apart, make_release, data, count // 2)
            asked = measured("run", "--task", "mme", "--model", f"instructblip:{model}", "--data", data, "--out", out)
            scored = measured("score", out)
            row = (count, *(f"{number:,.2f}" if number < 100 else f"{number:,.0f}" for number in (*asked, *scored)))
            print("|", " | ".join(map(str, row)), "|", flush=True)


def _call(apart: Any, function: Callable[..., None], *arguments: object) -> None:
    """Call a function in a separate process, because a child's peak memory starts at its parent's."""
    process = apart.Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{function.__name__}: status {process.exitcode}")


def make_model(folder: Path) -> None:
    """Write the recorded model, with random weights for the part of its vision encoder that is not recorded."""
    from safetensors.torch import load_file
    from transformers import InstructBlipConfig, InstructBlipForConditionalGeneration

    shutil.copytree(RECORDED, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    model = InstructBlipForConditionalGeneration(InstructBlipConfig.from_pretrained(RECORDED))
    model.load_state_dict(load_file(RECORDED / "model.safetensors"), strict=False)
    model.save_pretrained(folder)


def make_release(folder: Path, pictures: int) -> None:
    """Write one subtask of MME in its release's format."""
    from benchmarks.gpu.made import jpegs

    own = folder / "existence"
    own.mkdir(parents=True)
    for number, picture in enumerate(jpegs(pictures)):
        assert isinstance(picture.data, bytes)
        (own / f"{number:05}.jpg").write_bytes(picture.data)
        lines = (f"Is there a {what} in this image? Please answer yes or no.\tYes\n" for what in ("dog", "red kite"))
        (own / f"{number:05}.txt").write_text("".join(lines), encoding="utf-8")


def measured(*arguments: str | Path) -> Taken:
    """Run an mmeval command, and return its cost."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    command = [sys.executable, "-m", "mmeval", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    return Taken(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
