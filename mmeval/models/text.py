"""The language model of any checkpoint alone: no picture reaches it. What it still gets right, the words gave away."""

from __future__ import annotations

from mmeval.engine.loading import open_checkpoint
from mmeval.engine.transformer import TransformerModel
from mmeval.models import Checkpoint, ModelOptions


def load(checkpoint: Checkpoint, settings: ModelOptions) -> TransformerModel:
    """A checkpoint of any of the other adapters, by folder or hub id. Raises InputError."""
    return open_checkpoint(checkpoint, settings, max_images=None)
