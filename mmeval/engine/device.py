"""The device of a model, its number format, and how much work it gets at once."""

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmeval.types import InputError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""
FREED, USUAL = 16 << 20, 128 << 10
"""Bytes of freed memory that a process keeps while it answers, and glibc's default."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_dtype(name: str) -> torch.dtype:
    """Return the number format of that name; `auto` is float32. Raises InputError."""
    chosen = "float32" if name == "auto" else name
    if chosen not in DTYPES:
        raise InputError(f"unknown dtype '{chosen}'; choose from {', '.join(DTYPES)}")
    return DTYPES[chosen]


@dataclass(frozen=True)
class Portions:
    """How much work a kind of device gets at once."""

    batch_tokens: int
    """Padded prompt tokens in a batch."""
    window: int
    """Requests sorted by length together."""
    pictures: int
    """Pictures in a batch of the vision encoder."""
    ahead: int
    """Pictures decoded before they are needed."""
    store: int
    """Bytes of encoded pictures kept for the coming prompts."""
    spare: int
    """Bytes of encoded pictures of earlier prompts kept, in case they are shown again."""


PORTIONS: Mapping[str, Portions] = {
    # exceeding a CPU's caches with more tokens, or more pictures, made it a fifth slower
    "cpu": Portions(batch_tokens=2048, window=256, pictures=4, ahead=32, store=512 << 20, spare=16 << 20),
    "cuda": Portions(batch_tokens=16384, window=2048, pictures=64, ahead=512, store=3 << 30, spare=1 << 30),
}


def pick_device(name: str) -> torch.device:
    """Return the named device; `auto` is this process's GPU, or the CPU if there is none.

    LOCAL_RANK or SLURM_LOCALID chooses the GPU. Raises InputError if the device does not exist.
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
            f"device '{name}' does not exist: torch sees {torch.cuda.device_count()} GPUs; choose auto or cpu"
        )
    return device


def device_name(device: torch.device) -> str:
    """Return a GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def default_dtype(device: str) -> str:
    """Return bfloat16 for a GPU, float32 for a CPU."""
    return "bfloat16" if pick_device(device).type == "cuda" else "float32"


@contextmanager
def freed_memory_kept(device: torch.device) -> Iterator[None]:
    """Let a CPU's next tensors use the memory of freed ones, up to `FREED` bytes, if the C library can (glibc).

    Otherwise the system takes the memory of every larger tensor back and clears it for the next one, which takes a
    tenth of a small model's time. Call `give_back` between batches.
    """
    library = ctypes.CDLL(None) if device.type == "cpu" else None
    setting, trim = (getattr(library, name, None) for name in ("mallopt", "malloc_trim"))
    if setting is None:
        yield
        return
    # local, because the end may come as late as the interpreter's, when this module's names are gone
    before = ((M_MMAP_THRESHOLD, USUAL), (M_TRIM_THRESHOLD, USUAL))
    setting(M_MMAP_THRESHOLD, FREED // 2)
    setting(M_TRIM_THRESHOLD, FREED)
    try:
        yield
    finally:
        for parameter, value in before:
            setting(parameter, value)
        if trim is not None:
            trim(0)


def give_back(device: torch.device) -> None:
    """Return freed CPU memory to the system, if the C library can (glibc).

    Otherwise glibc keeps it in fragments that batches of other sizes do not fit, and memory grows during a run.
    """
    if device.type == "cpu" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def copy_to_cpu_async(*results: Tensor) -> Callable[[], list[list[Any]]]:
    """Copy results of any shape and dtype, all on one device, to the CPU without waiting for a GPU.

    The returned function waits and returns each as a list, nested as the shape is.
    """
    if not results[0].is_cuda:
        return lambda: [result.tolist() for result in results]
    copies = [result.to("cpu", non_blocking=True) for result in results]
    done = torch.cuda.Event()  # type: ignore[no-untyped-call]
    done.record()

    def arrived() -> list[list[Any]]:
        done.synchronize()
        return [copy.tolist() for copy in copies]

    return arrived


def new_stream(device: torch.device, priority: int = 0) -> torch.cuda.Stream | None:
    """Return a new stream of a GPU, or None for a CPU. Kernels of a lower `priority` number run first."""
    return torch.cuda.Stream(device, priority=priority) if device.type == "cuda" else None  # type: ignore[no-untyped-call]


@contextmanager
def on_stream(chosen: torch.cuda.Stream | None) -> Iterator[None]:
    """Work on a stream, after what was started before and before what is started later; None: the current stream."""
    if chosen is None:
        yield
        return
    usual = torch.cuda.current_stream(chosen.device)
    chosen.wait_stream(usual)
    with torch.cuda.stream(chosen):
        yield
    usual.wait_stream(chosen)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means out of memory: a GPU error by its class, a CPU error by its class or message."""
    text = str(error)
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "DefaultCPUAllocator" in text
