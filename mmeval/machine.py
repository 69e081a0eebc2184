"""What this process may use of the machine."""

import os


def cores() -> int:
    """Return the number of CPU cores that this process may use, which a job's limits may make fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
