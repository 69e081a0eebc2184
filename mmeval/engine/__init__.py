"""What makes in-process adapters fast: each picture encoded once, requests batched by length."""

VERSION = 2
"""Raise when the same checkpoint and request could be sent, seen or decoded otherwise; runs are told apart by it."""
