"""The picture store: decodes pictures ahead of the model in threads, and encodes each once while it is needed.

It knows the pictures of the coming prompts in order, and keeps theirs and a few others that may be shown again.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from mmeval.engine.device import Portions, is_out_of_memory, new_stream
from mmeval.engine.shelf import Shelf
from mmeval.machine import cores
from mmeval.types import Image, InputError

Encoded = Tensor | InputError
"""A picture's tensor, or the error if there is none."""
WORKERS = 16


class PictureStore:
    """Encoded pictures by content hash."""

    def __init__(
        self,
        prepare: Callable[[Image], Tensor],
        encode: Callable[[Tensor], Tensor],
        portions: Portions,
        device: torch.device | None = None,
    ) -> None:
        """`prepare`: picture -> values [H,W,3], called in a thread; `encode`: values [P,H,W,3] -> [P,...]."""
        self._prepare, self._encode, self._portions = prepare, encode, portions
        self._batch = portions.pictures
        self._images: dict[str, Image] = {}
        """Pictures of the coming prompts."""
        self._uses: Counter[str] = Counter()
        """Number of coming prompts that show each picture."""
        self._waiting: deque[str] = deque()
        """Pictures not yet encoded, in the order in which they are needed."""
        self._decoding: dict[str, Future[Encoded]] = {}
        self._coming = Shelf[Encoded](portions.store, _size)
        """Encoded pictures of the coming prompts."""
        self._spare = Shelf[Encoded](portions.spare, _size)
        """Encoded pictures of earlier prompts, which may be shown again."""
        self._pool = ThreadPoolExecutor(min(WORKERS, cores()), "decode")
        self._stream = None if device is None else new_stream(device)
        self.encoded = 0
        """Pictures encoded so far, for tests and benchmarks."""

    def begin(self) -> None:
        """Forget the expected pictures of prompts that were never answered."""
        for digest, item in self._coming.take_all():
            self._spare.put(digest, item)
        self._spare.shrink()
        self._images.clear()
        self._uses.clear()
        self._waiting.clear()
        self._decoding.clear()
        if self._stream is not None:  # the model's weights may still be on their way
            self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))

    def expect(self, prompts: Iterable[Sequence[Image]]) -> None:
        """Record the pictures of the coming prompts, in order, and start decoding them."""
        for pictures in prompts:
            for digest, picture in {picture.digest: picture for picture in pictures}.items():
                if digest in self._spare:
                    self._coming.put(digest, self._spare.take(digest))
                elif digest not in self._coming and not self._uses[digest]:
                    self._waiting.append(digest)
                self._images[digest] = picture
                self._uses[digest] += 1
        self._decode_ahead()

    def encode(self, digests: Iterable[str]) -> None:
        """Encode the missing ones of these pictures, in batches filled up with the next ones.

        A GPU is not waited for, and does its other work at the same time.
        """
        needed = dict.fromkeys(digests)  # in order, so every process makes the same batches
        missing = {digest for digest in needed if digest not in self._coming}
        waiting = set(self._waiting)
        dropped = [digest for digest in needed if digest in missing and digest not in waiting]  # for lack of room
        self._waiting.extendleft(reversed(dropped))
        while missing:
            room = self._coming.has_room
            chunk = [digest for digest in self._waiting if room or digest in missing][: self._batch]
            if not missing.intersection(chunk):  # others are first in line
                chunk = [digest for digest in self._waiting if digest in missing][: self._batch]
            self._decode(chunk)
            encoded = set(chunk)
            self._waiting = deque(digest for digest in self._waiting if digest not in encoded)
            self._encode_chunk({digest: self._decoding.pop(digest).result() for digest in chunk}, needed.keys())
            missing -= encoded
            self._decode_ahead()

    def get(self, digests: Iterable[str]) -> Mapping[str, Encoded]:
        """Return digest -> tensor or error for these pictures, which must be expected."""
        needed = list(dict.fromkeys(digests))
        self.encode(needed)
        encoded = {digest: self._coming[digest] for digest in needed}
        if self._stream is not None:
            current = torch.cuda.current_stream(self._stream.device)
            current.wait_stream(self._stream)
            for item in encoded.values():
                if isinstance(item, Tensor):
                    item.record_stream(current)
        return encoded

    def release(self, digests: Iterable[str]) -> None:
        """Record that a prompt with these pictures was answered."""
        for digest in dict.fromkeys(digests):
            self._uses[digest] -= 1
            if self._uses[digest] <= 0:
                del self._uses[digest], self._images[digest]
                if digest in self._coming:
                    self._spare.put(digest, self._coming.take(digest))
        self._spare.shrink()
        self._coming.shrink()

    def _decode_ahead(self) -> None:
        for digest in self._waiting:
            if len(self._decoding) >= self._portions.ahead:
                return
            self._decode([digest])

    def _decode(self, digests: Iterable[str]) -> None:
        for digest in digests:
            if digest not in self._decoding:
                self._decoding[digest] = self._pool.submit(self._values, self._images[digest])

    def _values(self, picture: Image) -> Encoded:
        try:
            return self._prepare(picture)
        except InputError as error:
            return error

    def _encode_chunk(self, decoded: dict[str, Encoded], needed: Set[str]) -> None:
        result = dict(decoded)
        good = {digest: values for digest, values in decoded.items() if isinstance(values, Tensor)}
        if good:
            with torch.cuda.stream(self._stream):  # does nothing if it is None
                result |= dict(zip(good, self._states(list(good.values())), strict=True))
        for digest, item in result.items():
            self._coming.put(digest, item)
        self._coming.shrink(needed | decoded.keys())

    def _states(self, values: list[Tensor]) -> list[Encoded]:
        """Encode pictures; if a batch does not fit in memory, halve it and all later ones."""
        size = self._batch
        if len(values) > size:
            return self._states(values[:size]) + self._states(values[size:])
        try:
            states = self._encode(torch.stack(values))
            self.encoded += len(values)
            return [state.clone() for state in states]  # a view would keep the whole batch alive
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(values) == 1:
                return [InputError("out of memory with one picture; try --dtype bfloat16, or a smaller model")]
        if self._batch == self._portions.pictures:
            logging.getLogger(__name__).warning("out of memory: fewer pictures are encoded at once from now on")
        self._batch = len(values) // 2
        return self._states(values)


def _size(item: Encoded) -> int:
    return item.nbytes if isinstance(item, Tensor) else 0
