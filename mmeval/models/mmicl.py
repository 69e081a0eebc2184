"""MMICL: interleaved pictures, each introduced by name, in any of its contexts."""

from __future__ import annotations

from mmeval.engine.loading import open_checkpoint
from mmeval.engine.transformer import TransformerModel
from mmeval.models import Checkpoint, ModelOptions


def load(checkpoint: Checkpoint, settings: ModelOptions) -> TransformerModel:
    """Any MMICL checkpoint: ours, a folder, or a published one. Raises InputError."""
    return open_checkpoint(checkpoint, settings, max_images=20)
