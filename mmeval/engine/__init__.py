"""The fast in-process engine: each picture is encoded once, and requests are batched by length."""

VERSION = 2
"""Raise it when the same checkpoint and request may get another prompt, other pixels or another decoding.

It is part of a run's identity.
"""
