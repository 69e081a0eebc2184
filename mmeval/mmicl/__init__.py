"""MMICL, complete: configuration, processing, modeling and checkpoints. It stands alone.

After `import mmeval.mmicl`, transformers' AutoConfig, AutoProcessor and AutoModelForImageTextToText know MMICL. Each
of our modules registers itself; this one imports it as soon as somebody imports the Auto class, and not before, since
data sets and prompts are read without torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_REGISTERED_BY = {
    "transformers.models.auto.configuration_auto": "mmeval.mmicl.configuration",
    "transformers.models.auto.processing_auto": "mmeval.mmicl.processing",
    "transformers.models.auto.modeling_auto": "mmeval.mmicl.modeling",
}
"""Where an Auto class lives -> which of our modules registers itself with it."""


class _AfterAuto(MetaPathFinder):
    """Finds nothing by itself: it lets the other finders find an Auto class, and has ours imported after it."""

    def __init__(self, wanted: dict[str, str]) -> None:
        self._wanted = wanted

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find an Auto class's module once; for all others None, so that the next finder is asked."""
        ours = self._wanted.pop(fullname, None)
        spec = importlib.util.find_spec(fullname) if ours else None
        if ours is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            importlib.import_module(ours)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


for _theirs, _ours in _REGISTERED_BY.items():
    if _theirs in sys.modules:
        importlib.import_module(_ours)
sys.meta_path.insert(0, _AfterAuto({name: ours for name, ours in _REGISTERED_BY.items() if name not in sys.modules}))
