"""Read tensors from untrusted weight files into a model.

Layouts: one safetensors file, several with an index, and the older sharded `pytorch_model-*.bin`. Only tensors are
read, never code. No path may leave the folder. Every key of the model and of the files must match. Training writes only
the trained weights, `trained.safetensors`, and names their base model in `training.json`.
"""

import json
import pickle
import re
import shutil
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mmeval import regular
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import SAVED


class CheckpointError(ValueError):
    """A checkpoint that cannot be opened; the message gives the file, the key and the problem."""


LAYOUTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""Where a folder's weights may be; the first one found is used, as in transformers: an index may be left over."""

DROPPED = re.compile(
    r"(^|\.)(position_ids|rotary_emb\.inv_freq)$"
    r"|decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight$"
)
"""Buffers that older versions saved and newer ones compute, and a weight that T5 never uses."""

WORD_TABLE = "qformer.embeddings.word_embeddings.weight"
"""Training enlarged the Q-Former's vocabulary, so the file decides the size of this table."""

AT_ONCE = 16
"""Tensors of a safetensors file that are mapped together."""
TRAINED, FACTS = "trained.safetensors", "training.json"
DOWN, UP = ".lora_A.default.weight", ".lora_B.default.weight"


def one_line(error: Exception) -> str:
    """Return a library's message on one line, cut to 300 characters."""
    return " ".join(str(error).split())[:300]


def weight_files(folder: Path) -> list[Path]:
    """List the files with a folder's weights. Raises CheckpointError if one is missing or outside the folder."""
    listing = next((folder / name for name in LAYOUTS if (folder / name).exists()), None)
    if listing is None:
        raise CheckpointError(f"{folder}: no weights; add one of {', '.join(LAYOUTS)}")
    if listing.suffix != ".json":
        return [listing]
    shards = read_json(listing).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise CheckpointError(f"{listing}: 'weight_map' must give a file name for every key")
    files = [folder / name for name in sorted(set(shards.values()))]
    for file in files:
        if file.name in ("", "..") or file.parent != folder or "\\" in file.name:
            raise CheckpointError(f"{listing}: names '{file}', which is outside its folder")
        if not file.is_file():
            raise CheckpointError(f"{listing}: names {file.name}, which is missing; fetch it again")
    return files


def read_json(file: Path) -> dict[str, Any]:
    """Read the object in a JSON file. Raises CheckpointError."""
    try:
        content = json.loads(regular.read_bytes(file))
    except OSError as error:
        raise CheckpointError(f"{file}: missing or unreadable ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: not JSON ({one_line(error)})") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: must hold a JSON object")
    return content


def fill(model: MmiclForConditionalGeneration, folder: Path) -> None:
    """Copy a folder's tensors into `model`, file by file. Raises CheckpointError naming file and key.

    A tensor that the configuration ties to another may be missing, but if present it must have the same values.
    """
    aliases: Mapping[str, str] = model.all_tied_weights_keys
    targets = model.state_dict()
    filled: set[str] = set()
    for file in weight_files(folder):
        content = _read_tensors(file) if file.suffix == ".safetensors" else _pickled(file).items()
        for key, tensor in content:
            if not isinstance(key, str) or not isinstance(tensor, Tensor):
                raise CheckpointError(f"{file}: '{key}' is not a tensor; a weight file holds nothing else")
            if DROPPED.search(key):
                continue
            if key not in targets:
                raise CheckpointError(f"{file}: key {key} is not in the model that config.json describes")
            if key == WORD_TABLE and tensor.ndim == 2 and len(tensor):
                targets[key] = _new_word_table(model, tensor.shape[0])
            name = aliases.get(key, key)
            _copy(targets[key], tensor, f"{file}: {key}", again=name in filled)
            filled.add(name)
    missing = sorted(set(targets) - set(aliases) - filled)
    if missing:
        raise CheckpointError(f"{folder}: keys that the weights lack: {len(missing)}, the first {missing[0]}")


def _copy(target: Tensor, tensor: Tensor, what: str, again: bool) -> None:
    if target.shape != tensor.shape:
        raise CheckpointError(f"{what} has shape {list(tensor.shape)}, but config.json makes it {list(target.shape)}")
    tensor = tensor.to(target.device, target.dtype)
    if again and not torch.equal(target, tensor):
        raise CheckpointError(
            f"{what} differs from the tensor that config.json ties it to; if the model is untied, set "
            "tie_word_embeddings to false in its text_config"
        )
    target.copy_(tensor)


def _new_word_table(model: MmiclForConditionalGeneration, height: int) -> Tensor:
    """Give the Q-Former a word table of that height; the caller fills it."""
    old = model.qformer.get_input_embeddings()  # type: ignore[no-untyped-call]
    table = nn.Embedding(height, old.embedding_dim, old.padding_idx, dtype=old.weight.dtype, device=old.weight.device)
    model.qformer.set_input_embeddings(table)  # type: ignore[no-untyped-call]
    model.config.qformer_config.vocab_size = height
    return table.weight.detach()


def _read_tensors(file: Path) -> Iterator[tuple[str, Tensor]]:
    """Yield one tensor after another, and leave the memory of those that were copied.

    What was read stays mapped as long as the file is open, so it is opened again every few tensors.
    """
    try:
        regular.opened(file).close()  # safetensors would wait for a pipe, and ignore Ctrl-C
        with safe_open(file, "pt") as content:
            keys = list(content.keys())
        for start in range(0, len(keys), AT_ONCE):
            with safe_open(file, "pt") as content:
                for key in keys[start : start + AT_ONCE]:
                    yield key, content.get_tensor(key)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{file}: truncated, missing or not safetensors ({one_line(error)}); fetch it again"
        ) from error


def _pickled(file: Path) -> dict[Any, Any]:
    try:
        with regular.opened(file) as stream:
            archive = zipfile.is_zipfile(stream)
            stream.seek(0)
            if not archive and stream.read(2) == b"PK":
                raise CheckpointError(f"{file}: truncated; fetch it again")
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=archive)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{file}: holds something other than tensors, maybe code; not opened") from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(f"{file}: truncated or no weight file ({one_line(error)}); fetch it again") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: must hold a table of tensors")
    return content


def write_trained(folder: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write trained weights; `facts` has `base`, `revision`, `digest` (of the base), `trainable`, `names`, `lora`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / TRAINED)
    (folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def copy_trained(checkpoint: Path, folder: Path) -> None:
    """Copy the trained weights and the processor out of a checkpoint, leaving out the state of the run."""
    if folder.exists():
        shutil.rmtree(folder)
    for name in (TRAINED, FACTS, "config.json", *SAVED):
        if (checkpoint / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkpoint / name, folder / name)


@torch.no_grad()
def put_trained(model: nn.Module, folder: Path, lora_scale: float | None = None, names: Collection[str] = ()) -> None:
    """Copy the trained weights into the parameters of the same names; with a scale, add low-rank updates.

    The weight W becomes W + scale * B A. Raises CheckpointError naming the first tensor that does not fit or
    is not finite (its training diverged), or the first of `names` that is missing.
    """
    file, targets = folder / TRAINED, dict(model.named_parameters())
    tensors = dict(_read_tensors(file))
    if missing := sorted({*names} - tensors.keys()):
        raise CheckpointError(
            f"{file}: trained weights that are missing: {len(missing)}, the first '{missing[0]}'; fetch the file again"
        )
    if lora_scale is not None:
        tensors = _merged(tensors, targets, lora_scale, file)
    for key, tensor in tensors.items():
        if not tensor.sum(dtype=torch.float32).isfinite():  # ten times as fast as checking each element
            raise CheckpointError(
                f"{file}: '{key}' holds numbers that are not finite: its training diverged; train again"
            )
        if key not in targets:
            raise CheckpointError(f"{file}: '{key}' is not in this model; it was trained from another model")
        if targets[key].shape != tensor.shape:
            raise CheckpointError(
                f"{file}: '{key}' has shape {list(tensor.shape)}, the model's {list(targets[key].shape)}; it was "
                "trained from another model"
            )
        targets[key].copy_(tensor)


def _merged(
    tensors: Mapping[str, Tensor], weights: Mapping[str, Tensor], scale: float, file: Path
) -> dict[str, Tensor]:
    plain = {key: value for key, value in tensors.items() if not key.endswith((DOWN, UP))}
    for name in (key.removesuffix(DOWN) for key in tensors if key.endswith(DOWN)):
        try:
            weight = weights[f"{name}.weight"]
            up, down = (tensors[name + part].float().to(weight.device) for part in (UP, DOWN))
            plain[f"{name}.weight"] = weight.float() + scale * (up @ down)
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(f"{file}: '{name}' has no update that fits ({one_line(error)})") from error
    return plain
