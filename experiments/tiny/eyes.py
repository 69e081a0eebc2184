"""The vision states of a batch: stored ones, or new ones of several pictures pasted into one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from experiments.tiny.batches import Batch
from experiments.tiny.drawing import normalized
from experiments.tiny.network import TinyMmicl


class Eyes:
    """What a model sees: stored vision states of single pictures, or new ones of several pictures side by side."""

    def __init__(self, model: TinyMmicl, features: Tensor | None, pixels: Tensor | None, device: torch.device) -> None:
        self.model, self.features, self.pixels, self.device = model, features, pixels, device
        self.pastes = pixels is not None

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Tensor | None:
        """Return a batch's vision states [S, V, D], or one state for each lesson if pictures are pasted: [B, V, D].

        None if the model sees nothing. Lessons without pictures have no meaningful state.
        """
        if self.features is None or not len(batch.pictures):
            return None
        if self.pixels is None:
            return self._states(batch.pictures)
        parts = torch.split(batch.pictures[: int(batch.counts.sum())], batch.counts.tolist())
        states = self._states(torch.stack([part[0] if len(part) else part.new_zeros(()) for part in parts]))
        by_count: dict[int, list[int]] = {}
        for row, part in enumerate(parts):
            if len(part) > 1:
                by_count.setdefault(len(part), []).append(row)
        if by_count:
            rows = [row for group in by_count.values() for row in group]
            pasted = [self._beside(torch.stack([parts[row] for row in group])) for group in by_count.values()]
            states[rows] = self.model.vision_model(normalized(torch.cat(pasted))).to(states.dtype)
        return states

    def _states(self, rows: Tensor) -> Tensor:
        assert self.features is not None
        return self.features[rows.to(self.features.device)].to(self.device).float()

    def _beside(self, rows: Tensor) -> Tensor:
        """Paste pictures [B, N] side by side and resize them to one picture: [B, H, W, 3] uint8."""
        assert self.pixels is not None
        pictures = self.pixels[rows.to(self.pixels.device)].to(self.device)  # [B, N, H, W, 3]
        wide = pictures.permute(0, 4, 2, 1, 3).flatten(3).float()  # [B, 3, H, N W]
        size = (wide.shape[2], wide.shape[2])
        small = functional.interpolate(wide, size, mode="bicubic", antialias=True, align_corners=False)
        return small.round().clamp(0, 255).permute(0, 2, 3, 1).byte()


class TrainAndTest(Eyes):
    """Uses the training pictures while the model learns, and the held-out ones while it is tested."""

    def __init__(self, train: Eyes, test: Eyes) -> None:
        self.model, self.train, self.test, self.pastes = train.model, train, test, train.pastes

    def __call__(self, batch: Batch) -> Tensor | None:
        """Return a batch's vision states, as `Eyes` does."""
        return (self.train if self.model.training else self.test)(batch)
