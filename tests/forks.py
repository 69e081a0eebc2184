"""Test processes forked from one that has the imports loaded; a fresh process needs seconds for them."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker, util
from pathlib import Path
from types import ModuleType
from unittest import mock

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("tests.training.two_processes", "tests.torture.child"),
        *("mmeval.tasks.mme", "mmeval.data.tables", "mmeval.reporting.console", "mmeval.reporting.run_report"),
        *("mmeval.reporting.raster", "mmeval.reporting.seeds", "matplotlib.figure", "matplotlib.backends.backend_agg"),
        *("pandas", "pydantic", "scipy.stats", "tests.frozen"),
    ]
)


def start() -> None:
    """Fork the server itself from this process, whose tests have imported nearly everything, before one has run."""
    resource_tracker.ensure_running()
    opened = _open_files()

    def forked(path: str, arguments: Sequence[str], passed: Sequence[int]) -> int:
        if process := os.fork():
            return process
        try:
            patched.stop()
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            for file in _open_files() - opened - {*passed}:
                with suppress(OSError):  # the listing itself was one
                    os.close(file)  # the server ends when this process has closed the other end of its pipe
            warnings.resetwarnings()  # pytest's are errors
            for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                warnings.simplefilter("ignore", category)  # as Python does by itself
            importlib.reload(forkserver)  # without the state of this process's side
            sys.modules["__main__"] = ModuleType("__main__")  # not pytest's, which a process that this spawns would run
            exec(arguments[-1], {})
        finally:
            os._exit(0)

    patched = mock.patch.object(util, "spawnv_passfds", forked)
    patched.start()
    forkserver._forkserver.ensure_running()
    patched.stop()


def _open_files() -> set[int]:
    return {int(path.name) for path in Path("/dev/fd").iterdir()}
