"""The model adapters, one file each, and where the checkpoints of the catalogue are found.

Nothing here imports torch: naming, checking and fingerprinting a model is done before it is loaded.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from mmeval import yaml_file
from mmeval.types import InputError, Model, nearest

MODELS = {
    "mmicl": "mmeval.models.mmicl:load",
    "blip2": "mmeval.models.blip2:load",
    "instructblip": "mmeval.models.instructblip:load",
    "text": "mmeval.models.text:load",
    "constant": "mmeval.models.constant:load",
}
"""Adapter name -> the function that loads one; imported only when asked for."""

CONTEXTS = {
    "mmicl": ("declaration", "mme-authors", "plain"),
    "blip2": ("plain", "side-by-side"),
    "instructblip": ("plain", "side-by-side"),
    "text": ("blind",),
    "constant": ("plain",),
}
"""Adapter name -> its named ways to introduce pictures; the first is the default."""

_MODEL_TYPES = {"mmicl": "mmicl", "blip-2": "blip2", "instructblip": "instructblip"}
_FINGERPRINTED = ("*.safetensors", "*.bin", "*.json", "*.model", "*.txt")


@dataclass(frozen=True)
class Checkpoint:
    """A model by name: which adapter opens what, found where."""

    name: str
    adapter: str
    source: str
    """A folder, a hub id, or what the adapter makes of it."""
    revision: str | None = None
    local: bool = True

    @property
    def digest(self) -> str:
        """SHA-256 over the checkpoint's files; for a hub model, its id and revision."""
        folder = Path(self.source)
        if not self.local or not folder.is_dir():
            return hashlib.sha256(f"{self.source}@{self.revision}".encode()).hexdigest()
        return folder_digest(folder)


@dataclass(frozen=True)
class ModelOptions:
    """How a model is run. What can change its answers is part of the run's identity."""

    context: str
    device: str = "auto"
    dtype: str = "auto"
    batch_tokens: int | None = None
    """Padded prompt tokens in one batch; None for as many as suit the device."""


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """The named checkpoints: name -> adapter, source and a line about it."""
    return yaml_file.read(resources.files("mmeval.models").joinpath("catalogue.yaml"))


def find_model(spec: str) -> Checkpoint:
    """The checkpoint meant by a catalogue name, a folder, or `adapter:source`. Raises InputError."""
    if spec in catalogue():
        entry = catalogue()[spec]
        if entry.get("bundled"):
            return Checkpoint(spec, entry["adapter"], str(_bundled(entry["bundled"])))
        local = "hub" not in entry
        source = str(entry.get("hub", entry.get("source", "")))
        return Checkpoint(spec, entry["adapter"], source, entry.get("revision"), local)
    if Path(spec).is_dir():
        return Checkpoint(Path(spec).resolve().name, _adapter_of(Path(spec)), str(Path(spec)))
    adapter, colon, source = spec.partition(":")
    if colon and adapter in MODELS:
        return Checkpoint(spec.replace("/", "-"), adapter, source, local=adapter == "constant" or Path(source).is_dir())
    raise InputError(
        f"unknown model '{spec}': neither in the catalogue nor a folder{nearest(spec, catalogue())}; "
        "`mmeval models` lists the names"
    )


def load_model(spec: str | Checkpoint, settings: ModelOptions | None = None) -> Model:
    """Loads a model. Raises InputError naming the file, the key or the setting that is wrong."""
    checkpoint = find_model(spec) if isinstance(spec, str) else spec
    settings = settings or ModelOptions(context=pick_context(checkpoint, None))
    pick_context(checkpoint, settings.context)
    module, _, function = MODELS[checkpoint.adapter].partition(":")
    try:
        load = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise InputError(
            f"the adapter '{checkpoint.adapter}' needs {error.name}; install it with: pip install 'mmeval-harness[hf]'"
        ) from error
    model: Model = load(checkpoint, settings)
    return model


def pick_context(checkpoint: Checkpoint, context: str | None) -> str:
    """The context asked for, or the adapter's default. Raises InputError naming those that it has."""
    known = CONTEXTS[checkpoint.adapter]
    if context is not None and context not in known:
        raise InputError(
            f"the adapter '{checkpoint.adapter}' has no context '{context}'{nearest(context, known)}; "
            f"it has: {', '.join(known)}"
        )
    return context or known[0]


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a checkpoint's files, at any depth."""
    digest = hashlib.sha256()
    files = {path for pattern in _FINGERPRINTED for path in folder.rglob(pattern)}
    for path in sorted(files):
        digest.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _bundled(name: str) -> Path:
    folder = Path(str(resources.files("mmeval.embedded"))) / "weights" / name
    if not (folder / "config.json").is_file():
        raise InputError(f"the weights of {name} are not at {folder}; `make train-tiny` makes them")
    return folder


def _adapter_of(folder: Path) -> str:
    try:
        model_type = str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"])
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no config.json, so this is not a checkpoint folder") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{folder / 'config.json'}: not a model's configuration ({error!r})") from error
    if model_type not in _MODEL_TYPES:
        raise InputError(
            f"{folder / 'config.json'}: model type '{model_type}' has no adapter; "
            f"there are adapters for {', '.join(_MODEL_TYPES)}"
        )
    return _MODEL_TYPES[model_type]
