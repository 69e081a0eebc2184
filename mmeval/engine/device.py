"""Where a model runs and in which number format."""

import torch

from mmeval.types import InputError

BATCH_TOKENS = {"cpu": 2048, "cuda": 16384}
"""Padded prompt tokens in a batch, by kind of device: more than a CPU's caches hold made it a fifth slower."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(name: str) -> torch.device:
    """Return that device; `auto` is the first GPU there is, else the CPU. Raises InputError where it is missing."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
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


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error is for want of memory: a GPU's has a class of its own, a CPU's says so in its text."""
    text = str(error)
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "DefaultCPUAllocator" in text
