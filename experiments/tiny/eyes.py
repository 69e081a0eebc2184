"""The vision states of a batch: stored ones, or new ones of several pictures pasted into one."""

from __future__ import annotations

from collections.abc import Sequence

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

    def __call__(self, batch: Batch) -> Tensor | None:
        """Return a batch's visual tokens [S, T, D]; with pasted pictures, S is the number of rows that show any."""
        if self.features is None or not len(batch.pictures):
            return None
        if self.pixels is None:
            shown, place = torch.unique(batch.pictures, return_inverse=True)
            return self.model.visual(self._states(shown))[place.to(self.device)]
        rows = [row for row, count in enumerate(batch.counts.tolist()) if count]
        text = batch.questions[rows].to(self.device)
        return self.model.visual(torch.stack(list(self._pasted(batch))), text)

    def _states(self, rows: Tensor) -> Tensor:
        assert self.features is not None
        return self.features[rows.to(self.features.device)].to(self.device).float()

    def _pasted(self, batch: Batch) -> Sequence[Tensor]:
        """Encode each row's pictures, pasted side by side into one."""
        assert self.pixels is not None
        parts = torch.split(batch.pictures, batch.counts[batch.counts > 0].tolist())
        states: list[Tensor] = [torch.empty(0)] * len(parts)
        by_count: dict[int, list[int]] = {}
        for row, part in enumerate(parts):
            by_count.setdefault(len(part), []).append(row)
        for count, rows in by_count.items():
            of = torch.stack([parts[row] for row in rows])
            if count == 1:
                found = self._states(of[:, 0])
            else:
                with torch.no_grad():
                    found = self.model.vision_model(normalized(self._beside(of))).float()
            for row, state in zip(rows, found, strict=True):
                states[row] = state
        return states

    def _beside(self, rows: Tensor) -> Tensor:
        """Paste pictures [B, N] side by side and resize them to one picture: [B, H, W, 3] uint8."""
        assert self.pixels is not None
        shown = self.pixels[rows.to(self.pixels.device)].to(self.device)  # [B, N, H, W, 3]
        wide = shown.permute(0, 4, 2, 1, 3).flatten(3).float()  # [B, 3, H, N W]
        size = (wide.shape[2], wide.shape[2])
        small = functional.interpolate(wide, size, mode="bicubic", antialias=True, align_corners=False)
        return small.round().clamp(0, 255).permute(0, 2, 3, 1).byte()


class TrainAndTest(Eyes):
    """Uses the training pictures while the model learns, and the held-out ones while it is tested."""

    def __init__(self, train: Eyes, test: Eyes) -> None:
        self.model, self.train, self.test = train.model, train, test

    def __call__(self, batch: Batch) -> Tensor | None:
        """Return a batch's visual tokens, as `Eyes` does."""
        return (self.train if self.model.training else self.test)(batch)
