"""Recipes: a paper's or another harness's settings for prompting and parsing, with the source for each task.

A recipe is a YAML file in this folder. It sets fields of RunSpec that still have their default, and refuses others.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from mmeval import yaml_file
from mmeval.files import validated
from mmeval.runs.identity import defaults
from mmeval.spec import RunSpec
from mmeval.types import InputError, nearest


@dataclass(frozen=True)
class Settings:
    """A recipe's settings for one task."""

    set: dict[str, Any]
    """Fields of RunSpec."""
    source: str
    """The file in the recipe's source that has these settings."""
    differs: str = ""
    """What these settings do not reproduce of that harness or paper."""


@dataclass(frozen=True)
class Recipe:
    """A named recipe."""

    about: str
    source: str
    """Repository and commit, or document."""
    tasks: dict[str, Settings]


def names() -> list[str]:
    """Return the names of the recipes."""
    files = resources.files("mmeval.recipes").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load(name: str) -> Recipe:
    """Return a recipe. Raises InputError naming the nearest name if there is no such recipe."""
    if name not in names():
        raise InputError(f"no recipe '{name}'{nearest(name, names())}; `mmeval recipes` lists them")
    file = resources.files("mmeval.recipes").joinpath(f"{name}.yaml")
    recipe: Recipe = validated(Recipe, yaml_file.read(file), str(file), "restore the file")
    spec_fields = RunSpec.__dataclass_fields__
    for task_settings in recipe.tasks.values():
        if unknown := [field for field in task_settings.set if field not in spec_fields]:
            hint = nearest(unknown[0], spec_fields)
            raise InputError(f"{file}: sets '{unknown[0]}', which is no option{hint}; restore the file")
    return recipe


def apply(spec: RunSpec) -> RunSpec:
    """Return the spec with its recipe's settings for its task.

    Raises InputError if the recipe has no settings for the task, or a field that it sets was given another value.
    """
    if spec.recipe is None:
        return spec
    values, default_spec = settings(spec.recipe, spec.task).set, defaults(spec)
    check_given(spec, [name for name in values if getattr(spec, name) != getattr(default_spec, name)])
    applied = replace(spec, **values)
    applied.check_sampling()
    return applied


def check_given(spec: RunSpec, given: Collection[str]) -> None:
    """Raise InputError if the spec's recipe sets one of the given fields to another value.

    A spec does not know which fields were given, so this is also called where they are known: a default that was given
    contradicts a recipe, too.
    """
    if spec.recipe is None:
        return
    for name, value in settings(spec.recipe, spec.task).set.items():
        current = getattr(spec, name)
        if name in given and current != value:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"the recipe '{spec.recipe}' sets {flag} {value}, and {current} was given; leave out one")


def settings(name: str, task: str) -> Settings:
    """Return a recipe's settings for a task. Raises InputError if it has none."""
    tasks: Mapping[str, Settings] = load(name).tasks
    if task.lower() not in tasks:
        raise InputError(f"the recipe '{name}' has no settings for the task '{task}'; it is for {', '.join(tasks)}")
    return tasks[task.lower()]


def remark(name: str, task: str) -> str:
    """Return the remark on a run's settings, for below its table."""
    of_task = settings(name, task)
    values = ", ".join(f"{field.replace('_', ' ')} {value}" for field, value in of_task.set.items())
    return f"Asked by the recipe {name}: {values} ({load(name).source}, {of_task.source}). {of_task.differs}".strip()
