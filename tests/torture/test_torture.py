"""Killed at any instant, a run loses nothing, asks nothing twice that was answered, and ends as one never killed.

One question in ten fails the first time that it is asked: errors are asked again until all are answered. The test must
be able to fail: each of the faults in `faults` is planted, and must be caught.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.forks import FORKS
from tests.mme_folder import make_release
from tests.torture.child import WRITES, Order, tenth, work
from tests.torture.faults import FAULTS

KILLS = int(os.environ.get("MMEVAL_KILLS", "20"))
MUTANT_KILLS = 300
"""Kills within which a planted fault must be caught."""
pytestmark = [pytest.mark.slow, pytest.mark.processes]
Records = dict[str, dict[str, Any]]


class Torture:
    """One data set, and a run of it that was never killed."""

    def __init__(self, place: Path, fault: str = "", seed: int = 0) -> None:
        self.place, self.fault, self.rng = place, fault, random.Random(seed)
        self.data, self.kills, self.rounds = make_release(place / "data", pictures=2), 0, 0
        self.whole = place / "whole"
        whole = Torture.__new__(Torture)
        whole.__dict__ = {**self.__dict__, "fault": ""}
        for _ in range(2):  # the second time, nothing fails any more
            assert whole.call(self.whole) in (0, 1)
        self.expected, self.instants = read(self.whole), whole.last_instants(self.whole)
        assert sum(tenth(id) for id in self.expected) in range(1, len(self.expected) // 5)

    def command(self, folder: Path, *more: str) -> tuple[str, ...]:
        """Return the command of a run that shows no progress: a write call in its course is one of a record."""
        asked = ("--task", "mme", "--model", "constant", "--data", str(self.data))
        return ("run", *asked, "--out", str(folder), "--json", *more)

    def start(self, order: Order) -> multiprocessing.process.BaseProcess:
        order.log.write_text("")
        child = FORKS.Process(target=work, args=(order,))
        child.start()
        return child

    def call(
        self, folder: Path, *more: str, command: tuple[str, ...] = (), instant: int = 0, room: int | None = None
    ) -> int:
        """Run a command to its end, or to the instant of its death; returns its status."""
        command = command or self.command(folder, *more)
        order = Order(command, folder, self.log(folder), instant, fault=self.fault, room=room)
        child = self.start(order)
        child.join(120)
        assert child.exitcode is not None, "it hangs"
        return child.exitcode

    def log(self, folder: Path) -> Path:
        return folder.with_suffix(".log")

    def noted(self, folder: Path, what: str) -> list[str]:
        lines = self.log(folder).read_text().splitlines()
        return [line.removeprefix(f"{what} ") for line in lines if line.startswith(f"{what} ")]

    def last_instants(self, folder: Path) -> int:
        return int(self.noted(folder, "instants")[-1])

    def round(self, kills: int) -> None:
        """Begin a run, kill it until it is whole, then hold it against the one that was never killed."""
        self.rounds += 1
        folder = self.place / f"killed{self.rounds}"
        self.once_held(folder)
        self.scored_too_early(folder)
        while self.kills < kills and not self.whole_run(folder):
            kind = self.rng.choices(("run", "fresh", "score"), (6, 2, 2) if not self.fault else (2, 2, 2))[0]
            (self.once_scored if kind == "score" else self.once_asked)(folder, fresh=kind == "fresh")
        for _ in range(3):
            status = self.call(folder)
            if status == 0:
                break
            assert status == 1, f"the same command does not go on: {self.output(folder)}"
        found = read(folder)
        assert found == self.expected, "other records than those of a run never killed"
        assert scores(folder) == scores(self.whole), "other scores than those of a run never killed"
        assert self.call(folder, "--limit", "10") == 2, "a run of another identity was taken for this one"

    def once_asked(self, folder: Path, fresh: bool) -> None:
        """Kill the run at an instant, and look at what is left."""
        before = read(folder)
        left = sum("error" in before.get(id, {"error": ""}) for id in self.expected) / len(self.expected)
        instant = self.rng.randrange(1, 60 + int(self.instants * (1.0 if fresh else left)))
        if fresh and self.rng.random() < 0.6:  # while the old run is deleted
            instant = self.rng.randrange(1, 20)
        status = self.call(folder, *(["--fresh"] if fresh else []), instant=instant)
        self.judge(status, folder)
        after = read(folder)
        answered = {id: record for id, record in before.items() if "error" not in record}
        again = set(self.noted(folder, "asked")) & answered.keys()
        assert fresh or not again, f"asked again: {sorted(again)[:3]}"
        assert fresh or answered.items() <= after.items(), "an answer was lost"
        kept = set(self.noted(folder, "kept"))
        assert kept <= after.keys(), f"kept, and not on the disk: {sorted(kept - after.keys())[:3]}"
        for id, record in after.items():
            assert "error" in record or record == self.expected[id], f"another record than one never killed: {id}"
        assert not self.noted(folder, "written in pieces"), "a record was written in more than one piece"
        journal = folder / "records.jsonl"
        if (
            status == -signal.SIGKILL and after and self.rng.random() < 0.3
        ):  # the next line, had the kill come in its midst
            with journal.open("a") as file:
                file.write('{"id": "torn", "te')

    def once_scored(self, folder: Path, fresh: bool) -> None:
        """Kill a scoring or a report, which must leave the records as they are and never show scores of others."""
        if not (folder / "run.json").exists() or not read(folder):
            return
        before = (folder / "records.jsonl").read_bytes()
        out = str(folder.with_name("compared"))
        command = self.rng.choice((("score", str(folder)), ("report", str(folder), "--out", out)))
        instant = self.rng.choice((0, self.rng.randrange(1, 60)))  # 0: to its end
        status = self.call(folder, command=command, instant=instant)
        if command[0] == "score" or (folder / "scores.json").exists():
            self.judge(status, folder)
        assert (folder / "records.jsonl").read_bytes() == before, "scoring changed the records"
        if command[0] == "report" and status == 1:
            counted = json.loads((folder / "scores.json").read_text())["counts"]["samples"]
            assert counted == len(read(folder)), "a report of scores that were made from other records"

    def scored_too_early(self, folder: Path) -> None:
        """Score half of the records, and report when all are there: what is drawn must be of all."""
        journal = folder / "records.jsonl"
        whole = journal.read_bytes()
        lines = whole.splitlines(keepends=True)
        if len(lines) < 2:  # as with a fault that keeps nothing, which the kills will find
            return
        journal.write_bytes(b"".join(lines[: len(lines) // 2]))
        self.judge(self.call(folder, command=("score", str(folder))), folder)
        journal.write_bytes(whole)
        out = str(folder.with_name("compared"))
        self.judge(self.call(folder, command=("report", str(folder), "--out", out)), folder)
        counted = json.loads((folder / "scores.json").read_text())["counts"]["samples"]
        assert counted == len(read(folder)), "a report of scores that were made from other records"

    def once_held(self, folder: Path) -> None:
        """While one process writes a run, another must not."""
        order = Order(self.command(folder), folder, self.log(folder), 40, signal.SIGSTOP, self.fault)
        holder = self.start(order)
        assert holder.pid is not None
        wait_for(lambda: Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        other = self.place / "other"
        order = Order(self.command(folder), folder, self.log(other), fault=self.fault)
        second = self.start(order)
        second.join(120)
        os.kill(holder.pid, signal.SIGKILL)
        holder.join()
        self.kills += 1
        assert second.exitcode == 2, "two processes wrote one run"

    def judge(self, status: int, folder: Path) -> None:
        self.kills += status == -signal.SIGKILL
        assert status in (0, 1, -signal.SIGKILL), f"a dead folder, or a fault: {self.output(folder)}"

    def output(self, folder: Path) -> str:
        return self.log(folder).with_suffix(".out").read_text()[-600:]

    def whole_run(self, folder: Path) -> bool:
        return read(folder) == self.expected


def read(folder: Path) -> Records:
    """Return the last record of each id as it stands on the disk, whole lines only, without what is measured."""
    path = folder / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    records = [_parsed(line) for line in lines if line.endswith(b"\n")]
    return {record["id"]: {key: value for key, value in record.items() if key != "seconds"} for record in records}


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError as error:
        raise AssertionError(f"a line that is no record: {line[:80]!r}") from error


def scores(folder: Path) -> dict[str, Any]:
    """Return all that was scored; how often the run was begun is no score, nor in which order it was answered."""
    results = json.loads((folder / "scores.json").read_text())
    return {name: value for name, value in results.items() if name not in ("remarks", "records")}


def wait_for(condition: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came there"
        time.sleep(0.005)


def torture(place: Path, kills: int, fault: str = "", seed: int = 0) -> Torture:
    found = Torture(place, fault, seed)
    while found.kills < kills:
        found.round(kills)
        shutil.rmtree(place / f"killed{found.rounds}")
    return found


def test_a_run_that_is_killed_at_any_instant_goes_on(tmp_path: Path) -> None:
    found = torture(tmp_path, KILLS)
    assert found.kills >= KILLS


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(tmp_path: Path, fault: str) -> None:
    if fault == "a line in two writes" and not WRITES.exists():
        pytest.skip("this system does not count write calls")
    with pytest.raises(AssertionError, match=FAULTS[fault].caught):
        torture(tmp_path, MUTANT_KILLS, fault)


ROOMS = (0, 1, 8, 64, 200, 400, 600, 800, 1200, 1600, 2400, *range(3000, 36_000, 3000))
"""Bytes that a file may have while the disk is full."""


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    found = Torture(tmp_path)
    for room in ROOMS if KILLS >= 1000 else ROOMS[::5]:
        folder = tmp_path / f"full{room}"
        status = found.call(folder, room=room)
        said = found.output(folder)
        assert status in (0, 1, 2), said
        assert status != 2 or room < 400 or said.count("\n") == 1, said  # what is said has no more room
        before = {id: record for id, record in read(folder).items() if "error" not in record}
        for _ in range(2):
            assert found.call(folder) in (0, 1), found.output(folder)
        assert before.items() <= read(folder).items()
        assert read(folder) == found.expected
        assert scores(folder) == scores(found.whole)


@pytest.fixture(autouse=True)
def _no_children_left() -> Iterator[None]:
    yield
    for child in multiprocessing.active_children():
        child.kill()
