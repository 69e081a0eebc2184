from __future__ import annotations

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


def test_what_was_done_before_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    with console.display() as screen:
        screen.progress(50, 50)
    assert capsys.readouterr().out == "50/50 samples\n"


def test_a_file_gets_every_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console.console().width > 200
    monkeypatch.setenv("COLUMNS", "70")
    assert console.console().width == 70
