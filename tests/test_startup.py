"""The garbage collector during the import of large packages."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmeval.startup import import_quickly


@pytest.fixture(autouse=True)
def without_transformers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delitem(sys.modules, "transformers", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "large_package.py").write_text("import gc\nPAUSED = not gc.isenabled()\n", encoding="utf-8")
    (tmp_path / "broken_package.py").write_text("import missing_package\n", encoding="utf-8")
    yield
    gc.unfreeze()
    sys.modules.pop("large_package", None)


def test_the_collector_is_paused_during_the_import_only() -> None:
    assert import_quickly("large_package").PAUSED
    assert gc.isenabled() and gc.get_freeze_count()


def test_the_collector_runs_again_after_a_failed_import() -> None:
    with pytest.raises(ModuleNotFoundError, match="missing_package"):
        import_quickly("broken_package")
    assert gc.isenabled()


def test_a_loaded_model_is_never_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", gc)
    assert not import_quickly("large_package").PAUSED
    assert not gc.get_freeze_count()
