"""MMICL: configuration, processing, modeling and checkpoints. It also needs `mmeval.pictures` and `mmeval.regular`.

After `import mmeval.mmicl`, transformers' AutoConfig, AutoProcessor and AutoModelForImageTextToText know MMICL. Each
module registers itself once its Auto class is imported, so data sets and prompts can be read without torch.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_OUR_MODULES = {
    "transformers.models.auto.configuration_auto": "mmeval.mmicl.configuration",
    "transformers.models.auto.processing_auto": "mmeval.mmicl.processing",
    "transformers.models.auto.modeling_auto": "mmeval.mmicl.modeling",
}
"""Module of an Auto class -> our module that registers with it."""
_MODELING = "transformers.models.auto.modeling_auto"
_MODELS = re.compile(r"transformers\.(modeling_layers|models\.\w+\.modeling_\w+)")
"""Modules of transformers that import the Auto classes halfway through, or are imported by such modules."""


class _AfterAuto(MetaPathFinder):
    """Import our module along with an Auto class's module; leave the finding to the other finders."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find an Auto class's module once; return None for all other modules.

        Our module is imported right after the Auto class's. Our modeling module is imported before any model of
        transformers: those import each other in a circle, which ours must not enter halfway.
        """
        if _MODELS.fullmatch(fullname):
            if our_module := _OUR_MODULES.pop(_MODELING, None):
                importlib.import_module(our_module)
                imported = sys.modules.get(fullname)
                return None if imported is None else _imported_spec(imported)
            return None
        our_module = _OUR_MODULES.pop(fullname, None)
        spec = importlib.util.find_spec(fullname) if our_module else None
        if our_module is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            importlib.import_module(our_module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class _ImportedLoader(Loader):
    """Return a module that was imported during its own lookup, so it is not executed twice."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module as it is."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Do not execute the module again."""
        module.__spec__ = self._spec


def _imported_spec(module: ModuleType) -> ModuleSpec:
    spec = ModuleSpec(module.__name__, _ImportedLoader(module))
    module.__spec__ = spec  # importlib reads the module's own spec
    return spec


sys.meta_path.insert(0, _AfterAuto())
for _name in _OUR_MODULES.keys() & sys.modules.keys():
    importlib.import_module(_OUR_MODULES.pop(_name))
