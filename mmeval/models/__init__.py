"""The model adapters, and the checkpoints of the catalogue.

A model is named, checked and fingerprinted before it is loaded, without importing torch. The one exception: a model
type that has no adapter of ours is looked up in transformers.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources, util
from pathlib import Path
from typing import Any

from mmeval import engine, yaml_file
from mmeval.addresses import without_password
from mmeval.models.digests import file_digest
from mmeval.startup import import_quickly
from mmeval.types import InputError, Model, malformed, nearest

_IN_PROCESS = "mmeval.engine.loading:load"


@dataclass(frozen=True)
class Adapter:
    """The facts known before a model is loaded: what the adapter accepts, and what its answers depend on."""

    load: str
    """`module:function` that loads a model; imported only when needed."""
    contexts: tuple[str, ...]
    """Its named ways to introduce pictures; the first is the default."""
    max_images: int | None = None
    """Maximum pictures in one prompt, including demonstrations and video frames; None for any number."""
    likelihoods: bool = True
    """Whether it can compute log-likelihoods of candidates."""
    reads_instructions: bool = False
    """Whether a Q-Former reads the question along with every picture."""
    version: int = engine.VERSION
    """Changes whenever the same request may get a different answer."""
    first_token: bool = False
    """Whether it can compute the likelihood of an answer's first token."""
    packages: tuple[str, ...] = ("torch", "transformers")
    """Packages whose major versions can also change answers."""
    options: tuple[str, ...] = ()
    """The fields of SOME and SHAPED that this adapter accepts."""


SAMPLED = (
    *("system", "temperature", "top_p", "top_k", "presence_penalty", "samples"),
    *("thinking", "thinking_tokens"),
)
SOME = (*SAMPLED, "model_args", "quantize", "trust_remote_code")
"""Fields of RunSpec that only some adapters accept; the other adapters refuse a value that is not the default."""

SHAPED = ("min_new_tokens", "length_penalty", "repetition_penalty")
"""More such fields: how decoding shapes an answer."""

ADAPTERS = {
    "mmicl": Adapter(
        _IN_PROCESS,
        ("declaration", "mme-authors", "readme", "winoground-authors", "tags", "plain"),
        max_images=20,
        options=SHAPED,
    ),
    "blip2": Adapter(_IN_PROCESS, ("plain", "side-by-side"), max_images=1, options=SHAPED),
    "instructblip": Adapter(
        _IN_PROCESS, ("plain", "side-by-side"), max_images=1, reads_instructions=True, options=SHAPED
    ),
    "text": Adapter(
        _IN_PROCESS, ("blind",), options=SHAPED
    ),  # the language model alone: whatever it gets right is given away by the words
    "chat": Adapter("mmeval.models.chat.loading:load", ("template", "numbered", "video"), version=1, options=SOME),
    "python": Adapter("mmeval.models.python:load", ("plain",), version=1, packages=(), options=(*SOME, *SHAPED)),
    "server": Adapter(
        "mmeval.models.server:load", ("template", "numbered"), version=1, packages=(), options=SAMPLED, first_token=True
    ),
    "constant": Adapter("mmeval.models.constant:load", ("plain",), version=1, packages=()),
}
"""The adapters by name."""

_MODEL_TYPES = {"mmicl": "mmicl", "blip-2": "blip2", "instructblip": "instructblip"}
_FINGERPRINTED = ("*.safetensors", "*.bin", "*.json", "*.model", "*.txt")


@dataclass(frozen=True)
class Checkpoint:
    """A named model: its adapter and its location."""

    name: str
    adapter: str
    source: str
    """A folder, a hub id, or a text that the adapter interprets."""
    revision: str | None = None
    local: bool = True

    @property
    def shown(self) -> str:
        """The source without its password."""
        return without_password(self.source) or "nowhere"

    @property
    def digest(self) -> str:
        """SHA-256 over the names and contents of the checkpoint's files, or over a hub model's id and revision.

        For a server it covers only the model's name: the server may move, and several may share the work.
        """
        if self.adapter == "server":
            return hashlib.sha256(self.name.encode()).hexdigest()
        if self.adapter == "python":
            from mmeval.models.python import source_file

            return hashlib.sha256(source_file(self.source).read_bytes()).hexdigest()
        folder = Path(self.source)
        if not self.local or not folder.is_dir():
            return hashlib.sha256(f"{self.source}@{self.revision}".encode()).hexdigest()
        total = hashlib.sha256()
        for path in sorted({path for pattern in _FINGERPRINTED for path in folder.rglob(pattern)}):
            total.update(str(path.relative_to(folder)).encode())
            total.update(file_digest(path))
        return total.hexdigest()


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


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Return the named checkpoints: name -> adapter, source and a one-line description."""
    return yaml_file.read(resources.files("mmeval.models").joinpath("catalogue.yaml"))


def find_model(spec: str) -> Checkpoint:
    """Find the checkpoint for a catalogue name, a folder, or `adapter:source`. Raises InputError."""
    if spec in catalogue():
        entry = catalogue()[spec]
        source = _bundled(entry["bundled"]) if "bundled" in entry else entry.get("hub", entry.get("source", ""))
        return Checkpoint(spec, entry["adapter"], str(source), entry.get("revision"), local="hub" not in entry)
    folder = Path(spec)
    if spec and folder.is_dir():
        return Checkpoint(_name_of(folder), _adapter_of(folder), str(folder))
    adapter, colon, source = spec.partition(":")
    if colon and adapter == "server":
        from mmeval.models.server import parse

        _, name = parse(source)
        own = name.rstrip("/").rpartition("/")[2] if name.startswith("/") else name  # drop the machine's folders
        return Checkpoint(f"server:{own}".replace("/", "-"), adapter, source, local=False)
    if colon and adapter in ADAPTERS:
        name, local = spec.replace("/", "-"), adapter in ("constant", "python") or Path(source).is_dir()
        if adapter == "chat" and local:
            return Checkpoint(_name_of(Path(source)), adapter, source)
        source, _, revision = (source, "", "") if local else source.partition("@")
        return Checkpoint(name, adapter, source, revision or None, local)
    raise InputError(
        f"unknown model '{without_password(spec)}': neither in the catalogue nor a folder{nearest(spec, catalogue())}; "
        "`mmeval models` lists the names"
    )


def pixels(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the transformers backend for a chat model's pixels (the pixels differ); nothing for other adapters."""
    if checkpoint.adapter != "chat":
        return {}
    return {"pixels": "torchvision" if util.find_spec("torchvision") else "pil"}


def check_options(checkpoint: Checkpoint, values: Mapping[str, object], usual: Mapping[str, object]) -> None:
    """Raise InputError if an option is given that the checkpoint's adapter does not accept."""
    takes = ADAPTERS[checkpoint.adapter].options
    for name in (*SOME, *SHAPED):
        if name not in takes and values.get(name) != usual.get(name):
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
        raise InputError(
            f"the adapter '{checkpoint.adapter}' needs {error.name}; install it with: pip install 'mmeval-harness[hf]'"
        ) from error
    model: Model = load(checkpoint, options)
    return model


def pick_context(checkpoint: Checkpoint, context: str | None) -> str:
    """Return the given context, or the adapter's default. Raises InputError listing the adapter's contexts."""
    known = ADAPTERS[checkpoint.adapter].contexts
    if context is not None and context not in known:
        raise InputError(
            f"the adapter '{checkpoint.adapter}' has no context '{context}'{nearest(context, known)}; "
            f"choose from {', '.join(known)}"
        )
    return context or known[0]


def _name_of(folder: Path) -> str:
    """Name a model after its folder. Training output is named after its parent: `x/trained`, `x/checkpoint-200`."""
    name, run = folder.resolve().name, folder.resolve().parent.name
    if name == "trained":
        return run or name
    return f"{run}-{name}" if run and re.fullmatch(r"checkpoint-\d+", name) else name


def _bundled(name: str) -> Path:
    folder = Path(str(resources.files("mmeval.embedded"))) / "weights" / name
    if not (folder / "config.json").is_file():
        raise InputError(f"the weights of {name} are not at {folder}; `make train-tiny` makes them")
    return folder


def _adapter_of(folder: Path) -> str:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        model_type = "mmicl" if _is_published_mmicl(config) else str(config["model_type"])
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no config.json, so this is not a checkpoint folder; choose another") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{file}: not a model's configuration ({malformed(error)})") from error
    if model_type in _MODEL_TYPES:
        return _MODEL_TYPES[model_type]
    if "auto_map" not in config and not _is_vision_language(model_type):
        known = ", ".join(_MODEL_TYPES)
        raise InputError(
            f"{file}: model type '{model_type}' has no adapter; there are adapters for {known}, and for chat models of "
            "transformers' AutoModelForImageTextToText"
        )
    return "chat"


def _is_vision_language(model_type: str) -> bool:
    """Ask transformers whether a model of this type takes pictures; True if transformers is not installed."""
    try:
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as NAMES
    except ModuleNotFoundError:
        return True  # load_model reports what to install
    return model_type in NAMES


def _is_published_mmicl(values: Any) -> bool:
    """Tell a published MMICL from the model it was trained from; both have the same `model_type`.

    MMICL's training extended the Q-Former's vocabulary of 30,523 words by its special tokens, extended LLaMA's to
    32,022, and recorded the maximum sequence length.
    """
    if not isinstance(values, dict) or values.get("model_type") not in ("blip-2", "instructblip"):
        return False
    text, qformer = (
        part if isinstance(part := values.get(f"{name}_config"), dict) else {} for name in ("text", "qformer")
    )
    llama = text.get("model_type") == "llama" and text.get("vocab_size") == 32022
    return llama or qformer.get("vocab_size") == 30623 or text.get("max_sequence_length") == 1152
