from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mmeval.reporting import console


def test_no_line_before_the_first_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console, "LOG_EVERY", 0.0)
    with console.display() as screen:
        screen.progress(40, 50)  # an earlier session's
        assert capsys.readouterr().out == ""
        screen.progress(41, 50)
        screen.progress(50, 50)
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("41/50 samples, ") and last.startswith("50/50 samples, ")


def test_what_was_done_before_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with console.display() as screen:
        screen.progress(50, 50)
    assert capsys.readouterr().out == "50/50 samples\n"


@pytest.mark.processes
@pytest.mark.parametrize(("name", "value"), [("COLUMNS", "0"), ("PYTHONIOENCODING", "latin-1")])
def test_a_terminal_of_no_width_or_another_encoding_is_still_written_to(name: str, value: str) -> None:
    code = "from mmeval.reporting.console import say; say('50.00, 10–90, 中')"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, name: value}, check=True
    )
    assert b"50.00" in found.stdout
