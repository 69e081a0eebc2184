"""The garbage collector during the import of large packages, threads, and the cores of a container."""

import atexit
import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mmeval import models, startup
from mmeval.machine import affinity, cores
from mmeval.startup import import_quickly, set_up_threads
from mmeval.types import InputError


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


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import missing_package", "needs missing_package; install it with: pip install 'mmeval-harness[hf]'"),
        # as transformers does
        (
            "try:\n    import missing_package\nexcept ImportError as e:\n    raise ModuleNotFoundError() from e",
            "cannot be imported (No module named 'missing_package'); repair that package",
        ),
    ],
)
def test_what_an_adapter_lacks_is_named(
    code: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adapter_module.py").write_text(code, encoding="utf-8")
    monkeypatch.setitem(models.ADAPTERS, "constant", replace(models.ADAPTERS["constant"], load="adapter_module:load"))
    with pytest.raises(InputError, match=re.escape(f"the adapter 'constant' {sentence}")):
        models.load_model("constant:yes")


def test_a_loaded_model_is_never_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", gc)
    assert not import_quickly("large_package").PAUSED
    assert not gc.get_freeze_count()


def test_what_nanobind_made_is_not_frozen_when_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    at_end: list[Callable[[], None]] = []
    monkeypatch.setattr(atexit, "register", at_end.append)
    import_quickly("large_package")
    triton = any(kind.__module__ == "nanobind" for kind in type.__subclasses__(type))  # of an earlier test
    at_end[0]()
    assert bool(gc.get_freeze_count()) != triton
    of_nanobind = type("nb_type", (type,), {"__module__": "nanobind"})
    gc.freeze()
    at_end[0]()
    assert of_nanobind and not gc.get_freeze_count()


@pytest.mark.parametrize(
    "variables", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "1000"}, {"KMP_BLOCKTIME": "0"}]
)
def test_how_threads_wait_is_the_users_choice_if_there_is_one(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "cores", affinity)
    chosen, default = dict(variables), {"HOME": "/"}
    set_up_threads(chosen)
    set_up_threads(default)
    assert chosen == variables and default == {"HOME": "/", "OMP_WAIT_POLICY": "passive"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "9900000 100000\n"}, 64),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
        ({}, 64),
    ],
)
def test_a_container_has_as_many_cores_as_its_quota(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmeval.machine.affinity", lambda: 64)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    assert cores(tmp_path) == expected


@pytest.mark.parametrize(("variables", "expected"), [({}, "3"), ({"OMP_NUM_THREADS": "1"}, "1")])
def test_torch_starts_no_more_threads_than_a_container_has_cores(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "cores", lambda: 3)
    monkeypatch.setattr(startup, "affinity", lambda: 64)
    environment = dict(variables)
    set_up_threads(environment)
    assert environment["OMP_NUM_THREADS"] == expected


def test_a_command_lets_threads_sleep_before_torch_is_imported() -> None:
    code = (
        "import os, sys; from click.testing import CliRunner; from mmeval.cli import main; "
        "CliRunner().invoke(main, ['recipes']); print(os.environ.get('OMP_WAIT_POLICY'), 'torch' in sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "KMP_"))}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.split() == ["passive", "False"]
