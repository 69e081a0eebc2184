"""The documentation pages generated from the code are current."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_the_reference_of_the_command_line_is_current() -> None:
    page = runpy.run_path(str(DOCS / "reference.py"))["reference"]()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == page, "run: python docs/reference.py"
