"""Read answers as benchmarks' own scripts and other public tools do, quirks included."""
