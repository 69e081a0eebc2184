"""LoRA adapters as peft saves them: folders with weights to add to a base model, and the base model's name."""

from pathlib import Path

from mmeval import regular
from mmeval.files import read_json
from mmeval.types import InputError

CONFIG = "adapter_config.json"
_PROCESSOR = ("processor_config.json", "preprocessor_config.json")


def is_lora(folder: Path) -> bool:
    """Return whether a folder holds an adapter and no model of its own."""
    return regular.exists(folder / CONFIG) and not regular.exists(folder / "config.json")


def base_folder(folder: Path) -> Path:
    """Return the folder of an adapter's base model: the folder that its configuration names, or a downloaded hub model.

    A relative name is relative to the adapter's folder. Nothing is downloaded, because the name comes from a file.
    Raises InputError if there is no such model on this machine.
    """
    file = folder / CONFIG
    settings = read_json(file, "fetch the adapter again")
    name, revision = settings.get("base_model_name_or_path"), settings.get("revision")
    if not isinstance(name, str) or not name:
        raise InputError(f"{file}: base_model_name_or_path names no model; give the folder of the adapter's base model")
    base = folder / name if regular.is_folder(folder / name) else _downloaded(name, revision)
    if base is None:
        raise InputError(
            f"{folder}: a LoRA adapter of {name}, which is not on this machine; download it (hf download {name}), or "
            f"name its folder as base_model_name_or_path in {CONFIG}"
        )
    if not regular.exists(base / "config.json"):
        raise InputError(f"{file}: its base model {name} has no config.json, so it is not a checkpoint; name another")
    return base


def processor_folder(folder: Path, base: Path) -> Path:
    """Return the adapter's folder if training saved a processor there, otherwise the base model's."""
    return folder if any(regular.exists(folder / name) for name in _PROCESSOR) else base


def _downloaded(name: str, revision: object) -> Path | None:
    """Return a hub model's folder in the hub's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(name, revision=revision if isinstance(revision, str) else None, local_files_only=True)
        )
    except (HFValidationError, LocalEntryNotFoundError):
        return None
