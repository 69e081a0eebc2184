"""InstructBLIP: one picture before the text, and a Q-Former that reads the instruction."""

from __future__ import annotations

from mmeval.engine.loading import open_checkpoint
from mmeval.engine.transformer import TransformerModel
from mmeval.models import Checkpoint, ModelOptions


def load(checkpoint: Checkpoint, settings: ModelOptions) -> TransformerModel:
    """An InstructBLIP checkpoint by folder or hub id. Raises InputError."""
    return open_checkpoint(checkpoint, settings, max_images=1, reads_instructions=True)
