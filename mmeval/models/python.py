"""A user's own adapter: `python:package.module:function`, a function that makes a Model (mmeval.types).

docs/adapters.md has a worked example. `mmeval models check` tests whether an adapter keeps the contract.
"""

import importlib
import inspect
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from itertools import accumulate
from pathlib import Path

from mmeval.models import Checkpoint, ModelOptions
from mmeval.types import InputError, Model, nearest

NEEDED = ("name", "max_images", "generate", "preview")
"""The attributes of a Model; without `loglikelihood` it can only generate text."""


def source_file(source: str) -> Path:
    """Return the file of `package.module:function`; the module may be in the working folder. Raises InputError."""
    module, _, function = source.partition(":")
    if not module or not function:
        raise InputError(f"'python:{source}' names no function; write python:package.module:function")
    folder = str(Path.cwd())
    try:
        spec = _spec(module, folder)
    except (ImportError, ValueError) as error:
        raise InputError(f"python:{source}: the module '{module}' cannot be imported ({error})") from error
    if spec is None or not spec.has_location or spec.origin is None:
        raise InputError(f"python:{source}: no module '{module}' in {folder} or installed; choose another module")
    return Path(spec.origin)


def _spec(module: str, folder: str) -> ModuleSpec | None:
    """Find a module in the folder or installed. No package around it is imported, as `util.find_spec` would."""
    spec = PathFinder.find_spec(module.partition(".")[0], [folder])
    locations: Sequence[str] | None = None
    for name in accumulate(module.split("."), "{}.{}".format):
        if locations is not None or spec is None:
            specs = (finder.find_spec(name, locations) for finder in sys.meta_path)
            spec = next((spec for spec in specs if spec is not None), None)
        if spec is None:
            return None
        locations = spec.submodule_search_locations or ()
    return spec


def load(checkpoint: Checkpoint, options: ModelOptions) -> Model:
    """Import the module, call its function with the ModelOptions and return the Model. Raises InputError."""
    file = source_file(checkpoint.source)
    module, _, name = checkpoint.source.partition(":")
    if (folder := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, folder)
    try:
        imported = importlib.import_module(module)
    except (ImportError, SyntaxError) as error:
        raise InputError(f"{file}: cannot be imported ({error})") from error
    function = getattr(imported, name, None)
    if not callable(function):
        functions = [key for key, value in vars(imported).items() if inspect.isfunction(value)]
        raise InputError(
            f"{file}: no function '{name}'{nearest(name, functions)}; it has {', '.join(functions) or 'none'}"
        )
    try:
        inspect.signature(function).bind(options)
    except (TypeError, ValueError) as error:
        raise InputError(f"{file}: {name}() is called with the ModelOptions ({error}); make it accept them") from error
    model: Model = function(options)
    if missing := [need for need in NEEDED if not hasattr(model, need)]:
        raise InputError(f"{file}: the model that {name}() returns has no {', '.join(missing)}; see docs/adapters.md")
    if not isinstance(model.max_images, int | None):
        raise InputError(f"{file}: max_images is {model.max_images!r:.40}; give a whole number, or None for any number")
    return model
