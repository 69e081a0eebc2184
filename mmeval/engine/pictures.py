"""The picture store: every distinct picture is decoded and encoded once, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from mmeval.engine.device import is_out_of_memory
from mmeval.types import Image, InputError

Encoded = Tensor | InputError
"""What the store has of a picture: its tensor, or why there is none."""


class PictureStore:
    """Encoded pictures by content hash; the least recently used leave when `capacity` bytes are full."""

    def __init__(
        self,
        prepare: Callable[[Image], Tensor],
        encode: Callable[[Tensor], Tensor],
        *,
        batch: int = 32,
        capacity: int = 2 << 30,
    ) -> None:
        """Make a store; `prepare` gives a picture's pixels [3,H,W], in a thread, `encode` [P,...] of [P,3,H,W]."""
        self._prepare, self._encode = prepare, encode
        self._batch, self._capacity = batch, capacity
        self._kept: OrderedDict[str, Encoded] = OrderedDict()
        self._bytes = 0
        self.encoded = 0
        """Pictures encoded so far: what tests and benchmarks count."""

    def get(self, pictures: Iterable[Image]) -> dict[str, Encoded]:
        """Return digest -> what the store has, for all of them; those not yet here are encoded in batches."""
        wanted = {picture.digest: picture for picture in pictures}
        found = {digest: self._kept[digest] for digest in wanted if digest in self._kept}
        for digest in found:
            self._kept.move_to_end(digest)
        new = [digest for digest in wanted if digest not in found]
        chunks = [new[start : start + self._batch] for start in range(0, len(new), self._batch)]
        with ThreadPoolExecutor() as pool:

            def decode(chunk: list[str]) -> Iterator[Encoded]:
                return pool.map(self._decode, [wanted[digest] for digest in chunk])

            ahead = [decode(chunk) for chunk in chunks[:2]]  # never more than two batches ahead of the encoder
            for number, chunk in enumerate(chunks):
                decoded = dict(zip(chunk, ahead.pop(0), strict=True))
                ahead += [decode(later) for later in chunks[number + 2 : number + 3]]
                found |= self._encode_chunk(decoded)
        return found

    def _encode_chunk(self, decoded: dict[str, Encoded]) -> dict[str, Encoded]:
        result = dict(decoded)
        good = {digest: pixels for digest, pixels in decoded.items() if isinstance(pixels, Tensor)}
        if good:
            result |= dict(zip(good, self._states(list(good.values())), strict=True))
        for digest, item in result.items():
            self._keep(digest, item)
        return result

    def _states(self, pixels: list[Tensor]) -> list[Tensor]:
        """Encode pictures; a batch that does not fit in memory is halved. InputError: one alone is too much."""
        try:
            states = self._encode(torch.stack(pixels))
            self.encoded += len(pixels)
            return [state.clone() for state in states]  # a view would keep the whole batch alive after the others left
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(pixels) == 1:
                raise InputError("out of memory with one picture; try --dtype bfloat16, or a smaller model") from error
        middle = len(pixels) // 2
        return self._states(pixels[:middle]) + self._states(pixels[middle:])

    def _decode(self, picture: Image) -> Encoded:
        try:
            return self._prepare(picture)
        except InputError as error:
            return error

    def _keep(self, digest: str, item: Encoded) -> None:
        self._kept[digest] = item
        self._bytes += _size(item)
        while self._bytes > self._capacity and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            self._bytes -= _size(old)


def _size(item: Encoded) -> int:
    return item.nbytes if isinstance(item, Tensor) else 0
