"""Numbers that benchmarks compute from the scores of many answers."""
