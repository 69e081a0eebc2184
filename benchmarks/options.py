"""Lists as options of the scripts: joined by commas, checked before anything is measured."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Collection


def numbers(text: str) -> list[int]:
    """Return the numbers of a list."""
    return [int(number) for number in text.split(",")]


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """Return what reads a list of some of the known names."""

    def read(text: str) -> list[str]:
        listed = text.split(",")
        if unknown := [name for name in listed if name not in known]:
            raise ArgumentTypeError(f"unknown: {', '.join(unknown)}; choose from {', '.join(known)}")
        return listed

    return read
