"""Benchmarks described in YAML: the schema of a card, its rows, and the task made from them."""
