"""Killed at any instant, other outputs resume and end with the same bytes as without a kill."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.forks import FORKS
from tests.mic import mic_folders
from tests.mme_folder import make_release
from tests.torture.child import Order, run
from tests.training.conftest import config_values, write_base, write_examples

KILLS = int(os.environ.get("MMEVAL_KILLS", "20"))
pytestmark = [pytest.mark.slow, pytest.mark.processes]
Command = Callable[[Path], tuple[str, ...]]
"""Returns the command that writes into a folder."""
Make = Callable[[Path], object]
"""Makes what must be in the folder before."""


def call(order: Order) -> int:
    child = FORKS.Process(target=run, args=(order,))
    child.start()
    child.join(240)
    assert child.exitcode is not None, "it hangs"
    return child.exitcode


def killed(root: Path, command: Command, kills: int, patterns: Iterable[str], make: Make = lambda folder: None) -> None:
    """Kill a command again and again until it is done; compare its files with those of one that was never killed."""
    log, rng, kills_done, rounds = root / "a.log", random.Random(0), 0, 0
    log.write_text("")
    make(root / "whole")
    assert call(Order(command(root / "whole"), root / "whole", log)) == 0, log.with_suffix(".out").read_text()[-900:]
    expected, instants = written(root / "whole", patterns), int(log.read_text().split()[-1])
    assert expected
    while kills_done < kills:
        rounds += 1
        folder = root / f"killed{rounds}"
        make(folder)
        for _ in range(6 if kills > 1 else 2):
            status = call(Order(command(folder), folder, log, rng.randrange(1, instants + 1)))
            assert status in (0, -signal.SIGKILL), log.with_suffix(".out").read_text()[-900:]
            kills_done += status != 0
        assert call(Order(command(folder), folder, log)) == 0, log.with_suffix(".out").read_text()[-900:]
        assert written(folder, patterns) == expected


def written(folder: Path, patterns: Iterable[str]) -> dict[str, bytes]:
    """Return the files by name, the folder's own name left out of them."""
    paths = (path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes().replace(folder.name.encode(), b"FOLDER") for path in paths}


def test_a_training_that_is_killed_at_any_instant_goes_on(tmp_path: Path) -> None:
    write_examples(tmp_path)
    write_base(tmp_path)

    def command(folder: Path) -> tuple[str, ...]:
        file = folder.with_suffix(".yaml")
        held_out = {"held_out": str(tmp_path / "train.jsonl"), "held_out_limit": 3, "max_new_tokens": 2}
        values = config_values(tmp_path, output=str(folder), steps=6, evaluate_every=2, **held_out)
        file.write_text(json.dumps(values))  # JSON is YAML
        return ("train", "stage2", "--config", str(file))

    killed(tmp_path, command, KILLS // 10, ("trained/trained.safetensors", "checkpoint-6/trained.safetensors"))


def test_a_build_that_is_killed_at_any_instant_goes_on(tmp_path: Path) -> None:
    mic_folders.vqav2(tmp_path / "root")

    def command(folder: Path) -> tuple[str, ...]:
        return ("mic", "build", "--source", "vqav2", "--root", str(tmp_path / "root"), "--out", str(folder))

    killed(tmp_path, command, KILLS // 5, ("*.jsonl", "pictures/*", "mic.json"))


def test_a_sweep_that_is_killed_at_any_instant_goes_on(tmp_path: Path) -> None:
    data, grid = make_release(tmp_path / "data", pictures=1), tmp_path / "grid.yaml"
    grid.write_text(f"task: [mme]\nmodel: [constant, 'constant:no']\ndata: {data}\nlimit: 8\ncontrols: [absent]\n")
    runs = ("*", "*/controls/absent")

    def command(folder: Path) -> tuple[str, ...]:
        return ("sweep", str(grid), "--out", str(folder))

    killed(tmp_path, command, KILLS // 20, ("sweep/*", *(f"{pattern}/ids.json" for pattern in runs), "*/table.csv"))
    for journal in tmp_path.glob("killed*/**/records.jsonl"):
        ids = [json.loads(line)["id"] for line in journal.read_text().splitlines()]
        assert len(ids) == len({*ids}) == 8, "asked twice"


READERS = {
    "compare": (("--out",), ("compared/*.md", "compared/*.csv", "compared/*.svg")),
    "report": (("--out",), ("compared/*.svg",)),
    "export": (("--to", "lm-eval"), ("one/exports/*",)),
    "bias": ((), ("one/bias*", "one/unsolved-blind.txt")),
}
"""Commands that read a run -> their options, and what they write."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("read")
    data = make_release(root / "data", pictures=1)
    for folder, model in (("one", "constant"), ("two", "constant:no")):
        arguments = ("--task", "mme", "--model", model, "--data", str(data), "--control", "absent", "--json")
        order = Order(("run", *arguments, "--out", str(root / "runs" / folder)), root, root / "a.log")
        assert call(order) == 0
    return root / "runs"


@pytest.mark.parametrize("name", READERS)
def test_a_reader_of_runs_that_is_killed_at_any_instant_goes_on(tmp_path: Path, runs: Path, name: str) -> None:
    options, patterns = READERS[name]

    def command(folder: Path) -> tuple[str, ...]:
        read = [str(folder / run_name) for run_name in (("one", "two") if options == ("--out",) else ("one",))]
        return (name, *read, *options, *([str(folder / "compared")] if options == ("--out",) else []))

    killed(tmp_path, command, KILLS // 20, patterns, lambda folder: shutil.copytree(runs, folder))
