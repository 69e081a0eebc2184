"""Pixel values for the vision encoder: resized on the CPU in 8 bits, normalized on the model's device.

An 8-bit value has only 256 normalized values per channel. The image processor computes them once. The lookup gives the
same bits as computing each value, and only a fourth of the bytes are copied to the device.
"""

import numpy as np
import torch
from PIL import Image as PILImage
from torch import Tensor
from torch.nn import functional
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.types import InputError

SHADES = 256


class Pixels:
    """A BlipImageProcessorPil in two steps: `resized` in any thread, `normalized` on a device."""

    def __init__(self, processor: BlipImageProcessorPil) -> None:
        """Take size, filter, scale, mean and standard deviation from the processor."""
        self._size = (processor.size["width"], processor.size["height"])
        try:
            self._filter = PILImage.Resampling(processor.resample)
        except ValueError as error:
            raise InputError(f"preprocessor_config.json: resample is {processor.resample!r:.40}, no filter") from error
        shades = PILImage.fromarray(np.arange(SHADES, dtype=np.uint8)[None].repeat(3, 0).T[None].copy())
        table = processor([shades], do_resize=False, return_tensors="pt")["pixel_values"]  # [1, 3, 1, 256]
        self._table = table.reshape(3, SHADES)
        self._device_table = table.new_zeros(0)
        """The table on the device and in the dtype of the last pictures."""

    def resized(self, picture: PILImage.Image) -> Tensor:
        """Resize a picture from `as_seen`; return it as [H, W, 3], uint8."""
        return torch.from_numpy(np.array(picture.resize(self._size, self._filter)))

    def normalized(self, values: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the normalized values [P, 3, H, W], on the same device, of pictures [P, H, W, 3], uint8."""
        values = values.permute(0, 3, 1, 2)
        if values.device.type == "cpu":  # numpy's lookup takes a fourth of torch's time
            result, shades = np.empty(values.shape, np.float32), self._table.numpy()
            for channel in range(3):
                np.take(shades[channel], values[:, channel].numpy(), out=result[:, channel], mode="clip")
            return torch.from_numpy(result).to(dtype)
        table = self._device_table
        if (table.device, table.dtype) != (values.device, dtype):  # copying it waits for the device
            self._device_table = self._table.to(values.device, dtype).view(3 * SHADES, 1)
        channels = torch.arange(0, 3 * SHADES, SHADES, device=values.device, dtype=torch.int32).view(3, 1, 1)
        return functional.embedding(values + channels, self._device_table).squeeze(-1)
