"""The packages and memory that this machine has and that a checkpoint needs, found without loading it."""

import json
import math
import sys
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any

from mmeval import regular
from mmeval.files import read_json
from mmeval.machine import cores
from mmeval.models import Checkpoint, find_model, lora
from mmeval.provenance import version
from mmeval.types import InputError

PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "torchvision", "bitsandbytes", "peft", "av", "pillow")
BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "F8_E4M3": 1, "F8_E5M2": 1}
"""Bytes per number, by the format's name in the header of a safetensors file."""
LARGEST_HEADER = 100 << 20
"""Maximum bytes of a header; safetensors has the same limit."""
BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB")
DECIMAL = ("", "K", "M", "B", "T")


def of_machine() -> list[str]:
    """Return lines about versions, processor cores and GPUs."""
    lines = [f"Python {sys.version.split()[0]}, {cores()} cores"]
    lines += [f"{name} {version(name) or 'is not installed'}" for name in PACKAGES]
    if util.find_spec("torch") is None:
        return lines
    import torch

    if not torch.cuda.is_available():
        return [*lines, "no GPU that torch can use"]
    for number in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(number)
        lines.append(f"cuda:{number} {facts.name}, {_bytes(facts.total_memory)}")
    return lines


def of_model(spec: str) -> tuple[list[str], list[str]]:
    """Return lines about a model, and lines about what is missing. Raises InputError if the model is not found."""
    checkpoint = find_model(spec)
    lines = [f"{checkpoint.name}: adapter {checkpoint.adapter}, {checkpoint.origin}"]
    if checkpoint.adapter in ("constant", "python", "server"):
        return lines, []
    missing = [f"{name}; pip install 'mmeval-harness[hf]'" for name in ("torch", "transformers") if not version(name)]
    folder = _folder(checkpoint)
    if folder is None:
        return [*lines, "not on this machine; the first run downloads it"], missing
    processor_folder = folder
    if lora.is_lora(folder):
        base = lora.base_folder(folder)
        lines.append(f"LoRA adapter of {base}")
        if not version("peft"):
            missing.append("peft; pip install peft")
        folder, processor_folder = base, lora.processor_folder(folder, base)
    config = read_json(folder / "config.json", "fetch the checkpoint again, or choose another folder")
    lines.append(f"model type {config.get('model_type')}")
    if missing:
        return lines, missing
    if checkpoint.adapter == "chat":
        missing += _missing(checkpoint, folder, processor_folder, config)
    return lines + _memory(folder, config), missing


def _missing(checkpoint: Checkpoint, folder: Path, processor_folder: Path, config: dict[str, Any]) -> list[str]:
    """Return the reasons why a chat model cannot be loaded, found without its weights."""
    import torch
    from transformers import AutoConfig

    from mmeval.models.chat.loading import answering_part, check_kind
    from mmeval.models.chat.processor import NEEDS_TRUST, open_processor
    from mmeval.models.chat.reading import reading
    from mmeval.models.chat.template import ChatTemplate
    from mmeval.models.chat.weights import check_packages

    if "auto_map" in config and not _is_in_transformers(config):
        return [NEEDS_TRUST.format(source=checkpoint.name, part="the checkpoint")]
    untrusted = {"local_files_only": True, "trust_remote_code": False}
    try:
        with reading(checkpoint.name, "its configuration"):
            model_config = AutoConfig.from_pretrained(folder, **untrusted)
        check_kind(checkpoint.name, model_config)
    except InputError as error:
        return [str(error)]
    missing = []
    try:
        with reading(checkpoint.name, "its processor"):
            ChatTemplate(open_processor(str(processor_folder), model_config, **untrusted), checkpoint.name)
    except InputError as error:
        missing.append(str(error))
    try:
        with reading(checkpoint.name, "the weights"):
            check_packages(answering_part(model_config))
    except InputError as error:
        missing.append(str(error))
    if torch.cuda.is_available() and not version("accelerate"):
        missing.append("accelerate, to load it onto the GPU; pip install 'mmeval-harness[hf]'")
    return missing


def _is_in_transformers(config: dict[str, Any]) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as NAMES

    return config.get("model_type") in NAMES


def _memory(folder: Path, config: dict[str, Any]) -> list[str]:
    """Return lines about the weights and the key-value cache's growth per token in bfloat16."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        return ["its size is unknown: it has no safetensors files"]
    numbers = size = 0
    for file in files:
        for name, count in _tensors(file):
            numbers += count
            size += count * BYTES.get(name, 4)
    text_config = config.get("text_config")
    text = text_config if isinstance(text_config, dict) else config
    quantization = config.get("quantization_config") or text.get("quantization_config")
    if quantization:  # several weights are packed into a number, so they cannot be counted
        method = quantization.get("quant_method") if isinstance(quantization, dict) else None
        lines = [f"quantized ({method}), {_bytes(size)} on disk; about as much in memory"]
    else:
        lines = [
            f"{scaled(numbers, 1000, DECIMAL)} parameters, {_bytes(size)} on disk; in memory {_bytes(numbers * 2)} in "
            f"bfloat16, {_bytes(numbers * 4)} in float32, {_bytes(numbers)} in 8 bits, {_bytes(numbers / 2)} in 4 bits"
        ]
    names = ("num_key_value_heads", "num_attention_heads", "head_dim", "hidden_size", "num_hidden_layers")
    values = [text.get(name) for name in names]
    kv_heads, attention_heads, head_dim, hidden_size, layers = (
        value if isinstance(value, int) and value > 0 else 0 for value in values
    )
    heads, width = kv_heads or attention_heads, head_dim or hidden_size // max(1, attention_heads)
    if heads and width and layers:
        bytes_per_token = 2 * 2 * layers * heads * width
        lines.append(
            f"each 1,000 tokens in a batch, prompts and answers, add {_bytes(1000 * bytes_per_token)} of bfloat16 cache"
        )
    return lines


def _tensors(file: Path) -> list[tuple[str, int]]:
    """Return the number format and element count of each tensor, from the file's header. Raises InputError."""
    try:
        with regular.opened(file) as opened:
            length = int.from_bytes(opened.read(8), "little")
            if length > LARGEST_HEADER:
                raise ValueError("its header is too long")
            header = json.loads(opened.read(length))
        tensors = [(str(entry["dtype"]), entry["shape"]) for name, entry in header.items() if name != "__metadata__"]
        if not all(isinstance(side, int) and side >= 0 for _, shape in tensors for side in shape):
            raise ValueError("a tensor's shape is not a list of sizes")
        return [(dtype, math.prod(shape)) for dtype, shape in tensors]
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); fetch it again") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file}: not a readable safetensors file ({error})") from error


def _folder(checkpoint: Checkpoint) -> Path | None:
    """Return the checkpoint's folder. For a hub model it is the snapshot in the cache, or None."""
    if checkpoint.local:
        return Path(checkpoint.source)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(checkpoint.source, revision=checkpoint.revision, local_files_only=True))
    except HFValidationError as error:
        raise InputError(
            f"{checkpoint.source}: neither a folder nor a hub name of the form OWNER/NAME; correct it"
        ) from error
    except LocalEntryNotFoundError:
        return None


def _bytes(size: float) -> str:
    return scaled(size, 1024, BINARY)


def scaled(number: float, step: int, units: Sequence[str]) -> str:
    """Write a number with three significant digits and a fitting unit: `4.82 M`, `9.19 MiB`."""
    index = 0
    while number >= 999.5 and index < len(units) - 1:
        number, index = number / step, index + 1
    return f"{number:.3g} {units[index]}".rstrip()
