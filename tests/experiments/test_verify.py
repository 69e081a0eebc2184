"""Verification runs all of MME and reports which published values it reproduces."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import experiments
from experiments import verify
from tests.mme_folder import make_release

MODULES = sorted(module.name for module in pkgutil.walk_packages(experiments.__path__, "experiments."))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported(name: str) -> None:
    assert importlib.import_module(name).__doc__


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Publish values of the constant model, which has 500 of 2,000 points and 200 of 800 in `release`."""
    make_release(tmp_path / "release", pictures=1)
    values = {"perception": 500 + 0.03 * 2000, "cognition": 200 - 0.03 * 800}
    monkeypatch.setattr(verify, "PUBLISHED", {"constant": values})
    monkeypatch.setattr(verify, "CONTEXT", None)
    monkeypatch.chdir(tmp_path)
    return values


@pytest.mark.slow
def test_values_within_the_tolerance_agree(
    published: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        verify.main(["constant", "--data", "release"])
    assert exit_info.value.code == 0
    assert "perception: 500.0 agrees with 560.0 (tolerance 60)" in capsys.readouterr().out
    written = json.loads((tmp_path / "reports/verified/constant.json").read_text())
    assert written["values"]["cognition"]["measured"] == 200.0


@pytest.mark.slow
def test_a_value_outside_the_tolerance_fails(published: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    published["cognition"] -= 0.01
    with pytest.raises(SystemExit) as exit_info:
        verify.main(["constant", "--data", "release"])
    assert exit_info.value.code == 1
    assert "cognition: 200.0 differs from 175.99 (tolerance 24)" in capsys.readouterr().out


def test_a_model_without_published_values_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        verify.main(["mmicl-tiny"])
    assert exit_info.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_data_that_is_missing_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        verify.main(["mmicl-flan-t5-xl", "--data", str(tmp_path / "none")])
    assert exit_info.value.code == 2
    assert "mmeval: " in capsys.readouterr().err
