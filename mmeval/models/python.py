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
    here = str(Path.cwd())
    try:
        found = _spec(module, here)
    except (ImportError, ValueError) as error:
        raise InputError(f"python:{source}: the module '{module}' cannot be imported ({error})") from error
    if found is None or not found.has_location or found.origin is None:
        raise InputError(f"python:{source}: no module '{module}' in {here} or installed; choose another module")
    return Path(found.origin)


def _spec(module: str, here: str) -> ModuleSpec | None:
    """Find a module in the folder `here` or installed. No package around it is imported, as `util.find_spec` would."""
    found = PathFinder.find_spec(module.partition(".")[0], [here])
    places: Sequence[str] | None = None
    for name in accumulate(module.split("."), "{}.{}".format):
        if places is not None or found is None:
            specs = (finder.find_spec(name, places) for finder in sys.meta_path)
            found = next((spec for spec in specs if spec is not None), None)
        if found is None:
            return None
        places = found.submodule_search_locations or ()
    return found


def load(checkpoint: Checkpoint, options: ModelOptions) -> Model:
    """Import the module, call its function with the ModelOptions and return the Model. Raises InputError."""
    file = source_file(checkpoint.source)
    module, _, name = checkpoint.source.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
    except (ImportError, SyntaxError) as error:
        raise InputError(f"{file}: cannot be imported ({error})") from error
    function = getattr(found, name, None)
    if not callable(function):
        own = [key for key, value in vars(found).items() if inspect.isfunction(value)]
        raise InputError(f"{file}: no function '{name}'{nearest(name, own)}; it has {', '.join(own) or 'none'}")
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
