"""Read tensors out of weight files into a model, and trusts none of them.

Layouts: one safetensors file, several with an index, and the sharded `pytorch_model-*.bin` of older days. Only
tensors are read, never code; no path leaves the folder; every key of model and files is accounted for.
"""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mmeval.mmicl.modeling import MmiclForConditionalGeneration


class CheckpointError(ValueError):
    """A checkpoint that cannot be opened; the message names the file, the key and what is wrong."""


LAYOUTS = ("model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin")
"""Where a folder's weights may be; the first found counts."""

DROPPED = re.compile(
    r"(^|\.)(position_ids|rotary_emb\.inv_freq)$"
    r"|decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight$"
)
"""Buffers that older versions saved and newer ones compute, and a weight that T5 never used."""

WORD_TABLE = "qformer.embeddings.word_embeddings.weight"
"""Training enlarged the Q-Former's vocabulary, so the file says how high its table is."""


def one_line(error: Exception) -> str:
    """Return a library's message on one line, at most 300 characters of it."""
    return " ".join(str(error).split())[:300]


def weight_files(folder: Path) -> list[Path]:
    """List the files that hold a folder's weights. Raises CheckpointError where one is missing or outside."""
    found = next((folder / name for name in LAYOUTS if (folder / name).exists()), None)
    if found is None:
        raise CheckpointError(f"{folder}: no weights; add one of {', '.join(LAYOUTS)}")
    if found.suffix != ".json":
        return [found]
    index = read_json(found)
    shards = index.get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise CheckpointError(f"{found}: 'weight_map' must give a file name for every key")
    files = [folder / name for name in sorted(set(shards.values()))]
    for file in files:
        if file.name in ("", "..") or file.parent != folder or "\\" in file.name:
            raise CheckpointError(f"{found}: names '{file}', which is outside its folder")
        if not file.is_file():
            raise CheckpointError(f"{found}: names {file.name}, which is missing; fetch it again")
    return files


def read_json(file: Path) -> dict[str, Any]:
    """Read the object in a JSON file. Raises CheckpointError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{file}: missing or unreadable ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: not JSON ({one_line(error)})") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: must hold a JSON object")
    return content


def fill(model: MmiclForConditionalGeneration, folder: Path) -> None:
    """Copy a folder's tensors into `model`, file by file. Raises CheckpointError naming file and key.

    A tensor that is the same as another by configuration may be there, or not, but not with other values.
    """
    aliases: Mapping[str, str] = model.all_tied_weights_keys
    targets = model.state_dict()
    seen: set[str] = set()
    for file in weight_files(folder):
        for key, tensor in _tensors(file):
            if DROPPED.search(key):
                continue
            if key not in targets:
                raise CheckpointError(f"{file}: key {key} is not in the model that config.json describes")
            if key == WORD_TABLE and tensor.ndim == 2:
                targets[key] = _new_word_table(model, tensor.shape[0])
            name = aliases.get(key, key)
            _copy(targets[key], tensor, f"{file}: {key}", again=name in seen)
            seen.add(name)
    missing = sorted(set(targets) - set(aliases) - seen)
    if missing:
        raise CheckpointError(f"{folder}: the weights lack {len(missing)} keys, the first {missing[0]}")


def _copy(target: Tensor, tensor: Tensor, what: str, again: bool) -> None:
    if target.shape != tensor.shape:
        raise CheckpointError(f"{what} has shape {list(tensor.shape)}, but config.json makes it {list(target.shape)}")
    tensor = tensor.to(target.dtype)
    if again and not torch.equal(target, tensor):
        raise CheckpointError(
            f"{what} differs from the tensor that config.json ties it to; if the model is untied, set "
            "tie_word_embeddings to false in its text_config"
        )
    target.copy_(tensor)


def _new_word_table(model: MmiclForConditionalGeneration, height: int) -> Tensor:
    """Give the Q-Former a word table of that height; it is filled by the caller."""
    old = model.qformer.get_input_embeddings()  # type: ignore[no-untyped-call]
    table = nn.Embedding(height, old.embedding_dim, old.padding_idx, dtype=old.weight.dtype)
    model.qformer.set_input_embeddings(table)  # type: ignore[no-untyped-call]
    model.config.qformer_config.vocab_size = height
    return table.weight.detach()


def _tensors(file: Path) -> Iterator[tuple[str, Tensor]]:
    content = _safe(file) if file.suffix == ".safetensors" else _pickled(file)
    for key, tensor in content.items():
        if not isinstance(key, str) or not isinstance(tensor, Tensor):
            raise CheckpointError(f"{file}: '{key}' is not a tensor; a weight file holds nothing else")
        yield key, tensor


def _safe(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except SafetensorError as error:
        raise CheckpointError(f"{file}: truncated or not safetensors ({one_line(error)}); fetch it again") from error


def _pickled(file: Path) -> dict[Any, Any]:
    archive = zipfile.is_zipfile(file)
    with file.open("rb") as stream:
        if not archive and stream.read(2) == b"PK":
            raise CheckpointError(f"{file}: truncated; fetch it again")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=archive)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{file}: holds something other than tensors, maybe code; not opened") from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(f"{file}: truncated or no weight file ({one_line(error)}); fetch it again") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: must hold a table of tensors")
    return content
