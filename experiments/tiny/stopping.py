"""Stopping a training between two steps, so that it can write its checkpoint first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Whether SIGINT (Ctrl-C) or SIGTERM has asked this process to stop."""

    number: int = 0
    """The first of these signals that was received, or 0."""

    def receive(self, number: int, _: object) -> None:
        """Handle a signal."""
        self.number = self.number or number


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Keep SIGINT and SIGTERM from ending this process; the loop inside looks at `number` and ends itself.

    Raises KeyboardInterrupt with the signal's number at the end if there was one.
    """
    stop = Stop()
    handlers = {number: signal.signal(number, stop.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if stop.number:
        raise KeyboardInterrupt(stop.number)


def interrupt(number: int, _: object) -> None:
    """Handle a signal as Ctrl-C is handled, but with its number."""
    raise KeyboardInterrupt(number)


def status(interrupted: KeyboardInterrupt) -> int:
    """Return the exit status of a process that was interrupted, as shells count signals."""
    return 128 + int(interrupted.args[0] if interrupted.args else signal.SIGINT)
