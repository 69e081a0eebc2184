"""Damaged input ends in a sentence: no traceback, no hang, no flood of memory.

`MMEVAL_FUZZ_SECONDS` is how long all targets take together, two minutes unless `make fuzz` runs them: 40 minutes, of
two processes. A failure prints the seed that repeats it: `MMEVAL_FUZZ_SEED=N pytest tests/fuzz -k TARGET`.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from types import FrameType

import pytest

from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, sentences

SEED = os.environ.get("MMEVAL_FUZZ_SEED")
SECONDS = float(os.environ.get("MMEVAL_FUZZ_SECONDS", "120")) if SEED is None else 0.0
PATIENCE = 10
"""Seconds that one damaged input may take."""
MEMORY = 2 << 30
"""Bytes that a process may come to hold."""
pytestmark = pytest.mark.slow


class HangError(Exception):
    """An input took longer than it may."""


def _hang(number: int, frame: FrameType | None) -> None:
    raise HangError(f"longer than {PATIENCE} seconds")


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_ends_in_a_sentence(name: str, tmp_path: Path) -> None:
    target, folder = TARGETS[name], tmp_path / "good"
    folder.mkdir()
    target.make(folder)
    target.read(folder, random.Random(0))
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    first = time.time_ns() if SEED is None else int(SEED)
    until, seed, failures = time.monotonic() + SECONDS / len(TARGETS), first, list[str]()
    known = sentences()
    previous = signal.signal(signal.SIGALRM, _hang)
    try:
        while seed == first or (time.monotonic() < until and len(failures) < 5):
            rng = random.Random(seed)
            path = rng.choice(list(files))
            path.write_bytes(mutate(files[path], rng))
            signal.alarm(PATIENCE)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    target.read(folder, rng)
            except known as error:
                if "\n" in str(error):
                    failures.append(f"seed {seed}: more than a line: {error}")
            except Exception:
                failures.append(f"seed {seed}, {path.name}:\n{traceback.format_exc()[-3000:]}")
            finally:
                signal.alarm(0)
                _restore(folder, files)
            seed += 1
    finally:
        signal.signal(signal.SIGALRM, previous)
    print(f"{name}: {seed - first:,} inputs from seed {first}", file=sys.stderr)
    assert not failures, "\n\n".join(failures)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MEMORY or SECONDS < 300, "too much memory"


def _restore(folder: Path, files: dict[Path, bytes]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
