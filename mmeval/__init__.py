"""Evaluate multimodal language models: `mmeval.evaluate(model="mmicl-tiny", task="mme")`.

`__all__` lists the public API. Importing it loads neither torch nor pandas.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmeval.comparison import compare
    from mmeval.conversation import chat
    from mmeval.evaluation import evaluate, score
    from mmeval.models import load_model
    from mmeval.runs.run import open_run
    from mmeval.spec import RunSpec
    from mmeval.task_loading import load_task

__version__ = "0.2.0"
__all__ = ["RunSpec", "chat", "compare", "evaluate", "load_model", "load_task", "open_run", "score"]

_MODULES = {
    "RunSpec": "mmeval.spec",
    "chat": "mmeval.conversation",
    "compare": "mmeval.comparison",
    "evaluate": "mmeval.evaluation",
    "load_model": "mmeval.models",
    "load_task": "mmeval.task_loading",
    "open_run": "mmeval.runs.run",
    "score": "mmeval.evaluation",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use, so `import mmeval` stays instant."""
    if name not in _MODULES:
        raise AttributeError(f"module 'mmeval' has no attribute '{name}'")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """List the public names, including those not yet loaded."""
    return sorted({*globals(), *__all__})
