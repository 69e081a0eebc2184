"""Command-line options made from RunSpec's fields, and options that several commands share."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from mmeval.spec import RunSpec, options, value_type

Decorator = Callable[[Any], Any]

PATH = click.Path(path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
"""The type of an option that names a folder to write to; a file of that name is refused."""
SEVERAL = ("task", "model")
"""Options that may be given several times; each value gets its own run."""


class SectionedCommand(click.Command):
    """A command with sections in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order of RunSpec's fields, then the command's own options."""
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                properties = options().get(parameter.name or "")
                sections[properties.section if properties else "Run"].append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


folder_argument = click.argument("run_folder", metavar="[RUN]", required=False, type=PATH)


def spec_options(names: tuple[str, ...] | None = None) -> Decorator:
    """Decorate a command with an option per field, or per field in `names`. An option that is not given is None."""

    def apply(command: Any) -> Any:
        for name in reversed(names or tuple(options())):
            command = _option(name, several=names is None and name in SEVERAL)(command)
        return command

    return apply


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given options: the value of one that was given once, a list of several values."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, tuple):
            if value:
                result[name] = value[0] if len(value) == 1 else list(value)
        elif value is not None:
            result[name] = value
    return result


def _option(name: str, *, several: bool) -> Decorator:
    properties, type_of = options()[name], value_type(name)
    text, default = properties.help, RunSpec.__dataclass_fields__[name].default
    if several:
        text += " Several with commas."
    if properties.choices:
        text += f"  [{', '.join(properties.choices)}]"
    if "[default" not in text and isinstance(default, (str, int, float)) and not isinstance(default, bool):
        text += f"  [default: {default:g}]" if isinstance(default, float) else f"  [default: {default}]"
    flag = f"--{name.replace('_', '-')}"
    if type_of is bool:
        return click.option(flag, name, is_flag=True, default=None, help=text)
    return click.option(flag, name, type=type_of, metavar=properties.metavar, multiple=several, help=text)
