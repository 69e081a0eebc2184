"""Pictures kept in memory, counted once."""

from mmeval.engine.shelf import Shelf


def test_a_value_put_again_is_counted_once() -> None:
    shelf = Shelf[bytes](10, len)
    shelf.put("a", b"12345678")
    shelf.put("a", b"123")
    assert shelf.bytes == 3 and shelf["a"] == b"123"
    shelf.put("b", b"1234567")
    shelf.shrink()
    assert "a" in shelf and "b" in shelf
