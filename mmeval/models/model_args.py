"""Read the value of `--model-args`; what a key means is the adapter's."""

import json
from typing import Any

from mmeval.types import InputError


def read_model_args(text: str | None) -> dict[str, Any]:
    """Read `key=value,key=value`; a value that is not valid JSON is a text. Raises InputError.

    A comma within brackets belongs to the value: `size={"height": 32, "width": 32}`.
    """
    options: dict[str, Any] = {}
    for part in _parts(text) if text else ():
        key, equals, value = part.strip().partition("=")
        if not key or not equals or not value or key in options:
            raise InputError(f"--model-args has '{part.strip()}'; write KEY=VALUE,KEY=VALUE, each key once")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return options


def _parts(text: str) -> list[str]:
    """Split a text at its commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
