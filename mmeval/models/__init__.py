"""Models by name: which there are (`adapters`, `finding`), what they can be asked for, and how they are loaded.

Nothing here imports torch until a model is loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

from mmeval import regular
from mmeval.files import read_json
from mmeval.models.adapters import ADAPTERS
from mmeval.models.finding import Checkpoint, catalogue, find_model
from mmeval.startup import import_quickly
from mmeval.types import InputError, Model, nearest

__all__ = [
    "ADAPTERS",
    "Checkpoint",
    "ModelOptions",
    "catalogue",
    "check_options",
    "find_model",
    "identity_facts",
    "load_model",
    "pick_context",
]


@dataclass(frozen=True)
class ModelOptions:
    """How a model is run. The options that can change its answers are part of the run's identity."""

    context: str
    device: str = "auto"
    dtype: str = "auto"
    batch_tokens: int | None = None
    """Padded prompt tokens in one batch; None for the device's default."""
    system: str | None = None
    """The system turn of a chat model."""
    thinking: str = "auto"
    """`on` or `off` if the chat template supports it; `auto` leaves it to the template."""
    model_args: str | None = None
    """`key=value,key=value`: further arguments of the adapter's `load`."""
    quantize: str | None = None
    """`8bit`, `4bit` or None."""
    trust_remote_code: bool = False
    """Whether Python code that comes with the checkpoint may run."""
    concurrency: int = 32
    """Requests in flight on each server."""
    timeout: float = 600.0
    """Seconds that a server may take for one reply."""
    first_token: bool = False
    """Whether the likelihoods are those of the answer's first token."""
    keep_pictures: bool = False
    """Whether later runs will show the same pictures: more of them are kept encoded."""


def identity_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return adapter-specific facts that can change answers; empty for most adapters.

    The pixels of a chat model come from one of two backends of transformers. The Q-Former of an MMICL trained with
    `instruction: true` reads the question; runs without this mark are older, and it did not read it.
    """
    if checkpoint.adapter == "chat":
        return {"pixels": "torchvision" if util.find_spec("torchvision") else "pil"}
    if checkpoint.adapter != "mmicl" or not regular.is_folder(checkpoint.source):
        return {}
    config, facts = (_values(Path(checkpoint.source, name)) for name in ("config.json", "training.json"))
    training_config = facts.get("config")
    trained = isinstance(training_config, dict) and training_config.get("instruction") is True
    return {"reads_questions": True} if trained or (not facts and config.get("reads_instructions") is True) else {}


def _values(path: Path) -> dict[str, Any]:
    return read_json(path, "fetch the file again") if path.exists() else {}


def check_options(checkpoint: Checkpoint, values: Mapping[str, object], usual: Mapping[str, object]) -> None:
    """Raise InputError if an option is given that the checkpoint's adapter does not accept."""
    accepted = ADAPTERS[checkpoint.adapter].options
    for name in dict.fromkeys(name for adapter in ADAPTERS.values() for name in adapter.options):
        if name not in accepted and values.get(name) != usual.get(name):
            others = ", ".join(kind for kind, adapter in ADAPTERS.items() if name in adapter.options)
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"the adapter '{checkpoint.adapter}' takes no {flag}; it goes with the adapters {others}")


def load_model(spec: str | Checkpoint, options: ModelOptions | None = None) -> Model:
    """Load a model. Raises InputError naming the wrong file, key or option."""
    checkpoint = find_model(spec) if isinstance(spec, str) else spec
    options = options or ModelOptions(context=pick_context(checkpoint, None))
    pick_context(checkpoint, options.context)
    module, _, function = ADAPTERS[checkpoint.adapter].load.partition(":")
    try:
        load = getattr(import_quickly(module), function)
    except ModuleNotFoundError as error:
        if error.name is None:  # of transformers, where a package that it found cannot be imported
            raise InputError(
                f"the adapter '{checkpoint.adapter}' cannot be imported ({_first_cause(error)}); repair that package"
            ) from error
        raise InputError(
            f"the adapter '{checkpoint.adapter}' needs {error.name}; install it with: pip install 'mmeval-harness[hf]'"
        ) from error
    model: Model = load(checkpoint, options)
    return model


def _first_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


def pick_context(checkpoint: Checkpoint, context: str | None) -> str:
    """Return the given context, or the adapter's default. Raises InputError listing the adapter's contexts."""
    contexts = ADAPTERS[checkpoint.adapter].contexts
    if context is not None and context not in contexts:
        raise InputError(
            f"the adapter '{checkpoint.adapter}' has no context '{context}'{nearest(context, contexts)}; "
            f"choose from {', '.join(contexts)}"
        )
    return context or contexts[0]
