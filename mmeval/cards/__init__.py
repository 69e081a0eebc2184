"""Benchmarks described in YAML: the schema of a card, its rows, and the task that they make."""
