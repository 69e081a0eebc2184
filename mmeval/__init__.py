"""Evaluate multimodal language models: `mmeval.evaluate(model="mmicl-tiny", task="mme")`.

The public API is what this file names. Importing it loads neither torch nor pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmeval.evaluation import evaluate
    from mmeval.models import load_model
    from mmeval.run import open_run
    from mmeval.task import load_task

__version__ = "0.1.0"
__all__ = ["evaluate", "load_model", "load_task", "open_run"]

_HOMES = {
    "evaluate": "mmeval.evaluation",
    "load_model": "mmeval.models",
    "load_task": "mmeval.task",
    "open_run": "mmeval.run",
}


def __getattr__(name: str) -> Any:
    """Finds a public name where it lives, on first use, so that `import mmeval` stays instant."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'mmeval' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
