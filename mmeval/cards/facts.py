"""The YAML cards of the benchmarks in `tasks/`."""

import copy
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from mmeval import yaml_file


def facts(name: str) -> Mapping[str, Any]:
    """Return a benchmark's card (title, source, license, citation, published scores) without importing its module."""
    return copy.deepcopy(_read(name))  # so that no caller can change another's card


@cache
def _read(name: str) -> Mapping[str, Any]:
    """Read a card once in a process: a run asks for it several times, and each parse takes milliseconds."""
    return yaml_file.read(resources.files("mmeval.tasks").joinpath(f"{name}.yaml"))
