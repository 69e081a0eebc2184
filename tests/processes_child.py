"""One of several processes of a run, as a launcher starts them; it may be killed after some answers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from mmeval.cli import main
from mmeval.evaluation import sweep
from mmeval.models.constant import Constant
from mmeval.reporting import page, run_report
from mmeval.types import Generation, Request, Response


class Dying(Constant):
    """Answers yes to ids of even length and no to others; dies after that many answers."""

    def __init__(self, answers: int | None) -> None:
        super().__init__("yes", "dying")
        self._left = answers

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            yield Response(request.id, text="no" if len(request.id) % 2 else "yes")
            self._left = None if self._left is None else self._left - 1


def work(command: list[str], environment: dict[str, str], answers: int | None, output: Path) -> None:
    """Run the command line; end with its status."""
    os.environ.update(environment)
    setattr(sweep, "load_model", lambda *_: Dying(answers))  # noqa: B010

    setattr(run_report, "_draw", lambda *_: [Path(command[-1])])  # noqa: B010  # drawing takes seconds
    setattr(page, "write", lambda *_: Path(command[-1]))  # noqa: B010
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    main(command, prog_name="mmeval")
