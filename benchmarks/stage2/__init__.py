"""Parts of `benchmarks.training`: models and examples of given sizes, the original's way, timing by part."""
