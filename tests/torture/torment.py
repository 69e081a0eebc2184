"""Runs killed again and again, by one process or two, with a control or without, and the required results."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.forks import FORKS
from tests.mme_folder import make_release
from tests.torture.child import CONTROL, Order, tenth, work
from tests.torture.faults import FAULTS

Records = dict[str, dict[str, Any]]
"""By id; the ids of records under the control begin with its name."""
Rank = int | None
"""Which of two processes; None: the only one."""


@dataclass(frozen=True)
class Kind:
    """How a run is worked on."""

    ranks: tuple[Rank, ...] = (None,)
    control: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        return ("--control", CONTROL) if self.control else ()


KINDS = {"alone": Kind(), "two processes": Kind(ranks=(0, 1)), "with a control": Kind(control=True)}

_WHOLE: dict[Kind, Path] = {}
"""A run of each kind that was never killed, made once; its data are beside it."""


class Torment:
    """One data set, and a run of it that was never killed."""

    def __init__(self, folder: Path, kind: Kind = KINDS["alone"], fault: str = "", seed: int = 0) -> None:
        self.root, self.kind, self.fault, self.rng = folder, kind, "", random.Random(seed)
        self.weights = FAULTS[fault].weights if fault else (6, 2, 2)
        self.kills, self.rounds = 0, 0
        whole = _WHOLE.setdefault(kind, folder / "never killed" / "run")
        self.data = whole.with_name("data")
        if not whole.exists():
            make_release(self.data, pictures=2)
            for _ in range(2):  # the second time, nothing fails any more
                assert self.call(whole) in (0, 1), self.output(whole)
        self.instants = int(self.noted(whole, "instants")[-1])
        self.reference = shutil.copytree(whole, folder / "whole")
        self.expected = read(self.reference)
        self.fault = fault
        assert self.call(self.reference, "--limit", "10") == 2, "a run of another identity was taken for this one"
        assert sum(map(tenth, self.expected)) in range(1, len(self.expected) // 5)

    def command(self, folder: Path, *extra: str) -> tuple[str, ...]:
        """Return the command of a run that shows no progress, so that its only write calls are those of records."""
        options = ("--task", "mme", "--model", "constant", "--data", str(self.data), *self.kind.options)
        return ("run", *options, "--out", str(folder), "--json", *extra)

    def order(self, folder: Path, rank: Rank = None, **changes: Any) -> Order:
        """Return the order to work on a run, which dies nowhere."""
        environment = {} if rank is None else {"RANK": str(rank), "WORLD_SIZE": str(len(self.kind.ranks))}
        order = Order(self.command(folder), folder, self.log(folder, rank), fault=self.fault, environment=environment)
        return replace(order, **changes)

    def call(self, folder: Path, *extra: str, **changes: Any) -> int:
        """Run a command alone, to its end or to the instant of its death; returns its status."""
        (status,) = exit_statuses(self.order(folder, **{"command": self.command(folder, *extra), **changes}))
        return status

    def log(self, folder: Path, rank: Rank = None) -> Path:
        return folder.with_name(f"{folder.name}{'' if rank is None else f'-{rank}'}.log")

    def noted(self, folder: Path, event: str, rank: Rank = None) -> list[str]:
        lines = self.log(folder, rank).read_text().splitlines()
        return [line.removeprefix(f"{event} ") for line in lines if line.startswith(f"{event} ")]

    def output(self, folder: Path, rank: Rank = None) -> str:
        return self.log(folder, rank).with_suffix(".out").read_text()[-600:]

    def round(self, kills: int) -> None:
        """Begin a run, kill it until it is complete, and compare it with the one that was never killed."""
        self.rounds += 1
        folder = self.root / f"killed{self.rounds}"
        self.once_held(folder)
        self.scored_too_early(folder)
        while self.kills < kills and read(folder) != self.expected:
            action = self.rng.choices(("run", "fresh", "score"), self.weights)[0]
            if action == "score":
                self.once_scored(folder)
                continue
            if action == "fresh":
                self.once_asked(folder, fresh=True)
            self.once_asked(folder, fresh=False)
        for _ in range(3):
            orders = [self.order(folder, rank) for rank in self.kind.ranks]
            statuses = exit_statuses(*orders)
            if read(folder) == self.expected and statuses == [0] * len(orders):
                break
            assert {*statuses} <= {0, 1}, f"the same command does not go on: {self.output(folder, orders[0].rank)}"
        assert read(folder) == self.expected, "other records than those of a run never killed"
        assert scores(folder) == scores(self.reference), "other scores than those of a run never killed"

    def once_asked(self, folder: Path, fresh: bool) -> None:
        """Kill the processes of a run at an instant each, and look at what is left."""
        before = read(folder)
        answered = {id: record for id, record in before.items() if "error" not in record}
        ranks: Sequence[Rank] = (None,) if fresh or self.rng.random() < 0.25 else self.kind.ranks
        instants = [self.instant(len(answered), fresh, len(ranks)) for _ in ranks]
        orders = [self.order(folder, rank, instant=at) for rank, at in zip(ranks, instants, strict=True)]
        if fresh:
            orders = [replace(order, command=self.command(folder, "--fresh")) for order in orders]
        statuses = exit_statuses(*orders)
        after, asked_ids = read(folder), list[str]()
        for rank, status in zip(ranks, statuses, strict=True):
            self.judge(status, folder, rank)
            asked_ids += self.noted(folder, "asked", rank)
            kept_ids, answered_ids = (set(self.noted(folder, event, rank)) for event in ("kept", "answered"))
            assert kept_ids <= after.keys(), f"kept, and not on the disk: {sorted(kept_ids - after.keys())[:3]}"
            lost = [id for id in answered_ids & kept_ids if "error" in after[id]]
            assert not lost, f"an answer was lost, and an error counts: {lost[:3]}"
            assert not self.noted(folder, "written in pieces", rank), "a record was written in more than one piece"
        assert len(asked_ids) == len({*asked_ids}), "asked by two processes"
        repeated = {*asked_ids} & answered.keys()
        assert fresh or not repeated, f"asked again: {sorted(repeated)[:3]}"
        assert fresh or answered.items() <= after.items(), "an answer was lost"
        for id, record in after.items():
            assert "error" in record or record == self.expected[id], f"another record than one never killed: {id}"
        if -signal.SIGKILL in statuses and after and self.rng.random() < 0.5:
            with self.rng.choice(journals(folder)).open("a") as file:  # the next line, had the kill come in its midst
                file.write('{"id": "torn", "te')

    def instant(self, answered: int, fresh: bool, processes: int) -> int:
        """Choose when to die: anywhere in what is left to do; often before the first answer of a run begun anew."""
        if fresh and self.rng.random() < 0.9:
            return self.rng.randrange(1, 26)
        remaining = 1.0 if fresh else 1 - answered / len(self.expected)
        return self.rng.randrange(1, 60 + int(self.instants * remaining / processes))

    def once_scored(self, folder: Path) -> None:
        """Kill what reads a run, which must leave the records as they are and never show scores of others."""
        if not (folder / "run.json").exists() or not read(folder):
            return
        before = contents(folder)
        out = str(folder.with_name("compared"))
        choices = [
            ("score", str(folder)),
            ("report", str(folder), "--out", out),
            ("export", str(folder), "--to", "csv"),
        ]
        command = self.rng.choice([*choices, ("bias", str(folder))] if self.kind.control else choices)
        instant = self.rng.choice((0, self.rng.randrange(1, 60)))  # 0: to its end
        status = self.call(folder, command=command, instant=instant)
        if command[0] == "score" or (folder / "scores.json").exists():
            self.judge(status, folder)
        assert contents(folder) == before, "scoring changed the records"
        if command[0] == "report" and status == 1:
            self.all_scored(folder)

    def scored_too_early(self, folder: Path) -> None:
        """Score half of the records, and report when all are there: what is drawn must be of all."""
        journal = max(journals(folder), key=lambda path: path.stat().st_size)
        content = journal.read_bytes()
        lines = content.splitlines(keepends=True)
        if len(lines) < 2:  # as with a fault that keeps nothing, which the kills will find
            return
        journal.write_bytes(b"".join(lines[: len(lines) // 2]))
        self.judge(self.call(folder, command=("score", str(folder))), folder)
        journal.write_bytes(content)
        out = str(folder.with_name("compared"))
        self.judge(self.call(folder, command=("report", str(folder), "--out", out)), folder)
        self.all_scored(folder)

    def all_scored(self, folder: Path) -> None:
        counted = json.loads((folder / "scores.json").read_text())["counts"]["samples"]
        expected = sum(not id.startswith(CONTROL) for id in read(folder))
        assert counted == expected, "a report of scores that were made from other records"

    def once_held(self, folder: Path) -> None:
        """While one process writes a run, neither another of its kind nor one that works alone may."""
        rank = self.kind.ranks[0]
        holder = start(self.order(folder, rank, instant=40, signal=signal.SIGSTOP))
        assert holder.pid is not None
        wait_for(lambda: Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        others = [self.order(folder, other_rank, log=self.root / "other.log") for other_rank in {rank, None}]
        statuses = [exit_statuses(order)[0] for order in others]
        os.kill(holder.pid, signal.SIGKILL)
        holder.join()
        self.kills += 1
        assert {*statuses} == {2}, "two processes wrote one run"

    def judge(self, status: int, folder: Path, rank: Rank = None) -> None:
        self.kills += status == -signal.SIGKILL
        assert status in (0, 1, -signal.SIGKILL), f"a dead folder, or a fault: {self.output(folder, rank)}"


def start(order: Order) -> multiprocessing.process.BaseProcess:
    order.log.write_text("")
    child = FORKS.Process(target=work, args=(order,))
    child.start()
    return child


def exit_statuses(*orders: Order) -> list[int]:
    """Carry out orders at the same time; return their exit statuses."""
    statuses = []
    for child in [start(order) for order in orders]:
        child.join(120)
        assert child.exitcode is not None, "it hangs"
        statuses.append(child.exitcode)
    return statuses


def journals(folder: Path) -> list[Path]:
    """Return the journals of a run, those of several processes behind that of one, and of its control behind these."""
    return [*sorted(folder.glob("records*.jsonl")), *sorted(folder.glob("controls/*/records*.jsonl"))]


def contents(folder: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in journals(folder)}


def read(folder: Path) -> Records:
    """Return the last record of each id as it stands on the disk, whole lines only, without what is measured."""
    records: Records = {}
    attempts: dict[str, int] = {}
    for path in journals(folder):
        under = "" if path.parent == folder else f"{CONTROL} "
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue
            record = _parsed(line)
            id, attempt = f"{under}{record['id']}", record.pop("attempt", 0)
            if attempt >= attempts.get(id, 0):
                attempts[id] = attempt
                records[id] = {key: value for key, value in record.items() if key != "seconds"}
    return records


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError as error:
        raise AssertionError(f"a line that is no record: {line[:80]!r}") from error


def scores(folder: Path) -> list[dict[str, Any]]:
    """Return the scores without what depends on the number of sessions and the order of the answers."""
    paths = [folder / "scores.json", *sorted(folder.glob("controls/*/scores.json"))]
    results = [json.loads(path.read_text()) for path in paths]
    return [{name: value for name, value in result.items() if name not in ("remarks", "records")} for result in results]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came there"
        time.sleep(0.005)


def torment(folder: Path, kills: int, kind: str = "alone", fault: str = "") -> Torment:
    """Kill runs of that kind `kills` times."""
    result = Torment(folder, KINDS[kind], fault, FAULTS[fault].seed if fault else 0)
    while result.kills < kills:
        result.round(kills)
        shutil.rmtree(folder / f"killed{result.rounds}")
    return result
