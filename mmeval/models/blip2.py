"""BLIP-2: one picture before the text, for any checkpoint of transformers' class."""

from __future__ import annotations

from mmeval.engine.loading import open_checkpoint
from mmeval.engine.transformer import TransformerModel
from mmeval.models import Checkpoint, ModelOptions


def load(checkpoint: Checkpoint, settings: ModelOptions) -> TransformerModel:
    """A BLIP-2 checkpoint by folder or hub id. Raises InputError."""
    return open_checkpoint(checkpoint, settings, max_images=1)
