"""Find a model by its name, folder or hub id, and fingerprint it, without loading it.

A model type that has no adapter of ours is looked up in transformers, which imports it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from mmeval import regular, yaml_file
from mmeval.models import lora
from mmeval.models.adapters import ADAPTERS
from mmeval.models.digests import file_digest
from mmeval.servers.addresses import without_password
from mmeval.types import InputError, malformed, nearest

_MODEL_TYPES = {"mmicl": "mmicl", "blip-2": "blip2", "instructblip": "instructblip"}
_ENDINGS = (".safetensors", ".bin", ".json", ".model", ".txt", ".tiktoken", ".jinja", ".py")
"""The endings of the files that are opened, here or in transformers: weights, settings, words, templates and code."""
NO_CONFIG = "{folder}: no config.json, so this is not a checkpoint folder; choose another"


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
    def origin(self) -> str:
        """A phrase to print after the name: the source without its password; for the adapter `constant`, its answer."""
        if self.adapter == "constant":
            return f"always answers '{self.source}'"
        return f"from {without_password(self.source)}"

    @property
    def digest(self) -> str:
        """SHA-256 over the names and contents of the checkpoint's files, or over a hub model's id and revision.

        A LoRA adapter's includes its base model's. For a server it covers only the model's name: the server may move,
        and several may share the work.
        """
        if self.adapter == "server":
            return hashlib.sha256(self.name.encode()).hexdigest()
        if self.adapter == "python":
            from mmeval.models.python import source_file

            return hashlib.sha256(source_file(self.source).read_bytes()).hexdigest()
        folder = Path(self.source)
        if not self.local or not regular.is_folder(folder):
            return hashlib.sha256(f"{self.source}@{self.revision}".encode()).hexdigest()
        total = hashlib.sha256()
        for path in _files(folder):
            total.update(str(path.relative_to(folder)).encode())
            total.update(file_digest(path))
        if lora.is_lora(folder):
            total.update(replace(self, source=str(lora.base_folder(folder))).digest.encode())
        return total.hexdigest()


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
    if regular.is_folder(spec):
        adapter = _adapter_of(folder)
        _check_files(folder)
        return Checkpoint(_name_of(folder), adapter, str(folder))
    adapter, colon, source = spec.partition(":")
    if colon and adapter == "server":
        from mmeval.models.server import parse

        _, name = parse(source)
        if name.startswith("/"):  # drop the machine's folders
            name = name.rstrip("/").rpartition("/")[2]
        return Checkpoint(f"server:{name}".replace("/", "-"), adapter, source, local=False)
    if colon and adapter in ADAPTERS:
        in_code = adapter in ("constant", "python")
        if not source and not in_code:
            raise InputError(f"'{spec}' has no model after the colon; write a folder or a hub id after the colon")
        name, local = spec.replace("/", "-"), in_code or regular.is_folder(source)
        if local and not in_code:
            if adapter == "chat" and lora.is_lora(Path(source)):
                _check_lora(Path(source))
            elif not (Path(source) / "config.json").exists():  # before all files below any folder are opened and hashed
                raise InputError(NO_CONFIG.format(folder=source))
            _check_files(Path(source))
        if adapter == "chat" and local:
            return Checkpoint(_name_of(Path(source)), adapter, source)
        source, _, revision = (source, "", "") if local else source.partition("@")
        return Checkpoint(name, adapter, source, revision or None, local)
    unknown = f"unknown model '{without_password(spec)}': neither in the catalogue nor a folder"
    if spec.startswith(("/", ".", "~")):
        raise InputError(f"unknown model '{spec}': there is no such folder")
    if re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w.-]+)?", spec):
        raise InputError(f"{unknown}; if it is a model on the hub, write chat:{spec}")
    raise InputError(f"{unknown}{nearest(spec, catalogue())}; `mmeval models` lists the names")


def _files(folder: Path) -> list[Path]:
    """Return the files of a checkpoint, in its folder and the folders in it."""
    return sorted(path for path in folder.rglob("*") if path.name.endswith(_ENDINGS) and not path.is_dir())


def _check_files(folder: Path) -> None:
    """Raise InputError for a pipe, a device or a huge sparse file among a checkpoint's files.

    transformers and safetensors would wait for it without end, and ignore Ctrl-C.
    """
    for path in _files(folder):
        try:
            regular.opened(path).close()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); fetch the checkpoint again") from error


def _name_of(folder: Path) -> str:
    """Name a model after its folder. Training output is named after its parent: `x/trained`, `x/checkpoint-200`.

    A snapshot in the hub's cache, `models--OWNER--NAME/snapshots/COMMIT`, is named OWNER-NAME.
    """
    path = folder.resolve()
    name, run, above = path.name, path.parent.name, path.parent.parent.name
    if run == "snapshots" and above.startswith("models--"):
        return above.removeprefix("models--").replace("--", "-")
    if name == "trained":
        return run or name
    return f"{run}-{name}" if run and re.fullmatch(r"checkpoint-\d+", name) else name


def _bundled(name: str) -> Path:
    folder = Path(str(resources.files("mmeval.embedded"))) / "weights" / name
    if not (folder / "config.json").is_file():
        raise InputError(f"the weights of {name} are not at {folder}; `make train-tiny` makes them")
    return folder


def _check_lora(folder: Path) -> None:
    """Raise InputError if the base model of a LoRA adapter is missing or is no chat model."""
    base = lora.base_folder(folder)
    if (adapter := _adapter_of(base)) != "chat":
        raise InputError(
            f"{folder}: a LoRA adapter of {base}, which the adapter '{adapter}' runs without LoRA; merge the two with "
            "peft's merge_and_unload, and give the folder of the merged model"
        )
    _check_files(base)


def _adapter_of(folder: Path) -> str:
    if lora.is_lora(folder):
        _check_lora(folder)
        return "chat"
    file = folder / "config.json"
    from mmeval.mmicl.published import is_published_mmicl

    try:
        config = json.loads(regular.read_text(file))
        model_type = "mmicl" if is_published_mmicl(config) else str(config["model_type"])
    except FileNotFoundError as error:
        raise InputError(NO_CONFIG.format(folder=folder)) from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); fetch the checkpoint again") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{file}: not a model's configuration ({malformed(error)})") from error
    check_format(config, str(folder))
    if model_type == "mmicl" and config.get("max_images") in (0, 1):
        part = config.get("qformer_config")
        reads = isinstance(part, dict) and part.get("model_type") == "instructblip_qformer"
        if config["max_images"] == 0:
            return "text"
        return "instructblip" if reads else "blip2"
    if model_type in _MODEL_TYPES:
        return _MODEL_TYPES[model_type]
    unknown = "auto_map" not in config and "thinker_config" not in config  # the latter is Qwen's Omni
    if unknown and not _is_vision_language(model_type):
        types = ", ".join(_MODEL_TYPES)
        raise InputError(
            f"{file}: model type '{model_type}' has no adapter; there are adapters for {types}, and for chat models of "
            "transformers' AutoModelForImageTextToText"
        )
    return "chat"


def check_format(config: Mapping[str, Any], source: str) -> None:
    """Raise InputError for a configuration written by LLaVA's own code, which transformers would take for its own."""
    if "mm_vision_tower" in config:
        raise InputError(
            f"{source}: in the format of LLaVA's own code, not of transformers; choose a converted checkpoint, such as "
            "llava-hf/llava-1.5-7b-hf"
        )


def _is_vision_language(model_type: str) -> bool:
    """Ask transformers whether a model of this type takes pictures; True if transformers is not installed."""
    try:
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as NAMES
    except ModuleNotFoundError:
        return True  # load_model reports what to install
    return model_type in NAMES
