"""Batches stay within their budget, a picture is encoded once, and a prompt's pieces keep their places."""

from __future__ import annotations

import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PILImage
from torch import Tensor

from mmeval.engine.pictures import PictureStore
from mmeval.engine.prompts import flatten
from mmeval.engine.transformer import batches
from mmeval.mmicl.context import ImageMention, ImagePlace
from mmeval.types import Image, InputError, Ref, Request, Shot


def drawn(shade: int) -> Image:
    return Image(PILImage.new("RGB", (8, 8), (shade, 0, 0)), f"shade {shade}")


def encoded(shade: int) -> Image:
    buffer = io.BytesIO()
    PILImage.new("RGB", (8, 8), (shade, 0, 0)).save(buffer, "PNG")
    return Image(buffer.getvalue(), f"shade {shade}")


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 200))
def test_every_prompt_is_in_one_batch_and_batches_fit(lengths: list[int], budget: int) -> None:
    plan = batches(lengths, budget)
    assert sorted(index for batch in plan for index in batch) == list(range(len(lengths)))
    for batch in plan:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


def store(capacity: int = 1 << 20) -> tuple[PictureStore, list[int]]:
    seen: list[int] = []

    def prepare(picture: Image) -> Tensor:
        shade = picture.decode().getpixel((0, 0))
        assert isinstance(shade, tuple)
        return torch.full((3, 8, 8), float(shade[0]))

    def encode(pixels: Tensor) -> Tensor:
        seen.extend(int(row[0, 0, 0]) for row in pixels)
        return pixels[:, 0, 0]

    return PictureStore(prepare, encode, batch=2, capacity=capacity), seen


def test_a_picture_is_encoded_once_whatever_it_is_called() -> None:
    pictures, seen = store()
    first = pictures.get([encoded(1), encoded(2), encoded(1)])
    again = pictures.get([encoded(2), encoded(3)])
    assert seen == [1, 2, 3]
    assert torch.equal(first[encoded(2).digest], again[encoded(2).digest])  # type: ignore[arg-type]


def test_every_picture_keeps_its_own_tensor_over_many_batches() -> None:
    pictures, seen = store(capacity=3 * 8 * 4)  # fewer than are asked for at once
    shades = [7, 3, 9, 1, 8, 2, 6]
    found = pictures.get([encoded(shade) for shade in (*shades, *shades)])
    assert seen == shades
    assert [int(found[encoded(shade).digest][0]) for shade in shades] == shades  # type: ignore[index]


def test_the_least_recently_used_leave_first() -> None:
    pictures, seen = store(capacity=2 * 8 * 4)  # two pictures of 8 floats
    for shade in (1, 2, 1, 3, 1, 2):
        pictures.get([encoded(shade)])
    assert seen == [1, 2, 3, 2]


def test_a_broken_picture_is_reported_and_spoils_no_other() -> None:
    pictures, seen = store()
    broken = Image(b"not a picture", "cat.png")
    found = pictures.get([broken, encoded(5)])
    assert isinstance(found[broken.digest], InputError)
    assert "cat.png" in str(found[broken.digest])
    assert seen == [5]


@pytest.mark.parametrize(
    "content",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n",  # Pillow would run Ghostscript on it
        b"DDS |\x00\x00\x00" + bytes(120),  # of which Pillow says NotImplementedError
        b"BM" + b"\xff" * 60,
        b"GIF89a" + bytes(20),
    ],
)
def test_what_is_no_picture_of_a_known_kind_is_one_sentence(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^x.png: .*; replace the file"):
        Image(content, "x.png").decode()


def test_demonstrations_come_first_and_references_count_on() -> None:
    shot = Shot((drawn(1), "what is ", Ref(0), "?"), "a cat")
    request = Request("q", (drawn(2), drawn(3), "is ", Ref(1), " a dog?"), shots=(shot,))
    flat = flatten(request)
    assert flat.parts == (
        *(ImagePlace(0), "what is ", ImageMention(0), "?", " a cat\n"),
        *(ImagePlace(1), ImagePlace(2), "is ", ImageMention(2), " a dog?"),
    )
    assert [picture.name for picture in flat.pictures] == ["shade 1", "shade 2", "shade 3"]
    assert flat.text == "is image 1 a dog?"


def test_side_by_side_makes_one_picture_of_two() -> None:
    low = Image(PILImage.new("RGBA", (8, 4), (0, 2, 0, 0)), "low")
    flat = flatten(Request("q", (low, "?"), shots=(Shot((drawn(1), "and "), "no"),)), "side-by-side")
    assert flat.parts == (ImagePlace(0), "and ", " no\n", "?")
    (picture,) = flat.pictures
    pasted = picture.decode()
    assert (picture.name, pasted.size) == ("shade 1 + low", (8 + 16, 8))
    assert [pasted.getpixel((x, 4)) for x in (0, 7, 8, 23)] == [(1, 0, 0)] * 2 + [(0, 2, 0)] * 2


def test_one_picture_is_not_pasted() -> None:
    request = Request("q", ("is ", drawn(1), " a cat?"))
    assert flatten(request, "side-by-side") == flatten(request)


def test_side_by_side_is_refused_before_it_fills_the_memory() -> None:
    high, wide = (Image(PILImage.new("1", size), name) for size, name in (((1, 9000), "high"), ((9000, 1), "wide")))
    with pytest.raises(InputError, match=r"high \+ wide: side by side 81000001 x 9000 pixels"):
        flatten(Request("q", (high, wide)), "side-by-side")


@pytest.mark.slow
def test_a_picture_too_large_is_refused_before_its_pixels_are_read() -> None:
    header = io.BytesIO()
    PILImage.new("1", (20_000, 20_000)).save(header, "PNG")
    with pytest.raises(InputError, match=r"huge.png: .*20000 x 20000|huge.png: more than"):
        Image(header.getvalue(), "huge.png").decode()
