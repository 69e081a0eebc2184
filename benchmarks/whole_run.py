"""The cost of a whole `mmeval run`: CPU seconds, wall time and peak memory, for 80, 1,000 and 5,000 questions.

`make bench-run`. MME's layout, two questions about each JPEG of 500 x 400 pixels, the tiny InstructBLIP of the tests,
one thread. Each row is a separate process, scoring and report included, and then `score` on its run folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.options import pairs

QUESTIONS = (80, 1_000, 5_000)


class Cost(NamedTuple):
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
    parser.add_argument("questions", nargs="*", type=pairs, default=QUESTIONS, help="numbers of questions")
    options = parser.parse_args(arguments)
    print("| questions | CPU s | wall s | MiB | `score`: CPU s | wall s | MiB |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        model, spawn = Path(root) / "model", multiprocessing.get_context("spawn")
        _call(spawn, make_model, model)
        for count in options.questions:
            data, out = Path(root) / f"data{count}", Path(root) / f"run{count}"
            _call(spawn, make_release, data, count // 2)
            spec = ("--task", "mme", "--model", f"instructblip:{model}", "--data", data, "--no-cache")
            numbers = (*measured("run", *spec, "--out", out), *measured("score", out))
            cells = (f"{number:,.2f}" if number < 100 else f"{number:,.0f}" for number in numbers)
            print(f"| {count} | {' | '.join(cells)} |", flush=True)


def _call(spawn: Any, function: Callable[..., None], *arguments: object) -> None:
    """Call a function in a separate process, because a child's peak memory starts at its parent's."""
    process = spawn.Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{function.__name__}: status {process.exitcode}")


def make_model(folder: Path) -> None:
    """Write the recorded model, always the same."""
    from benchmarks.peer.data import checkpoint

    checkpoint(folder)


def make_release(folder: Path, pictures: int) -> None:
    """Write one subtask of MME in its release's format."""
    from benchmarks.gpu.made import jpegs

    subtask = folder / "existence"
    subtask.mkdir(parents=True)
    for number, picture in enumerate(jpegs(pictures)):
        assert isinstance(picture.data, bytes)
        (subtask / f"{number:05}.jpg").write_bytes(picture.data)
        lines = (f"Is there a {thing} in this image? Please answer yes or no.\tYes\n" for thing in ("dog", "red kite"))
        (subtask / f"{number:05}.txt").write_text("".join(lines), encoding="utf-8")


def measured(*arguments: str | Path) -> Cost:
    """Run an mmeval command, and return its cost."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    command = [sys.executable, "-m", "mmeval", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
