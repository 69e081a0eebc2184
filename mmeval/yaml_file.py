"""Read YAML files, and report an invalid one in one sentence.

Only plain values are allowed, with dates read as text and no repeated keys. The number of values is limited, counting
aliases each time they are used.
"""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import yaml

from mmeval import regular
from mmeval.types import InputError, nearest

if TYPE_CHECKING:  # imported by callers that check values with a model
    from pydantic import ValidationError

MAX_VALUES = 100_000
"""Maximum number of keys and values in a file, counting aliases each time they are used."""
DEEPEST = 50
"""Maximum nesting of lists and maps; the time to read grows with its square."""
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ["str", "int", "float", "bool", "null", "seq", "map", "merge"]}


class _PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader without dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own attribute)
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def fetch_more_tokens(self) -> None:
        if self.flow_level + len(self.indents) > DEEPEST:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=self.get_mark())
        super().fetch_more_tokens()

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            if isinstance(node, yaml.ScalarNode):
                node.value.encode()
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error


def read(path: Path | Traversable) -> dict[str, Any]:
    """Return the map in a YAML file. Raises InputError naming the file and the line."""
    try:
        text = regular.read_text(path) if isinstance(path, Path) else path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a .yaml file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}); save the file as UTF-8") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> dict[str, Any]:
    """Return the map in a YAML text. Raises InputError naming the text and the line."""
    try:
        root = yaml.compose(text, _PlainLoader)
        _check(root, name)
        values = _PlainLoader("").construct_document(root) if root else None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(f"{name}, line {line}: not YAML ({error.reason}); fix the file") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        star = "alias" in f"{error.context} {error.problem}"  # as in `files: *.parquet`
        advice = "write a text that begins with * in quotes" if star else "fix the file"
        raise InputError(f"{name}, line {line}: not YAML ({error.problem}); {advice}") from error
    if not isinstance(values, dict):
        raise InputError(f"{name}: must be keys and values; write `key: value`, one per line")
    return values


def _check(root: yaml.Node | None, name: str) -> None:
    """Raise InputError for a repeated key, a tag that is not plain, a NUL character, or too many values."""
    waiting, count = [root] if root else [], 0
    while waiting:
        node = waiting.pop()
        where = f"{name}, line {node.start_mark.line + 1}"
        count += 1
        if count > MAX_VALUES:
            many = f"more than {MAX_VALUES:,} values with aliases expanded"
            raise InputError(f"{where}: {many}; shorten the file")
        if node.tag not in _PLAIN:
            raise InputError(f"{where}: the tag {node.tag} is not allowed; write text, numbers, lists and maps")
        if isinstance(node, yaml.ScalarNode) and "\0" in node.value:
            raise InputError(f"{where}: a text with a NUL character (\\0); remove it")
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
            seen: set[str] = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in seen:
                    where = f"{name}, line {key.start_mark.line + 1}"
                    raise InputError(f"{where}: the key '{key.value}' is given twice; remove one of them")
                seen.add(key.value)


_MUST = {
    **dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "be keys and values, as `name: value`"),
    "bool_type": "be true or false",
    "finite_number": "be a finite number",
    "float_type": "be a number",
    "greater_than": "be more than {gt:.10g}",
    "greater_than_equal": "be at least {ge:.10g}",
    "int_type": "be a whole number",
    "less_than_equal": "be at most {le:.10g}",
    "string_too_short": "have {min_length} or more characters",
    "string_type": "be text",
    "too_long": "have {max_length} or fewer values",
    "too_short": "have {min_length} or more values",
}
"""Pydantic's error type -> what the value must be."""
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument", "invalid_key")


def sentence(error: ValidationError, model: Any, where: str) -> str:
    """Return a sentence about the first error in the values of the file `where`, as validated by `model`.

    Unknown keys come before other errors.
    """
    found = min(error.errors(), key=lambda one: one["type"] not in _UNKNOWN)
    kind, value, context = found["type"], found["input"], found.get("ctx", {})
    ignored = ("[key]",) if kind in _UNKNOWN else ("[key]", "")
    loc = [part for part in found["loc"] if part not in ignored]
    names = [str(part) for part in loc if isinstance(part, str) or kind in _UNKNOWN]
    place, above = ", ".join([where, *names]), ", ".join([where, *names[:-1]])
    if kind in _UNKNOWN:
        for name in names[:-1]:
            inner = model.__pydantic_fields__[name].annotation
            model = next(one for one in (inner, *get_args(inner)) if hasattr(one, "__pydantic_fields__"))
        known = list(model.__pydantic_fields__)
        return f"{above}: unknown key '{names[-1]}'{nearest(names[-1], known) or '; choose from ' + ', '.join(known)}"
    if kind == "missing":
        return f"{above}: the key '{names[-1]}' is missing; add it"
    if kind == "literal_error":
        known = re.findall("'([^']*)'", context["expected"])
        return f"{place}: unknown value '{value}'{nearest(str(value), known)}; choose from {', '.join(known)}"
    if kind == "value_error":
        return f"{place}: {context['error']}"
    return f"{place}: must {_MUST[kind].format(**context) if kind in _MUST else found['msg']}, not {value!r:.60}"
