"""mmeval side by side with lmms-eval: `make bench-peer`.

Five ways ask the recorded tiny InstructBLIP the same questions in MME's format, one thread each, 16 new tokens. Four
compute in float32, and their answers must be equal: `mmeval run`, lmms-eval, and two loops on transformers alone. The
fifth is `mmeval run` in bfloat16, which lmms-eval's InstructBLIP does not offer; some of its answers may differ.
Processor seconds are summed over all threads; the loop is from the first question to the last answer. With `--repeat`,
the ways take turns and each row is the repetition with the median loop, because other work on a machine also changes
processor seconds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.options import count, listed, names, pairs
from benchmarks.peer import data
from benchmarks.peer.timing import FILE

PEER = "lmms-eval"
DTYPES = {"mmeval": "float32", "mmeval-bfloat16": "bfloat16"}
WAYS = ("mmeval", PEER, "one-by-one", "tuned", "mmeval-bfloat16")
COLUMNS = (
    *("questions", "way", "start-up, CPU s", "loop, CPU s", "loop, s", "process, CPU s", "process, s", "peak MiB"),
    "questions per CPU s of the loop",
)
TASK = """include: {included}
task: mme_peer
dataset_path: parquet
dataset_kwargs:
  data_files: {{test: {table}}}
"""


@dataclass(frozen=True)
class Cost:
    """The cost of one run of one way."""

    way: str
    questions: int
    start: float
    """Processor seconds before the loop."""
    loop: float
    """Processor seconds of the loop."""
    whole: float
    """Processor seconds of the process."""
    loop_wall: float
    wall: float
    mebibytes: float
    """Peak resident memory."""
    answers: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.peer", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--peer", help="Python of the environment with lmms-eval, for that way")
    parser.add_argument("--questions", type=listed(pairs), default="80,1000,5000", help="numbers of questions")
    parser.add_argument("--ways", type=names(WAYS), default=",".join(WAYS), help="some of these")
    parser.add_argument("--repeat", type=count, default=1, help="times that each way is measured")
    options = parser.parse_args(arguments)
    if PEER in options.ways and not options.peer:
        parser.error(f"--peer: give the Python of an environment with {PEER}, or leave {PEER} out of --ways")
    if PEER in options.ways and not shutil.which(options.peer):
        parser.error(f"--peer: {options.peer} is not a program; give the Python of an environment with {PEER}")
    print(f"| {' | '.join(COLUMNS)} |\n|---:|---|{'---:|' * (len(COLUMNS) - 2)}")
    with tempfile.TemporaryDirectory() as folder:
        model = data.checkpoint(Path(folder) / "model")
        for questions in options.questions:
            table = data.table(questions, Path(folder) / f"mme-{questions}.parquet")
            turns = [
                [measure(way, model, table, questions, options.peer) for way in options.ways]
                for _ in range(options.repeat)
            ]
            costs = [_median(runs) for runs in zip(*turns, strict=True)]
            for cost in costs:
                print(row(cost, costs), flush=True)
            for runs in zip(*turns, strict=True):
                loops = ", ".join(f"{loop:.2f}" for loop in sorted(cost.loop for cost in runs))
                print(f"{runs[0].way}: loops of {loops} CPU s")
            for cost in costs[1:]:
                same = sum(map(str.__eq__, cost.answers, costs[0].answers))
                print(f"{cost.way}: {same:,} of {questions:,} answers are those of {costs[0].way}", flush=True)


def _median(runs: Sequence[Cost]) -> Cost:
    """Return the run whose loop took the median time."""
    return sorted(runs, key=lambda cost: cost.loop)[len(runs) // 2]


def row(cost: Cost, costs: Sequence[Cost]) -> str:
    """Return a row of the table; the rate is also given as a multiple of lmms-eval's in the same round."""
    rates = {way_cost.way: way_cost.questions / way_cost.loop for way_cost in costs}
    ratio = f" ({rates[cost.way] / rates[PEER]:.2f} x {PEER})" if PEER in rates else ""
    numbers = (cost.start, cost.loop, cost.loop_wall, cost.whole, cost.wall, cost.mebibytes)
    cells = " | ".join(f"{number:,.1f}" if number < 100 else f"{number:,.0f}" for number in numbers)
    return f"| {cost.questions:,} | {cost.way} | {cells} | {rates[cost.way]:.1f}{ratio} |"


def measure(way: str, model: Path, table: Path, questions: int, peer: str) -> Cost:
    """Run one way in a separate process. Raises SystemExit if it fails."""
    folder = Path(tempfile.mkdtemp(dir=table.parent))
    command = _command(way, model, table, folder, peer)
    with (folder / "output.txt").open("w") as output:
        began = time.time()
        process = subprocess.Popen(command, env=_environment(folder), stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.time() - began
    times = folder / "times.json"
    answers = tuple(_answers(way, folder)) if times.exists() else ()
    if not answers or len(answers) != questions:
        raise SystemExit(f"{way} failed ({status}):\n{(folder / 'output.txt').read_text()[-4000:]}")
    (cpu, clock), (cpu_after, clock_after) = (json.loads(times.read_text())[name] for name in ("before", "after"))
    shutil.rmtree(folder)
    return Cost(
        way, questions, cpu, cpu_after - cpu, usage.ru_utime + usage.ru_stime, clock_after - clock, wall,
        usage.ru_maxrss / 1024, answers,
    )  # fmt: skip


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        FILE: str(folder / "times.json"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(folder / "hf"),
        "PYTHONPATH": str(Path.cwd()),
    }


def _command(way: str, model: Path, table: Path, folder: Path, peer: str) -> list[str]:
    if way in DTYPES:
        return _mmeval(model, table, folder, DTYPES[way])
    if way == PEER:
        return _lmms_eval(model, table, folder, peer)
    return [sys.executable, "-m", "benchmarks.peer.plain", way, str(model), str(table), str(folder / "answers.json")]


def _mmeval(model: Path, table: Path, folder: Path, dtype: str) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.peer.ours", "run", "--task", "mme", "--data", str(table)]
    command += ["--model", str(model), "--dtype", dtype, "--device", "cpu", "--recipe", "lmms-eval-0.7"]
    return [*command, "--no-cache", "--out", str(folder / "run")]


def _lmms_eval(model: Path, table: Path, folder: Path, python: str) -> list[str]:
    """Write lmms-eval's task for a local table, and return its command."""
    tasks = folder / "tasks"
    tasks.mkdir()
    locate = "from importlib.util import find_spec; print(find_spec('lmms_eval').submodule_search_locations[0])"
    installed = subprocess.run([python, "-c", locate], check=True, capture_output=True, text=True).stdout.strip()
    included = Path(installed) / "tasks" / "mme" / "mme.yaml"
    (tasks / "mme_peer.yaml").write_text(TASK.format(included=included, table=table))
    command = [python, "-m", "benchmarks.peer.lmms", "--model", "instructblip", "--model_args", f"pretrained={model}"]
    command += ["--device", "cpu", "--tasks", "mme_peer", "--include_path", str(tasks), "--batch_size", "1"]
    return [*command, "--log_samples", "--output_path", str(folder / "out")]


def _answers(way: str, folder: Path) -> Iterator[str]:
    """Yield the answers in the questions' order. Raises SystemExit if one is an error."""
    if way in DTYPES:
        rows = [json.loads(line) for line in (folder / "run" / "records.jsonl").read_text().splitlines()]
        if errors := [row for row in rows if row.get("error")]:
            raise SystemExit(f"{way}: {errors[0]['id']}: no answer but an error ({errors[0]['error']})")
        yield from (row["text"] for row in sorted(rows, key=lambda row: row["id"].partition("/")[2]))
    elif way == PEER:
        (file,) = (folder / "out").rglob("*_samples_*.jsonl")
        rows = sorted((json.loads(line) for line in file.read_text().splitlines()), key=lambda row: row["doc_id"])
        yield from (row["filtered_resps"] for row in rows)
    else:
        yield from json.loads((folder / "answers.json").read_text())


if __name__ == "__main__":
    main()
