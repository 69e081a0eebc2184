"""What benchmarks compute from scores."""
