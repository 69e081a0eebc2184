"""Command-line options made from RunSpec's fields, and the few that several commands share."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from mmeval.spec import RunSpec, options, value_type

Decorator = Callable[[Any], Any]

SEVERAL = ("task", "model")
"""Options that may be given several times: a run for each."""


class SectionedCommand(click.Command):
    """A command whose help lists the options of a run in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order of RunSpec's fields, then the command's own options."""
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                sections[section(parameter)].append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def section(parameter: click.Parameter) -> str:
    """Return the heading under which a parameter is listed."""
    own = options().get(parameter.name or "")
    return own.section if own else "Run"


folder_argument = click.argument("run_folder", metavar="[RUN]", required=False, type=click.Path(path_type=Path))


def spec_options(kind: type[RunSpec] = RunSpec, names: tuple[str, ...] | None = None) -> Decorator:
    """Decorate a command with an option for each field, or for those of these names; None where it is not given."""

    def apply(command: Any) -> Any:
        for name in reversed(names or tuple(options(kind))):
            command = _option(kind, name, several=names is None and name in SEVERAL)(command)
        return command

    return apply


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given; one that was given once is its value, of several a list."""
    found = {name: value for name, value in values.items() if value not in (None, ())}
    single = {name: value[0] for name, value in found.items() if isinstance(value, tuple) and len(value) == 1}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in (found | single).items()}


def _option(kind: type[RunSpec], name: str, *, several: bool) -> Decorator:
    own, type_of = options(kind)[name], value_type(kind, name)
    text, default = own.help, kind.__dataclass_fields__[name].default
    if own.choices:
        text += f"  [{', '.join(own.choices)}]"
    if "[default" not in text and isinstance(default, (str, int)) and not isinstance(default, bool):
        text += f"  [default: {default}]"
    flag = f"--{name.replace('_', '-')}"
    if type_of is bool:
        return click.option(flag, name, is_flag=True, default=None, help=text)
    return click.option(flag, name, type=type_of, metavar=own.metavar, multiple=several, help=text)
