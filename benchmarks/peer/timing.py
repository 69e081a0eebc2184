"""Timing inside each way: when its loop over the questions began and ended. Standard library only."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "PEER_TIMES"
"""Environment variable with the path of the file for the times."""


@contextmanager
def loop() -> Iterator[None]:
    """Write the processor seconds of this process, all threads, and the clock, before and after the loop."""
    before = (time.process_time(), time.time())
    yield
    after = (time.process_time(), time.time())
    Path(os.environ[FILE]).write_text(json.dumps({"before": before, "after": after}))
