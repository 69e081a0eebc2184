"""What a command does before it imports large packages: its threads, and a quick import."""

import atexit
import gc
import importlib
import os
import sys
from collections.abc import MutableMapping
from types import ModuleType

from mmeval.machine import affinity, cores


def set_up_threads(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let torch start no more threads than this process has cores, and let them sleep while they wait.

    OpenMP ignores a container's quota of processor time, and its threads spin while they wait for each other. If
    another program keeps a core busy, they take its time from the thread that they wait for: a run took twice as long.
    Variables that the user has set stay. Call it before torch is imported, which reads them.
    """
    if cores() < affinity():
        environment.setdefault("OMP_NUM_THREADS", str(cores()))
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"} & environment.keys():
        environment["OMP_WAIT_POLICY"] = "passive"


def import_quickly(name: str) -> ModuleType:
    """Import and return a module that imports torch or transformers.

    An import creates several hundred thousand objects that live as long as the process. The garbage collector would
    traverse them again and again, which takes about a quarter of the time, and once more when the process ends. So it
    is paused, and they are frozen (`gc.freeze`). Nothing is frozen once transformers is there: a loaded model would be.
    """
    if name in sys.modules or "transformers" in sys.modules or not gc.isenabled():
        return importlib.import_module(name)
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(_unfreeze)


def _unfreeze() -> None:
    """Let the end of the process free what nanobind made, as in torch's triton; it would print the rest as leaks."""
    if any(kind.__module__ == "nanobind" for kind in type.__subclasses__(type)):
        gc.unfreeze()
