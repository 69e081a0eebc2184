"""The garbage collector during the import of large packages, and threads that sleep."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmeval.startup import import_quickly, let_threads_sleep


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


@pytest.mark.parametrize("own", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "1000"}, {"KMP_BLOCKTIME": "0"}])
def test_how_threads_wait_is_the_users_choice_if_there_is_one(own: dict[str, str]) -> None:
    chosen, default = dict(own), {"HOME": "/"}
    let_threads_sleep(chosen)
    let_threads_sleep(default)
    assert chosen == own and default == {"HOME": "/", "OMP_WAIT_POLICY": "passive"}


def test_a_command_lets_threads_sleep_before_torch_is_imported() -> None:
    code = (
        "import os, sys; from click.testing import CliRunner; from mmeval.cli import main; "
        "CliRunner().invoke(main, ['recipes']); print(os.environ.get('OMP_WAIT_POLICY'), 'torch' in sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "KMP_"))}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.split() == ["passive", "False"]
