"""Load a chat model from a folder or a hub id."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers
from PIL import Image as PILImage
from transformers import AutoConfig, GenerationMixin, PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN

from mmeval.engine.device import PORTIONS, pick_device, pick_dtype
from mmeval.models import Checkpoint, ModelOptions, lora
from mmeval.models.chat import weights
from mmeval.models.chat.films import check as check_films
from mmeval.models.chat.hub import arguments
from mmeval.models.chat.model import ChatModel
from mmeval.models.chat.processor import NEEDS_TRUST, open_processor
from mmeval.models.chat.reading import reading
from mmeval.models.chat.template import ChatTemplate
from mmeval.models.chat.vision import MORE_ROOM, ROOM, Vision
from mmeval.models.finding import check_format
from mmeval.models.model_args import read_model_args
from mmeval.types import InputError, nearest

LAYERS = 1000
"""Maximum layers in one part of a model."""
PROBE = (224, 168)
"""Width and height of the picture on which options of the image processor are tried."""
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
        weights.check_size(source, part)
    if part is not config:
        model_args["config"] = part
    model_args |= weights.quantized(options.quantize, config, source, dtype)
    if device.type != "cpu" or options.quantize:  # each weight is read straight to the device
        model_args.setdefault("device_map", {"": device})
    if (decoding := Path(source) / "generation_config.json").is_file():
        with reading(source, decoding.name):  # transformers would use its own defaults in place of a damaged file
            json.loads(decoding.read_text(encoding="utf-8"))
    model = weights.read(source, dtype, model_args, hub, adapter)
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
