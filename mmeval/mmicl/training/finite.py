"""Find the step whose loss or gradient is not finite, before anything of it is saved."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from mmeval.mmicl.training.config import TrainingError


class FiniteSteps:
    """Finds the step whose loss or gradient is not finite, without waiting for a GPU.

    On a GPU a step's numbers are read after the next step, or before a checkpoint is saved.
    """

    def __init__(self, device: torch.device) -> None:
        self.waits = device.type == "cuda"
        self._pending: tuple[int, Tensor, torch.cuda.Event | None] | None = None

    def look(self, step: int, loss: Tensor, norm: Any) -> None:
        """Take a step's loss and the norm of its gradient; raise TrainingError for the previous step."""
        self.check()
        if isinstance(norm, DTensor):
            norm = norm.full_tensor()
        numbers = torch.stack([loss.detach().float().mean(), torch.as_tensor(norm or 0.0, device=loss.device).float()])
        if self.waits:
            copied = torch.empty(2, pin_memory=True).copy_(numbers, non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
            self._pending = (step, copied, event)
        else:
            self._pending = (step, numbers, None)
            self.check()

    def check(self) -> None:
        """Raise TrainingError if the last step seen is not finite."""
        if self._pending is None:
            return
        step, numbers, event = self._pending
        if event is not None:
            event.synchronize()
        loss, size = numbers.tolist()
        if not (math.isfinite(loss) and math.isfinite(size)):
            raise TrainingError(
                f"step {step:,}: the loss ({loss:g}) or the gradient (norm {size:g}) is not finite; this step is not "
                "saved: lower learning_rate, or check the base model's weights"
            )
        self._pending = None
