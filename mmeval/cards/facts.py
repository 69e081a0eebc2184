"""The YAML cards of the benchmarks in `tasks/`."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from mmeval import yaml_file


def facts(name: str) -> Mapping[str, Any]:
    """Return a benchmark's card (title, source, license, citation, published scores) without importing its module."""
    return yaml_file.read(resources.files("mmeval.tasks").joinpath(f"{name}.yaml"))
