"""Load a model for the adapters mmicl, blip2, instructblip and text."""

from collections.abc import Mapping
from dataclasses import replace

from mmeval.engine.device import PORTIONS, pick_device, pick_dtype
from mmeval.engine.prompts import Show
from mmeval.engine.transformer import TransformerModel
from mmeval.mmicl import checkpoints
from mmeval.mmicl.context import CONTEXTS
from mmeval.mmicl.fused import fuse
from mmeval.mmicl.weights import CheckpointError
from mmeval.models import ADAPTERS, Checkpoint, ModelOptions
from mmeval.types import InputError

SHOW: Mapping[str, Show] = {"side-by-side": "side-by-side", "blind": "none"}
"""The contexts that do not show each picture in its place."""


def load(checkpoint: Checkpoint, options: ModelOptions) -> TransformerModel:
    """Load a model from a folder or hub id onto its device. Raises InputError naming the wrong file or key."""
    device, dtype = pick_device(options.device), pick_dtype(options.dtype)
    try:
        model, processor = checkpoints.load(
            checkpoint.source, dtype, device, revision=checkpoint.revision, local_files_only=checkpoint.local
        )
    except CheckpointError as error:
        raise InputError(str(error)) from error
    adapter = ADAPTERS[checkpoint.adapter]
    reads = adapter.reads_instructions or (checkpoint.adapter == "mmicl" and model.config.reads_instructions)
    if reads and (model.config.beginning == "blip-2" or processor.qformer_tokenizer is None):
        raise InputError(
            f"{checkpoint.source}: to read the question, it needs InstructBLIP's Q-Former and "
            f"qformer_tokenizer/tokenizer.json; add what is missing, or open it as blip2:{checkpoint.source}"
        )
    fuse(model)
    show = SHOW.get(options.context, "each")
    context = CONTEXTS[options.context if show == "each" else "plain"]
    most = adapter.max_images
    if most is not None and context.tagged:
        most = min(most, len(processor.settings.tag_ids))
    portions = PORTIONS[device.type]
    if options.keep_pictures:
        portions = replace(portions, spare=max(portions.spare, portions.store))
    return TransformerModel(
        model,
        processor,
        name=checkpoint.name,
        introduce=context,
        max_images=most,
        reads_instructions=reads,
        show=show,
        portions=portions if options.batch_tokens is None else replace(portions, batch_tokens=options.batch_tokens),
    )
