"""Decide when an answer is an event: it turned yes and stayed so. Independent of clocks, models and pictures."""

from dataclasses import dataclass, field
from typing import Literal

Change = Literal["begins", "ends"]


@dataclass
class Alarm:
    """Tracks the probability of yes from look to look.

    An event begins once `hold` looks in a row are at least `on`, and ends once as many are below `off`. Between the
    two nothing changes (hysteresis), so an answer that wavers around one half is not a series of events.
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
        """Take the look at `time` in seconds; return a change and the time of the first look that showed it, or None.

        `yes` is the probability of the answer yes; NaN, such as for an unparsed answer, resets the count.
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
