"""Test processes forked from one that has the imports loaded; a fresh process needs seconds for them."""

from __future__ import annotations

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("tests.training.two_processes", "tests.torture.child"),
        *("mmeval.tasks.mme", "mmeval.data.tables", "mmeval.reporting.console", "mmeval.reporting.run_report"),
        *("mmeval.reporting.raster", "mmeval.reporting.seeds", "matplotlib.figure", "matplotlib.backends.backend_agg"),
        *("pandas", "pydantic", "scipy.stats", "tests.frozen"),
    ]
)
