"""Options of the scripts here and under experiments/: numbers and lists, checked before anything is measured."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection


def count(text: str) -> int:
    """Return a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} must be at least 1")
    return number


def amount(text: str) -> float:
    """Return a finite number greater than 0."""
    number = float(text)
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text} must be finite and greater than 0")
    return number


def pairs(text: str) -> int:
    """Return a number of questions of which two are about each picture."""
    number = count(text)
    if number % 2:
        raise ArgumentTypeError(f"{number} must be even, because two questions are about each picture")
    return number


def listed(read: Callable[[str], int]) -> Callable[[str], list[int]]:
    """Return a parser of comma-separated numbers; `read` parses each."""

    def numbers(text: str) -> list[int]:
        return [read(number) for number in text.split(",")]

    return numbers


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """Return a parser of comma-separated names, which must be known."""

    def read(text: str) -> list[str]:
        listed = text.split(",")
        if unknown := [name for name in listed if name not in known]:
            raise ArgumentTypeError(f"unknown: {', '.join(unknown)}; choose from {', '.join(known)}")
        return listed

    return read
