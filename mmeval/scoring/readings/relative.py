"""Mean relative accuracy, VSI-Bench's measure for numbers (Yang et al. 2024, 2412.14171)."""

BOUNDS = [1 - (0.5 + (0.95 - 0.5) / 9 * step) for step in range(10)]
"""Relative errors from 50% down to 5%, with the rounding of the script's `1 - np.linspace(.5, .95, 10)`."""


def accuracy(given: float, wanted: float) -> float:
    """Return the share of the bounds that the relative error is within. Only 0 itself is right where 0 is wanted."""
    if not wanted:
        return float(given == wanted)
    error = abs(given - wanted) / abs(wanted)
    return sum(error <= bound for bound in BOUNDS) / len(BOUNDS)
