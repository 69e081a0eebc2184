"""Tensors of pictures kept in memory up to a limit."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Values by a picture's digest, least recently used first, up to a number of bytes."""

    def __init__(self, room: int, size: Callable[[T], int]) -> None:
        """`room`: the most bytes; `size`: the bytes of a value."""
        self._room, self._size = room, size
        self._items: OrderedDict[str, T] = OrderedDict()
        self.bytes = 0

    def __contains__(self, digest: str) -> bool:
        return digest in self._items

    def __getitem__(self, digest: str) -> T:
        self._items.move_to_end(digest)
        return self._items[digest]

    def put(self, digest: str, item: T) -> None:
        """Add a value; call `shrink` once all are added."""
        if digest in self._items:
            self.take(digest)
        self._items[digest] = item
        self.bytes += self._size(item)

    def take(self, digest: str) -> T:
        """Remove and return a value."""
        item = self._items.pop(digest)
        self.bytes -= self._size(item)
        return item

    def take_all(self) -> list[tuple[str, T]]:
        """Remove and return all values with their digests."""
        return [(digest, self.take(digest)) for digest in list(self._items)]

    @property
    def has_room(self) -> bool:
        """Tell whether the values take less than the limit."""
        return self.bytes < self._room

    def shrink(self, kept: Collection[str] = ()) -> None:
        """Drop the least recently used over the limit, but none of `kept`."""
        if self.bytes <= self._room:
            return
        for digest in [digest for digest in self._items if digest not in kept]:
            self.take(digest)
            if self.bytes <= self._room:
                return
