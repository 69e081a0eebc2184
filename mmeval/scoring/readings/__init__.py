"""Read answers out of text, as benchmarks do and strictly."""
