"""MMICL: configuration, processing, modeling and checkpoints. It also needs `mmeval.pictures` and `mmeval.regular`.

Importing one of its classes from here, or `mmeval.mmicl.auto`, also makes them known to transformers' Auto classes.
Examples and prompts can be read without torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmeval.mmicl.auto import MmiclConfig, MmiclForConditionalGeneration, MmiclProcessor

__all__ = ["MmiclConfig", "MmiclForConditionalGeneration", "MmiclProcessor"]


def __getattr__(name: str) -> Any:
    """Import a class on first use."""
    if name not in __all__:
        raise AttributeError(f"module 'mmeval.mmicl' has no attribute '{name}'")
    return getattr(importlib.import_module("mmeval.mmicl.auto"), name)
