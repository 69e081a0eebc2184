"""Read a chat model's weights: whole, quantized if asked, and with a LoRA adapter."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForImageTextToText, PreTrainedConfig
from transformers.quantizers.auto import get_hf_quantizer
from transformers.utils import logging as transformers_logging

from mmeval.models import lora
from mmeval.models.chat.reading import reading
from mmeval.types import InputError, plural

PER_BYTE = 4
"""Maximum weights per byte of a checkpoint: twice what 4-bit quantization stores."""
WEIGHTS: Any = AutoModelForImageTextToText
display: Any = transformers_logging
"""Any: with transformers' annotations, mypy would refuse the calls."""


def check_size(source: str, config: PreTrainedConfig) -> None:
    """Raise InputError if the configuration describes a model far larger than the weights of a local folder.

    A damaged configuration falls back on its family's defaults, which may be a model of many gigabytes.
    """
    files = [path for end in ("safetensors", "bin") for path in Path(source).glob(f"*.{end}")]
    if not files:
        return
    with reading(source, "its configuration"), torch.device("meta"):
        described = sum(weight.numel() for weight in WEIGHTS.from_config(config).parameters())
    if described > PER_BYTE * sum(path.stat().st_size for path in files):
        raise InputError(
            f"{source}: config.json describes {described:,} weights, far more than the weight files hold; "
            "fetch the checkpoint again"
        )


def check_packages(config: Any) -> None:
    """Raise ImportError, or whatever transformers raises, if the weights need a package that is not installed.

    Nothing is read: the model is built without weights, and a quantized checkpoint's method is asked for its packages.
    """
    with torch.device("meta"):
        WEIGHTS.from_config(config)
    places: Any = {"": 0} if torch.cuda.is_available() else None
    quantizer: Any = get_hf_quantizer
    quantizer(config, None, places, weights_only=True, user_agent={})


def read(
    source: str, dtype: torch.dtype, model_args: Mapping[str, Any], hub: Mapping[str, Any], adapter: Path | None
) -> Any:
    """Read a model's weights, and those of the LoRA adapter in the folder `adapter`."""
    if model_args.get("device_map") and not util.find_spec("accelerate"):
        raise InputError(
            "device_map and GPUs need the package accelerate; install it with: pip install 'mmeval-harness[hf]'"
        )
    with _quietly(hub["local_files_only"]):
        with reading(source, "the weights"):
            model, loading_info = WEIGHTS.from_pretrained(
                source, dtype=dtype, output_loading_info=True, **model_args, **hub
            )
            if hasattr(model, "ct_decompress_hook"):
                # compressed-tensors unpacks weights at the first call of the whole model, not of its vision encoder
                model.hf_quantizer.compressor.decompress_model(model)
        if adapter is not None:
            _add_lora(model, adapter)
    if missing := sorted(loading_info["missing_keys"]):  # transformers would fill them with random numbers
        lacking = plural(len(missing), "weight is", "weights are")
        raise InputError(f"{source}: {lacking} missing, such as {missing[0]}; complete the checkpoint")
    if unused := sorted(loading_info["unexpected_keys"]):
        weights = plural(len(unused), "weight of the checkpoint is", "weights of the checkpoint are")
        logging.getLogger(__name__).warning(f"{weights} not part of the model, such as {unused[0]}")
    return model


@contextmanager
def _quietly(local: bool) -> Iterator[None]:
    """Keep the command line's own display clean: no bars, unless of a download, and no table of wrong weights."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns in every layer that it computes in float16
    bars_enabled, verbosity = display.is_progress_bar_enabled(), display.get_verbosity()
    try:
        display.set_verbosity_error()
        if local:
            display.disable_progress_bar()
        yield
    finally:
        display.set_verbosity(verbosity)
        if bars_enabled:
            display.enable_progress_bar()


def _add_lora(model: Any, folder: Path) -> None:
    """Add a LoRA adapter to a model, unmerged as in training. Raises InputError if it does not fit."""
    if not util.find_spec("peft"):
        raise InputError(f"{folder}: a LoRA adapter needs the package peft; install it with: pip install peft")
    from peft import LoraConfig, PeftConfig, PeftModel

    path = str(folder.resolve())  # never a hub id
    with reading(str(folder), "its LoRA weights"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about transformers' names that peft 0.21 uses
        config = PeftConfig.from_pretrained(path)
        if not isinstance(config, LoraConfig):
            raise InputError(f"{folder}: an adapter of the type {config.peft_type}; only LoRA can be used")
        if config.megatron_config:  # peft would import the module that the file names
            raise InputError(f"{folder}: a LoRA adapter of Megatron's layers; save it for transformers")
        config.inference_mode = True
        # transformers' own load_adapter leaves out DoRA's magnitudes
        loaded = PeftModel(model, config).load_adapter(
            path, "default", key_mapping=getattr(model, "_checkpoint_conversion_mapping", {})
        )
    if unfit := sorted({*loaded.missing_keys, *loaded.unexpected_keys}):
        raise InputError(
            f"{folder}: {plural(len(unfit), 'LoRA weight does', 'LoRA weights do')} not fit the base model, such as "
            f"{unfit[0]}; check base_model_name_or_path in {lora.CONFIG}"
        )


def quantized(bits: str | None, config: Any, source: str, dtype: torch.dtype) -> dict[str, Any]:
    """Return arguments of `from_pretrained` that quantize: LLM.int8(), or QLoRA's NF4, which computes in `dtype`."""
    if bits is None:
        return {}
    if getattr(config, "quantization_config", None):
        raise InputError(f"{source}: is quantized already; remove --quantize")
    if not util.find_spec("bitsandbytes"):
        raise InputError(f"--quantize {bits} needs the package bitsandbytes; install it with: pip install bitsandbytes")
    kind: Any = transformers.BitsAndBytesConfig
    if bits == "8bit":
        return {"quantization_config": kind(load_in_8bit=True)}
    four_bits = kind(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
    return {"quantization_config": four_bits}
