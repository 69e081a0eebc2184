"""Import large packages quickly: without Python's garbage collector."""

import gc
import importlib
import sys
from types import ModuleType


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
