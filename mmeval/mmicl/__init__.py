"""MMICL, complete: configuration, processing, modeling and checkpoints. It takes `mmeval.pictures`, and stands alone.

After `import mmeval.mmicl`, transformers' AutoConfig, AutoProcessor and AutoModelForImageTextToText know MMICL: each of
our modules registers itself, once somebody imports the Auto class; data sets and prompts are read without torch.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_REGISTERED_BY = {
    "transformers.models.auto.configuration_auto": "mmeval.mmicl.configuration",
    "transformers.models.auto.processing_auto": "mmeval.mmicl.processing",
    "transformers.models.auto.modeling_auto": "mmeval.mmicl.modeling",
}
"""Where an Auto class lives -> which of our modules registers itself with it."""
_MODELING = "transformers.models.auto.modeling_auto"
_MODELS = re.compile(r"transformers\.(modeling_layers|models\.\w+\.modeling_\w+)")
"""Modules of transformers that import the Auto classes in the middle of themselves, or are imported by such modules."""


class _AfterAuto(MetaPathFinder):
    """Leave finding to the other finders, and have our module imported along with an Auto class's."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find an Auto class's module, once; for all others the next finder is asked.

        Ours is read right after an Auto class's; that of the models before any model of transformers, whose modules
        import each other in a circle that ours must not enter in the middle.
        """
        if _MODELS.fullmatch(fullname):
            if ours := _REGISTERED_BY.pop(_MODELING, None):
                importlib.import_module(ours)
                known = sys.modules.get(fullname)
                return None if known is None else _known(known)
            return None
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


class _Known(Loader):
    """Gives a module that was read while it was looked for, so that it is not read twice."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module as it is."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Read nothing again."""
        module.__spec__ = self._spec


def _known(module: ModuleType) -> ModuleSpec:
    spec = module.__spec__ = ModuleSpec(module.__name__, _Known(module))  # importlib asks the module for its own
    return spec


sys.meta_path.insert(0, _AfterAuto())
for _name in _REGISTERED_BY.keys() & sys.modules.keys():
    importlib.import_module(_REGISTERED_BY.pop(_name))
