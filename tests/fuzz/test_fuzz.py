"""Damaged input ends in a sentence, without a traceback, a hang or excessive memory.

`MMEVAL_FUZZ_SECONDS` is the time for all targets together: twenty seconds and fixed seeds by default, 40 minutes in two
processes and new seeds with `make fuzz`. A failure prints the seed that repeats it:
`MMEVAL_FUZZ_SEED=N pytest tests/fuzz -k TARGET`.
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.fuzz.mutate import mutate
from tests.fuzz.target import sentences
from tests.fuzz.targets import TARGETS

SEED = os.environ.get("MMEVAL_FUZZ_SEED")
SHARE = "MMEVAL_FUZZ_SECONDS" not in os.environ
"""Whether `make test` runs its share, with fixed seeds: a failure is due to the change, not to chance."""
SECONDS = float(os.environ.get("MMEVAL_FUZZ_SECONDS", "20")) if SEED is None else 0.0
CPU_SECONDS = 10
"""CPU seconds that one damaged input may take."""
SECONDS_BY_THE_CLOCK = 60
"""Seconds by the clock that it may take; other processes may keep the machine busy."""
MEMORY = 2 << 30
"""Bytes of memory that a process may use."""
KINDS = 5
"""Different failures of a target that are reported."""
pytestmark = pytest.mark.slow


class HangError(BaseException):
    """An input took too long. No `except Exception` of a reader catches this."""


@contextmanager
def _time_limit() -> Iterator[None]:
    def hang(number: int, frame: FrameType | None) -> None:
        raise HangError(f"longer than {CPU_SECONDS} seconds of a processor, or {SECONDS_BY_THE_CLOCK} by the clock")

    timers = (
        (signal.SIGPROF, signal.ITIMER_PROF, CPU_SECONDS),
        (signal.SIGALRM, signal.ITIMER_REAL, SECONDS_BY_THE_CLOCK),
    )
    previous = [signal.signal(number, hang) for number, _, _ in timers]
    try:
        for _, timer, seconds in timers:
            signal.setitimer(timer, seconds)
        yield
    finally:
        for (number, timer, _), handler in zip(timers, previous, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_ends_in_a_sentence(name: str, tmp_path: Path) -> None:
    target, folder = TARGETS[name], tmp_path / "good"
    folder.mkdir()
    target.make(folder)
    if target.good:
        target.read(folder, random.Random(0))
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    first = 0 if SHARE else time.time_ns()
    if SEED is not None:
        first = int(SEED)
    until, seed, failures = time.monotonic() + SECONDS / len(TARGETS), first, dict[str, str]()
    known = sentences()
    while seed == first or (time.monotonic() < until and len(failures) < KINDS):
        rng = random.Random(seed)
        path = rng.choice(list(files))
        path.write_bytes(mutate(files[path], rng))
        try:
            with warnings.catch_warnings(), _time_limit():
                warnings.simplefilter("ignore")
                target.read(folder, rng)
        except known as error:
            if "\n" in str(error):
                failures["more than a line"] = f"seed {seed}: more than a line: {error}"
        except (Exception, HangError):
            trace = traceback.format_exc()
            failures.setdefault(_last_line(trace), f"seed {seed}, {path.name}:\n{trace[-3000:]}")
        finally:
            _restore(folder, files)
        seed += 1
    print(f"{name}: {seed - first:,} inputs from seed {first}", file=sys.stderr)
    if failures:
        pytest.fail("\n\n".join(failures.values()), pytrace=False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MEMORY or SECONDS < 300, "too much memory"


def _last_line(trace: str) -> str:
    """Return where a traceback ends, that of a command inside the message included: failures at one place are one."""
    return str(re.findall(r'File ".+", line \d+', trace)[-1])


def _restore(folder: Path, files: dict[Path, bytes]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
