"""Which runs are the same run: the identity of a spec, its folder's name, and how two identities differ."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from mmeval.files import component, short_digest
from mmeval.spec import RunSpec, options


def identity(spec: RunSpec) -> dict[str, Any]:
    """Map the fields that identify a run to their values. Fields that are None do not apply and are left out."""
    names = [name for name, option in options().items() if option.identifies]
    return {name: value for name in names if (value := getattr(spec, name)) is not None}


def folder_name(spec: RunSpec, default: RunSpec) -> str:
    """Name a run's folder `TASK-MODEL-DATA`, plus the values that differ from the default, in portable characters."""
    parts = [spec.task, spec.model, spec.data or ""]
    for name, option in options().items():
        value = getattr(spec, name)
        if option.folder is not None and value is not None and value != getattr(default, name):
            parts.append(named(name, value))
    return component("-".join(parts))


def named(name: str, value: Any) -> str:
    """Return how a setting's value appears in a folder's name. A system turn is any text, so its digest is shown."""
    pattern = options()[name].folder or name + "{}"
    if "{}" not in pattern:  # a flag
        return pattern if value else f"no-{pattern}"
    return pattern.format(short_digest(value) if name == "system" and value is not None else value)


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name and both values of each difference between two identities. Names in maps are joined by dots."""
    for name in dict.fromkeys((*first, *second)):
        first_value, second_value = first.get(name), second.get(name)
        if isinstance(first_value, Mapping) and isinstance(second_value, Mapping):
            yield from ((f"{name}.{inner}", *values) for inner, *values in differing(first_value, second_value))
        elif first_value != second_value:
            yield name, first_value, second_value


def defaults(spec: RunSpec) -> RunSpec:
    """Return a spec with the same task, model and data, and everything else at its default."""
    unchanged = {"task", "model", "data"}
    values: dict[str, Any] = {field.name: field.default for field in fields(spec) if field.name not in unchanged}
    return replace(spec, **values)


def data_name(data: str) -> str:
    """Return the name of a data source in a run: the last part of a path, without this machine's folders."""
    return data if data in ("embedded", "hub") else Path(data).resolve().name
