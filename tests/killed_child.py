"""What the torture test kills: a run whose model is slow and notes whatever it is asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmeval import evaluation as door
from mmeval import loop
from mmeval import run as runs
from mmeval.task import load_task
from mmeval.types import Generation, Request, Response


class Slow:
    """Answers by the length of the id, two thousandths of a second each, and keeps a list of what it was asked."""

    name = "slow"
    digest = "0"
    context = "plain"
    max_images: int | None = None
    settings: Mapping[str, str] = {}

    def __init__(self, asked: Path) -> None:
        self.asked = asked.open("a", buffering=1)

    def generate(self, requests: Sequence[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            self.asked.write(request.id + "\n")
            time.sleep(0.002)
            yield Response(request.id, text="yes" if len(request.id) % 2 else "no")

    def loglikelihood(self, requests: Sequence[Request]) -> Iterator[Response]:
        raise NotImplementedError

    def preview(self, request: Request) -> Response:
        return Response(request.id)


def main(data: str, folder: Path, asked: Path) -> None:
    task = load_task("mme")
    plan = loop.survey(task.samples(data))
    run = runs.create(folder, {"task": {"name": "mme"}, "data": plan.digest}, len(plan.ids))
    run.note({"pid": 0})
    loop.ask(
        task,
        Slow(asked),
        run,
        task.samples(data),
        plan,
        prompt="release",
        generation=Generation(),
        progress=lambda done, total: None,
    )
    door.rescore(run)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
