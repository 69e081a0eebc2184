"""Where a model runs, in which number format, and how much is given to it at once."""

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mmeval.types import InputError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Portions:
    """How much a kind of device is given at once."""

    batch_tokens: int
    """Padded prompt tokens in a batch."""
    window: int
    """Requests that are sorted by length together."""
    pictures: int
    """Pictures that the vision encoder sees at once."""
    ahead: int
    """Pictures that are decoded before they are needed."""
    store: int
    """Bytes of encoded pictures that are kept."""


PORTIONS: Mapping[str, Portions] = {
    # more tokens than a CPU's caches hold made it a fifth slower, and so did more pictures
    "cpu": Portions(batch_tokens=2048, window=512, pictures=4, ahead=32, store=128 << 20),
    "cuda": Portions(batch_tokens=16384, window=2048, pictures=32, ahead=512, store=4 << 30),
}


def pick_device(name: str) -> torch.device:
    """Return that device; `auto` is this process's GPU (LOCAL_RANK, else the first), or the CPU where there is none.

    Raises InputError where it is missing.
    """
    if name == "auto":
        count = torch.cuda.device_count()
        local = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0"))
        return torch.device("cuda", int(local) % count if local.isdecimal() else 0) if count else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"unknown device '{name}'; choose auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device '{name}' cannot run models; choose auto, cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device '{name}' was asked for and torch sees {torch.cuda.device_count()} GPUs; choose auto or cpu"
        )
    return device


def default_dtype(device: str) -> str:
    """Return bfloat16 for a GPU, float32 for a CPU."""
    return "bfloat16" if pick_device(device).type == "cuda" else "float32"


def cores() -> int:
    """Return how many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def placed(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a CPU tensor on the device; to a GPU it is copied from pinned memory, and nobody waits."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def give_back(device: torch.device) -> None:
    """Give a CPU's free memory back to the system, where the C library can (glibc).

    It keeps what was freed, in pieces into which the next batch, of another size, does not fit: a run's memory would
    grow with its length.
    """
    if device.type == "cpu" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error is for want of memory: a GPU's has a class of its own, a CPU's says so in its text."""
    text = str(error)
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "DefaultCPUAllocator" in text
