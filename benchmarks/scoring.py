"""Scoring an MMBench predictions table, 24,588 rows in the official columns: seconds to read, to score, and in total.

`make bench-score`. The table is made up, with answers in every form that models write. The whole command is timed as a
separate process, including imports, intervals and the printed table.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmeval.data.mmbench import PASS
from mmeval.reporting.leaderboards import mmbench
from mmeval.runs.scored import score_records
from mmeval.scoring.metrics.circular import turned, turned_letter
from mmeval.scoring.readings import choices
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.tasks.mmbench import ABILITIES
from mmeval.types import Record

QUESTIONS = 6147
ROUNDS = 3
WORDS = ("cat", "dog", "bird", "horse", "small", "large", "red", "blue", "green", "house", "tree", "left", "kitchen")
ANSWERS = (
    "{letter}",
    "{letter}. {text}",
    "({letter})",
    "The answer is {letter}.",
    "{text}",
    "I think that it is {text}, because of what the picture shows on the left.",
    "Looking at the picture, option {letter} is the only one that fits; the others can be ruled out.",
    "It cannot be told from this.",
)
"""Ways to write that letter; the last one means none."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a Markdown table; exit with status 1 if not every row was scored."""
    argparse.ArgumentParser("python -m benchmarks.scoring", description=__doc__).parse_args(arguments)
    rows = table()
    print("| format | rows | questions | read | scored | whole command | its processor time |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for suffix in (".tsv", ".xlsx"):
            path = Path(temporary) / f"model_MMBench_TEST_EN{suffix}"
            write(path, rows)
            task = load_task("mmbench")
            assert task.read_predictions is not None
            read, records = timed(partial(task.read_predictions, str(path)))
            scored, results = timed(partial(_score, task, records))
            if results["counts"]["samples"] != len(rows):
                raise SystemExit(f"{results['counts']['samples']} of {len(rows)} rows were scored")
            command = [sys.executable, "-m", "mmeval", "score", "--task", "mmbench", "--predictions", str(path)]
            before = os.times()
            whole, _ = timed(partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL))
            after = os.times()
            busy = (
                after.children_user + after.children_system - before.children_user - before.children_system
            ) / ROUNDS
            seconds = " | ".join(f"{value:.2f} s" for value in (read, scored, whole, busy))
            print(f"| {suffix} | {len(rows):,} | {QUESTIONS:,} | {seconds} |")


def _score(task: Task, records: list[Record]) -> dict[str, Any]:
    return score_records(task, records).results()


def table() -> list[list[int | str]]:
    """Return the rows, first passes first, in the columns of `mmbench.COLUMNS`."""
    rng = random.Random("scoring")
    leaves = [(leaf, name) for name, (_, leaves) in ABILITIES.items() for leaf in leaves]
    passes: list[list[list[int | str]]] = [[] for _ in range(4)]
    for index in range(1, QUESTIONS + 1):
        leaf, short = leaves[index % len(leaves)]
        options = [f"{a} {b} {index % 7}" for a, b in zip(rng.sample(WORDS, 4), rng.sample(WORDS, 4), strict=True)]
        right = rng.choice("ABCD")
        for turn in range(4):
            turned_options, answer = turned(options, turn), turned_letter(right, 4, turn)
            letter = answer if rng.random() < 0.8 else rng.choice("ABCD")
            text = rng.choice(ANSWERS).format(letter=letter, text=turned_options["ABCD".index(letter)])
            question = f"Question {index}: what does the picture show, and where?"
            about: list[int | str] = [leaf, "made up", ABILITIES[short][0], "", ("dev", "test")[index % 2]]
            passes[turn].append([index + turn * PASS, question, "", *turned_options, answer, *about, text])
    return [row for rows in passes for row in rows]


def write(path: Path, rows: list[list[int | str]]) -> None:
    """Write the table in the format of the file's suffix."""
    if path.suffix == ".xlsx":
        mmbench.sheet(path, rows)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(mmbench.COLUMNS)
        writer.writerows(rows)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Call a function several times; return the median of the seconds, and the last result."""
    seconds = []
    for _ in range(ROUNDS):
        choices.read_once.cache_clear()
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


if __name__ == "__main__":
    main()
