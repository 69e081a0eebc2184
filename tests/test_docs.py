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


def test_an_unknown_option_is_found() -> None:
    assert list(unknown_options("`mmeval run --task mme --by likelihood` or `mmeval mic build --sauce x`")) == [
        "run --by",
        "build --sauce",
    ]


def test_the_pages_name_options_that_exist() -> None:
    pages = [ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "reports").rglob("README.md")]
    assert {page.name: found for page in pages if (found := [*unknown_options(page.read_text(encoding="utf-8"))])} == {}
