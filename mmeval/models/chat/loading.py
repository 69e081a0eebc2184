"""Load a chat model from a folder or a hub id."""

import json
import logging
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image as PILImage
from transformers import AutoConfig, AutoModelForImageTextToText, GenerationMixin, PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN
from transformers.quantizers.auto import get_hf_quantizer
from transformers.utils import logging as transformers_logging

from mmeval.engine.device import PORTIONS, pick_device, pick_dtype
from mmeval.models import Checkpoint, ModelOptions, lora
from mmeval.models.chat.films import check as check_films
from mmeval.models.chat.hub import arguments
from mmeval.models.chat.model import ChatModel
from mmeval.models.chat.processor import NEEDS_TRUST, open_processor
from mmeval.models.chat.reading import reading
from mmeval.models.chat.template import ChatTemplate
from mmeval.models.chat.vision import MORE_ROOM, ROOM, Vision
from mmeval.models.finding import check_format
from mmeval.models.model_args import read_model_args
from mmeval.types import InputError, nearest, plural

LAYERS = 1000
"""Maximum layers in one part of a model."""
PROBE = (224, 168)
"""Width and height of the picture on which options of the image processor are tried."""
PER_BYTE = 4
"""Maximum weights per byte of a checkpoint: twice what 4-bit quantization stores."""
WEIGHTS: Any = AutoModelForImageTextToText
bars: Any = transformers_logging
"""Any: with transformers' annotations, mypy would refuse the calls."""
MODEL_KEYS = {"attn": "attn_implementation", "device_map": "device_map"}
"""Keys of --model-args that go to `from_pretrained`; the others go to the image processor."""


def load(checkpoint: Checkpoint, options: ModelOptions) -> ChatModel:
    """Load a chat model onto its device. Raises InputError naming the wrong, missing or untrusted part."""
    source, device = checkpoint.source, pick_device(options.device)
    dtype = pick_dtype(options.dtype)
    hub = arguments(checkpoint, options.trust_remote_code)
    adapter, processor_source = None, source
    if checkpoint.local and lora.is_lora(Path(source)):
        adapter = Path(source)
        base = lora.base_folder(adapter)
        source, processor_source = str(base), str(lora.processor_folder(adapter, base))
    config = _config(source, hub)
    image_args = read_model_args(options.model_args)
    model_args: dict[str, Any] = {name: image_args.pop(key) for key, name in MODEL_KEYS.items() if key in image_args}
    with reading(processor_source, "its processor"):
        processor = open_processor(processor_source, config, **hub)
        if options.context == "video":
            check_films(processor, source)
        images = _image_options(image_args, processor, source, options.model_args)
        if processor.tokenizer.pad_token is None:
            processor.tokenizer.pad_token = processor.tokenizer.eos_token
        processor.tokenizer.padding_side = "left"  # answers are written to the right of every prompt
        template = ChatTemplate(
            processor, processor_source, numbered=options.context == "numbered", video=options.context == "video",
            system=options.system, thinking=options.thinking,
        )  # fmt: skip
    part = answering_part(config)
    if not options.trust_remote_code:
        _check_size(source, part)
    if part is not config:
        model_args["config"] = part
    model_args |= _quantized(options.quantize, config, source, dtype)
    if device.type != "cpu" or options.quantize:  # each weight is read straight to the device
        model_args.setdefault("device_map", {"": device})
    if (decoding := Path(source) / "generation_config.json").is_file():
        with reading(source, decoding.name):  # transformers would use its own defaults in place of a damaged file
            json.loads(decoding.read_text(encoding="utf-8"))
    model = _weights(source, dtype, model_args, hub, adapter)
    model.train(False)
    budget = options.batch_tokens or PORTIONS[device.type].batch_tokens
    with reading(source, "generation_config.json"):
        return ChatModel(
            model, processor, template, name=checkpoint.name, batch_tokens=budget, images=images,
            vision=Vision(model, MORE_ROOM if options.keep_pictures else ROOM),
            revision=None if checkpoint.local else hub["revision"],
        )  # fmt: skip


def _config(source: str, hub: Mapping[str, Any]) -> PreTrainedConfig:
    with reading(source, "its configuration"):
        hub_options = {key: value for key, value in hub.items() if key != "trust_remote_code"}
        check_format(PreTrainedConfig.get_config_dict(source, **hub_options)[0], source)
        try:
            config: PreTrainedConfig = AutoConfig.from_pretrained(source, **hub)
        except ValueError as error:
            if "trust_remote_code" not in str(error):
                raise
            raise InputError(NEEDS_TRUST.format(source=source, part="the checkpoint")) from error
    check_kind(source, config, trusted=hub["trust_remote_code"])
    return config


def answering_part(config: PreTrainedConfig) -> PreTrainedConfig:
    """Return the configuration of the part that answers; in Qwen's Omni checkpoints, another part speaks the answer."""
    return getattr(config, "thinker_config", None) or config


def check_kind(source: str, config: Any, *, trusted: bool = False) -> None:
    """Raise InputError for a model of another kind, or of more layers than any model has."""
    _check_layers(source, config.to_dict())
    config = answering_part(config)
    if config.model_type not in KNOWN and not trusted:
        raise InputError(
            f"{source}: model type '{config.model_type}' is not a vision-language model of transformers "
            f"{transformers.__version__}; choose another checkpoint, or a newer transformers"
        )
    if getattr(config, "is_encoder_decoder", False):
        raise InputError(f"{source}: '{config.model_type}' is an encoder-decoder; chat models must be decoder-only")
    if not trusted and not issubclass(getattr(transformers, KNOWN[config.model_type]), GenerationMixin):
        raise InputError(
            f"{source}: '{config.model_type}' does not write an answer token by token; choose another checkpoint"
        )


def _check_layers(source: str, values: Mapping[str, Any]) -> None:
    """Raise InputError for more layers than any model has: building them would take forever."""
    for name, value in values.items():
        if isinstance(value, dict):
            _check_layers(source, value)
        elif str(name).endswith(("layers", "depth")) and isinstance(value, (int, float)) and value > LAYERS:
            raise InputError(  # larger numbers have no float
                f"{source}: {name} is {min(value, 10**300):.6g}, above the limit of {LAYERS:,}; "
                "fetch the checkpoint again"
            )


def _check_size(source: str, config: PreTrainedConfig) -> None:
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
    config = answering_part(config)
    with torch.device("meta"):
        WEIGHTS.from_config(config)
    places: Any = {"": 0} if torch.cuda.is_available() else None
    quantizer: Any = get_hf_quantizer
    quantizer(config, None, places, weights_only=True, user_agent={})


def _weights(
    source: str, dtype: torch.dtype, model_args: Mapping[str, Any], hub: Mapping[str, Any], adapter: Path | None
) -> Any:
    """Read a model's weights, and those of the LoRA adapter in the folder `adapter`."""
    if model_args.get("device_map") and not util.find_spec("accelerate"):
        raise InputError(
            "device_map and GPUs need the package accelerate; install it with: pip install 'mmeval-harness[hf]'"
        )
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns in every layer that it computes in float16
    bars_enabled = bars.is_progress_bar_enabled()
    try:
        if hub["local_files_only"]:
            bars.disable_progress_bar()  # it would disturb the command line's own display
        with reading(source, "the weights"):
            model, loading_info = WEIGHTS.from_pretrained(
                source, dtype=dtype, output_loading_info=True, **model_args, **hub
            )
        if adapter is not None:
            _add_lora(model, adapter)
    finally:
        if bars_enabled:
            bars.enable_progress_bar()
    if missing := sorted(loading_info["missing_keys"]):  # transformers would fill them with random numbers
        lacking = plural(len(missing), "weight is", "weights are")
        raise InputError(f"{source}: {lacking} missing, such as {missing[0]}; complete the checkpoint")
    return model


def _add_lora(model: Any, folder: Path) -> None:
    """Add a LoRA adapter to a model, unmerged as in training. Raises InputError if it does not fit."""
    if not util.find_spec("peft"):
        raise InputError(f"{folder}: a LoRA adapter needs the package peft; install it with: pip install peft")
    from peft import PeftConfig, PeftModel

    path = str(folder.resolve())  # never a hub id
    with reading(str(folder), "its LoRA weights"):
        config = PeftConfig.from_pretrained(path)
        if config.is_prompt_learning:
            raise InputError(f"{folder}: an adapter of the type {config.peft_type}; only those like LoRA can be used")
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


def _image_options(image_args: Mapping[str, Any], processor: Any, source: str, text: str | None) -> dict[str, Any]:
    """Return the image processor's options; `text` is --model-args. Raises InputError for an unknown key or value."""
    pictures = processor.image_processor
    accepted = list(pictures.valid_kwargs.__annotations__)
    size = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"} if hasattr(pictures, "merge_size") else {}
    for key in image_args:
        if key not in (*accepted, *size):
            names = sorted({*MODEL_KEYS, *accepted, *size})
            raise InputError(f"{source}: --model-args has '{key}'{nearest(key, names)}; it takes {', '.join(names)}")
    options = {key: value for key, value in image_args.items() if key not in size}
    if pixels := {size[key]: value for key, value in image_args.items() if key in size}:  # the Qwen and GLM processors
        options["size"] = {**{edge: pictures.size[edge] for edge in size.values()}, **pixels}
    if options:
        with reading(source, f"--model-args {text}", "cannot be applied to a picture"):
            pictures([PILImage.new("RGB", PROBE)], **options, return_tensors="pt")
    return options


def _quantized(bits: str | None, config: Any, source: str, dtype: torch.dtype) -> dict[str, Any]:
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
