"""What this process may use of the machine."""

import math
import os
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def cores(groups: Path = CONTROL_GROUPS) -> int:
    """Return the number of CPU cores that this process may use.

    These are the cores of its affinity, or fewer if its container has a quota of processor time (`docker run --cpus`,
    a Kubernetes limit). `groups` is the container's control group.
    """
    allowed, quota = affinity(), _quota(groups)
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def affinity() -> int:
    """Return the number of CPU cores on which this process may be scheduled."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quota(groups: Path) -> float | None:
    """Return a control group's processor seconds per second, None if it has no quota."""
    two, one = groups / "cpu.max", groups / "cpu"
    if two.is_file():
        quota, period = two.read_text(encoding="ascii").split()
    elif (one / "cpu.cfs_quota_us").is_file():
        quota, period = ((one / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period"))
    else:
        return None
    return int(quota) / int(period) if quota.strip() not in ("max", "-1") else None
