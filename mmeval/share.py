"""The part of a run that this process asks, if a launcher started several.

`torchrun` and `accelerate launch` set RANK and WORLD_SIZE, `srun` sets SLURM_PROCID and SLURM_NTASKS. The processes
never wait for each other.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from mmeval.types import InputError

PAIRS = (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS"))


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
    """Return the share that the launcher gave this process, or WHOLE without a launcher. Raises InputError."""
    for rank, size in PAIRS:
        values = [environment.get(name, "") for name in (rank, size)]
        if not values[0] or (rank.startswith("SLURM") and not values[1]):
            continue
        if not values[1]:
            raise InputError(f"{rank} is {values[0]} and {size} is not set; set both, or neither")
        if not all(value.isdecimal() for value in values) or int(values[0]) >= int(values[1]):
            raise InputError(f"{rank} is '{values[0]}' and {size} '{values[1]}'; give a rank from 0 to {size} - 1")
        return Share(int(values[0]), int(values[1]))
    return WHOLE
