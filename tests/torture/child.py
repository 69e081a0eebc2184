"""What the torture test kills: the command line with a model that notes its work, and a clock of file operations.

An instant is anything that may leave files half done: before a file of the run's folder is opened for writing, renamed
or deleted, after it was opened, and before and after each answer is kept. The child dies at the instant of its order.
"""

from __future__ import annotations

import builtins
import hashlib
import io
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmeval.cli import main
from mmeval.evaluation import sweep
from mmeval.models.constant import Constant
from mmeval.types import Generation, Request, Response, images
from tests.torture.faults import FAULTS

EVENTS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
CONTROL = "absent"
"""The control under which runs are asked again; its requests are those without a picture."""
WRITES = Path("/proc/self/io")
"""Where Linux counts a process's write calls."""


@dataclass(frozen=True)
class Order:
    """What a child does, and when it dies."""

    command: tuple[str, ...]
    folder: Path
    log: Path
    """Gets a line for each question that is asked and each answer that is kept."""
    instant: int = 0
    """The instant to die at; 0: never."""
    signal: int = signal.SIGKILL
    fault: str = ""
    room: int | None = None
    """Bytes that a file may have, as on a disk that is full."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> int | None:
        """Return which of several processes this is."""
        return int(self.environment["RANK"]) if self.environment else None


class Clock:
    """Counts instants."""

    def __init__(self, order: Order) -> None:
        self.order, self.now, self.folder = order, 0, str(order.folder)

    def tick(self) -> None:
        self.now += 1
        if self.now == self.order.instant:
            os.kill(os.getpid(), self.order.signal)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS and str(arguments[0]).startswith(self.folder) and not _reads(event, arguments):
            self.tick()

    def opened(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def opening(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
            file = original(path, mode, *rest, **more)
            if str(path).startswith(self.folder) and set(mode) & set("wax+"):
                self.tick()
            return file

        return opening


def _reads(event: str, arguments: tuple[Any, ...]) -> bool:
    return event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)


class Noting(Constant):
    """Answers by the length of the id; every tenth question fails the first time that it is asked."""

    def __init__(self, order: Order, clock: Clock) -> None:
        super().__init__("noting", "yes")
        self._failed = order.folder.with_suffix(".failed")
        log = order.log if order.room is None else os.devnull  # which has room
        self._log, self._clock = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), clock
        self._fails = order.room is None

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        failed_earlier = set(self._failed.read_text().splitlines()) if self._failed.exists() else set()
        for request in requests:
            id = request.id if images(request.prompt) else f"{CONTROL} {request.id}"
            os.write(self._log, f"asked {id}\n".encode())
            response = Response(request.id, text="yes" if len(request.id) % 2 else "no")
            if self._fails and tenth(id) and id not in failed_earlier:
                with self._failed.open("a") as file:
                    file.write(f"{id}\n")
                response = Response(request.id, error="the machine was busy; run again")
            writes = _writes()
            self._clock.tick()
            yield response
            if _writes() - writes not in (0, 1):  # 0: not counted here
                os.write(self._log, f"written in pieces {id}\n".encode())
            if response.error is None:
                os.write(self._log, f"answered {id}\n".encode())
            os.write(self._log, f"kept {id}\n".encode())
            self._clock.tick()


def _writes() -> int:
    """Return how many write calls this process made; on another system than Linux nothing is counted."""
    if not WRITES.exists():
        return 0
    return int(WRITES.read_text().split("syscw:")[1].split()[0])


def tenth(id: str) -> bool:
    """Tell whether a question is one of those that fail at first: about one in ten."""
    return hashlib.sha256(id.encode()).digest()[0] % 10 == 0


def work(order: Order) -> None:
    """Run the command with the model that notes its work; end with its status, unless the instant comes first."""
    clock = Clock(order)
    os.environ.update(order.environment)
    if order.fault:
        FAULTS[order.fault].plant()
    setattr(sweep, "load_model", lambda *_: Noting(order, clock))  # noqa: B010
    run(order, clock)


def run(order: Order, clock: Clock | None = None) -> None:
    """Run any command; end with its status, unless the instant comes first."""
    clock = clock or Clock(order)
    output = os.open(order.log.with_suffix(".out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    opening = clock.opened(io.open)
    setattr(io, "open", opening)  # noqa: B010
    setattr(builtins, "open", opening)  # noqa: B010
    if order.room is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.room, resource.RLIM_INFINITY))
    sys.addaudithook(clock.audit)
    try:
        main(list(order.command), prog_name="mmeval")
    except SystemExit as end:
        if order.room is None:
            with order.log.open("a") as log:
                log.write(f"instants {clock.now}\n")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))
