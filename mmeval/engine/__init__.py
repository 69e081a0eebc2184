"""What makes in-process adapters fast: each picture encoded once, requests batched by length."""

VERSION = 1
"""Raised whenever the same checkpoint and request could be sent, seen or decoded otherwise; it identifies a run."""
