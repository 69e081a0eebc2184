"""When an answer is an event: it turned yes and stayed for a while. No clock, no model, no picture is known here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Change = Literal["begins", "ends"]


@dataclass
class Alarm:
    """Follows how likely yes is, look by look.

    An event begins once `hold` looks in a row are at least `on`, and ends once as many are below `off`; between the
    two nothing changes (hysteresis), so that an answer that wavers around one half is no series of events.
    """

    hold: int = 2
    on: float = 0.6
    off: float = 0.4
    active: bool = False
    _since: float = field(default=0.0, repr=False)
    _count: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Check the bounds. Raises ValueError."""
        if self.hold < 1 or not 0 <= self.off <= self.on <= 1:
            raise ValueError("an alarm needs hold of 1 or more, and 0 <= off <= on <= 1")

    def see(self, time: float, yes: float) -> tuple[Change, float] | None:
        """Take the next look, at `time` in seconds; return what changed, and the time of the first look that said so.

        `yes` is the probability of the answer yes; NaN, as for an answer that could not be read, changes nothing.
        """
        turning = yes < self.off if self.active else yes >= self.on
        if not turning:
            self._count = 0
            return None
        self._count += 1
        if self._count == 1:
            self._since = time
        if self._count < self.hold:
            return None
        self.active, self._count = not self.active, 0
        return ("begins" if self.active else "ends"), self._since
