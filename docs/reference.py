"""Write docs/cli.md, the reference of the command line, from the commands themselves: `python docs/reference.py`."""

from __future__ import annotations

from pathlib import Path

import click

from mmeval.cli import main

PAGE = Path(__file__).with_name("cli.md")
OPENING = """# The command line

Written by `python docs/reference.py` from the commands; options of `mmeval run` are the fields of `mmeval.RunSpec`, and
the keys of a run file (`mmeval run --config run.yaml`). Exit status: 0 all is well; 1 questions without an answer, or
a finding of `submit --check`; 2 bad input, said in one sentence; 130 stopped by Ctrl-C.
"""


def reference() -> str:
    """Return the page."""
    return "\n".join([OPENING, *_sections(main, "mmeval")])


def _sections(command: click.Command, name: str) -> list[str]:
    context = click.Context(command, info_name=name)
    found = []
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            own = command.get_command(context, child)
            assert own is not None
            found += _sections(own, f"{name} {child}")
        return found
    text = (command.help or "").split("\b")
    found += [f"## {name}\n", " ".join(text[0].split()) + "\n"]
    if examples := [line.strip().removeprefix("Example: ") for line in "".join(text[1:]).splitlines() if line.strip()]:
        found += ["```", *examples, "```\n"]
    rows = [_row(one, context) for one in command.params if not getattr(one, "hidden", False)]
    if rows:
        found += ["| option | meaning |", "|---|---|", *rows, ""]
    return found


def _row(parameter: click.Parameter, context: click.Context) -> str:
    record = parameter.get_help_record(context)
    names, text = record or (parameter.human_readable_name, getattr(parameter, "help", "") or "")
    return f"| `{names.replace('|', ', ')}` | {' '.join(text.split())} |"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
