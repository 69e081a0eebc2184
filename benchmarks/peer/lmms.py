"""Run lmms-eval with the given arguments and time its model's loop; needs lmms-eval's environment."""

from typing import Any

from lmms_eval.__main__ import cli_evaluate  # type: ignore[import-not-found]
from lmms_eval.models.simple.instructblip import InstructBLIP  # type: ignore[import-not-found]

from benchmarks.peer.timing import loop

untimed = InstructBLIP.generate_until


def generate_until(self: Any, requests: Any) -> Any:
    """Answer as before, but timed."""
    with loop():
        return untimed(self, requests)


if __name__ == "__main__":
    InstructBLIP.generate_until = generate_until
    cli_evaluate()
