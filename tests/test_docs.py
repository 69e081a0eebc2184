"""The documentation pages generated from the code are current, and the pages name options that exist."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import click

from mmeval.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def test_the_reference_of_the_command_line_is_current() -> None:
    page = runpy.run_path(str(DOCS / "reference.py"))["reference"]()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == page, "run: python docs/reference.py"


def unknown_options(text: str) -> Iterator[str]:
    """Yield each option that a page gives to a command of ours that has no such option."""
    for words, rest in re.findall(r"(?<![\w/-])mmeval ((?:[a-z]+ )+)([^`|#\n]*)", text):
        command: click.Command = main
        for word in words.split():
            if not isinstance(command, click.Group) or word not in command.commands:
                break
            command = command.commands[word]
        known = {"--help", *(name for parameter in command.params for name in parameter.opts)}
        if command is not main:
            named = re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)
            yield from (f"{command.name} {name}" for name in named if name not in known)


def options_of(command: click.Command) -> set[str]:
    """Return the options of a command and of all commands below it."""
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return {name for parameter in command.params for name in parameter.opts}.union(*map(options_of, below))


OTHERS = {"--tensor-parallel-size", "--data-parallel-size", "--mm-processor-kwargs", "--parallel"}
"""Options of vLLM and llama.cpp."""


def test_an_option_named_without_a_command_exists() -> None:
    pages = {ROOT / "README.md", *DOCS.rglob("*.md")} - {DOCS / "tiny.md"}  # its programs are not `mmeval`
    named = {(page.name, name) for page in pages for name in re.findall(r"`(--[a-z][a-z-]*)", page.read_text("utf-8"))}
    known = options_of(main) | OTHERS | {"--help"}
    assert {(page, name) for page, name in named if name not in known} == set()


def test_an_unknown_option_is_found() -> None:
    assert list(unknown_options("`mmeval run --task mme --by likelihood` or `mmeval mic build --sauce x`")) == [
        "run --by",
        "build --sauce",
    ]


def test_the_pages_name_options_that_exist() -> None:
    pages = [ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "reports").rglob("README.md")]
    assert {
        page.name: unknown for page in pages if (unknown := [*unknown_options(page.read_text(encoding="utf-8"))])
    } == {}
