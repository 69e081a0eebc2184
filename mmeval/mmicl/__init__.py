"""MMICL, complete: configuration, processing, modeling and checkpoints. It takes `mmeval.pictures`, and stands alone.

After `import mmeval.mmicl`, transformers' AutoConfig, AutoProcessor and AutoModelForImageTextToText know MMICL: each of
our modules registers itself, once somebody imports the Auto class; data sets and prompts are read without torch.
"""

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
    """Leave finding to the other finders, and have our module imported right after an Auto class's."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find an Auto class's module, once; for all others the next finder is asked."""
        ours = _REGISTERED_BY.pop(fullname, None)
        spec = importlib.util.find_spec(fullname) if ours else None
        if ours is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            importlib.import_module(ours)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _AfterAuto())
for _name in _REGISTERED_BY.keys() & sys.modules.keys():
    importlib.import_module(_REGISTERED_BY.pop(_name))
