"""The part of a run that this process asks, if a launcher started several.

`torchrun` and `accelerate launch` set RANK and WORLD_SIZE, `srun` sets SLURM_PROCID and SLURM_STEP_NUM_TASKS. The
processes never wait for each other.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from mmeval.types import InputError


@dataclass(frozen=True)
class Share:
    """Process `rank`, counted from 0, of `size` processes."""

    rank: int = 0
    size: int = 1

    @property
    def alone(self) -> bool:
        """Tell whether this is the only process."""
        return self.size == 1

    def has(self, group: int) -> bool:
        """Tell whether this process asks the samples of a group, counted from 0."""
        return group % self.size == self.rank


WHOLE = Share()


def of_process(environment: Mapping[str, str] = os.environ) -> Share:
    """Return the share that the launcher gave this process, or WHOLE without a launcher.

    A Slurm batch script has SLURM_PROCID 0 and the SLURM_NTASKS of its job, a shell of `salloc` may have SLURM_NTASKS
    alone. Both are one process: only `srun` starts several, and sets SLURM_STEP_NUM_TASKS for them. Raises InputError
    if half of a pair is missing otherwise.
    """
    names = ("RANK", "WORLD_SIZE")
    if not any(map(environment.get, names)):
        step, task = environment.get("SLURM_STEP_NUM_TASKS"), environment.get("SLURM_PROCID")
        by_hand = environment.get("SLURM_NTASKS") and "SLURM_JOB_ID" not in environment
        if not task or (task == "0" and not step and not by_hand):
            return WHOLE
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS" if step else "SLURM_NTASKS")
    rank, size = (environment.get(name, "") for name in names)
    if not (rank and size):
        (name, value), missing = ((names[0], rank), names[1]) if rank else ((names[1], size), names[0])
        raise InputError(f"{name} is {value} and {missing} is not set; set both, or neither")
    if not (rank.isdecimal() and size.isdecimal()) or int(rank) >= int(size):
        raise InputError(f"{names[0]} is '{rank}' and {names[1]} '{size}'; give a rank from 0 to {names[1]} - 1")
    return Share(int(rank), int(size))
