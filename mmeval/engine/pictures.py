"""The picture store: every distinct picture is decoded and encoded once, and kept while there is room."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

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
        new = [picture for digest, picture in wanted.items() if digest not in found]
        for chunk in _chunks(self._decoded(new), self._batch):
            found |= self._encode_chunk(chunk)
        return found

    def _encode_chunk(self, chunk: list[tuple[str, Encoded]]) -> dict[str, Encoded]:
        result = dict(chunk)
        good = {digest: pixels for digest, pixels in chunk if isinstance(pixels, Tensor)}
        if good:
            states = self._encode(torch.stack(list(good.values())))
            self.encoded += len(good)
            # a copy each: a view would keep the whole batch alive after the others have left
            result |= {digest: state.clone() for digest, state in zip(good, states, strict=True)}
        for digest, item in result.items():
            self._keep(digest, item)
        return result

    def _decoded(self, pictures: list[Image]) -> Iterator[tuple[str, Encoded]]:
        """Decode pixels of each picture by threads, never more than two batches ahead of the encoder."""
        with ThreadPoolExecutor() as pool:
            ahead = itertools.islice(source := iter(pictures), 2 * self._batch)
            queue = [(picture.digest, pool.submit(self._decode, picture)) for picture in ahead]
            while queue:
                digest, future = queue.pop(0)
                yield digest, future.result()
                queue += [(p.digest, pool.submit(self._decode, p)) for p in itertools.islice(source, 1)]

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
    return item.numel() * item.element_size() if isinstance(item, Tensor) else 0


def _chunks(items: Iterable[tuple[str, Encoded]], size: int) -> Iterator[list[tuple[str, Encoded]]]:
    source = iter(items)
    while chunk := list(itertools.islice(source, size)):
        yield chunk
