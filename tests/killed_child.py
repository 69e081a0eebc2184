"""What the torture test kills: a run whose model is slow, fails at one question in ten at first, and notes its work."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval import evaluation
from mmeval.models.constant import Constant
from mmeval.spec import RunSpec
from mmeval.types import Generation, Request, Response
from tests.evaluating import Collected

PATIENCE = 0.002
"""Seconds of an answer."""


class Slow(Constant):
    """Answers by the length of the id; every tenth question fails the first time that it is asked."""

    def generate(self, requests: Sequence[Request], generation: Generation) -> Iterator[Response]:
        asked, failed = Path(self.answer), Path(f"{self.answer}-failed")
        before = set(failed.read_text().split()) if failed.exists() else set()
        with asked.open("a", buffering=1) as asked_log, failed.open("a", buffering=1) as failed_log:
            for request in requests:
                asked_log.write(request.id + "\n")
                time.sleep(PATIENCE)
                if tenth(request.id) and request.id not in before:
                    failed_log.write(request.id + "\n")
                    yield Response(request.id, error="the machine was busy; run again")
                else:
                    yield Response(request.id, text="yes" if len(request.id) % 2 else "no")


def tenth(id: str) -> bool:
    """Tell whether a question is one of those that fail at first: about one in ten."""
    return hashlib.sha256(id.encode()).digest()[0] % 10 == 0


def main(data: str, folder: Path, asked: Path) -> None:
    planned = evaluation.plan(RunSpec("mme", "constant", data=data), folder)
    run = evaluation.ask(planned, fresh=False, keep_errors=False, display=Collected(), load=lambda *_: Slow(str(asked)))
    evaluation.score(run)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
