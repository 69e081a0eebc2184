"""A user's own adapter: `python:package.module:function`, a function that makes a Model (mmeval.types).

docs/adapters.md has a worked example. `mmeval models check` tells whether an adapter keeps the contract.
"""

import importlib
import inspect
import sys
from importlib import util
from pathlib import Path

from mmeval.models import Checkpoint, ModelOptions
from mmeval.types import InputError, Model, nearest

NEEDED = ("name", "max_images", "generate", "preview")
"""What a Model has; without `loglikelihood` it can answer in words alone."""


def source_file(source: str) -> Path:
    """Return the file of `package.module:function`, which may stand in the working folder. Raises InputError."""
    module, _, function = source.partition(":")
    if not module or not function:
        raise InputError(f"'python:{source}' names no function; write python:package.module:function")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = util.find_spec(module)
    except (ImportError, ValueError) as error:
        raise InputError(f"python:{source}: the module '{module}' cannot be imported ({error})") from error
    if found is None or not found.has_location or found.origin is None:
        raise InputError(f"python:{source}: no module '{module}' in {here} or in what is installed; name another")
    return Path(found.origin)


def load(checkpoint: Checkpoint, options: ModelOptions) -> Model:
    """Import the module and call its function with the ModelOptions; returns the Model. Raises InputError."""
    file = source_file(checkpoint.source)
    module, _, name = checkpoint.source.partition(":")
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
        raise InputError(f"{file}: {name}() is called with the ModelOptions ({error}); let it take them") from error
    model: Model = function(options)
    if missing := [need for need in NEEDED if not hasattr(model, need)]:
        raise InputError(f"{file}: what {name}() returns has no {', '.join(missing)}; see docs/adapters.md")
    return model
