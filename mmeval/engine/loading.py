"""From a checkpoint's name to a model that answers: what the in-process adapters share."""

from __future__ import annotations

from collections.abc import Mapping

from mmeval.engine.device import BATCH_TOKENS, pick_device, pick_dtype
from mmeval.engine.prompts import Show
from mmeval.engine.transformer import TransformerModel
from mmeval.mmicl import checkpoints
from mmeval.mmicl.context import CONTEXTS
from mmeval.models import Checkpoint, ModelOptions
from mmeval.types import InputError

SHOWN: Mapping[str, Show] = {"side-by-side": "side-by-side", "blind": "none"}
"""The contexts in which pictures do not stand in their places."""


def open_checkpoint(
    checkpoint: Checkpoint,
    settings: ModelOptions,
    *,
    max_images: int | None,
    reads_instructions: bool = False,
) -> TransformerModel:
    """Loads and places the model. Raises InputError naming the file or the key that is wrong."""
    device = pick_device(settings.device)
    dtype = pick_dtype("float32" if settings.dtype == "auto" else settings.dtype)
    try:
        model, processor = checkpoints.load(
            checkpoint.source,
            dtype=dtype,
            device=device,
            revision=checkpoint.revision,
            local_files_only=checkpoint.local,
        )
    except checkpoints.CheckpointError as error:
        raise InputError(str(error)) from error
    if reads_instructions and (model.config.beginning == "blip-2" or processor.qformer_tokenizer is None):
        raise InputError(
            f"{checkpoint.source}: instructblip needs InstructBLIP's Q-Former and qformer_tokenizer/tokenizer.json; "
            f"add what is missing, or open it as blip2:{checkpoint.source}"
        )
    show = SHOWN.get(settings.context, "each")
    return TransformerModel(
        model,
        processor,
        name=checkpoint.name,
        introduce=CONTEXTS[settings.context if show == "each" else "plain"],
        max_images=max_images,
        reads_instructions=reads_instructions,
        show=show,
        batch_tokens=settings.batch_tokens or BATCH_TOKENS[device.type],
    )
