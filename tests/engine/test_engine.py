"""Batches stay within their budget, each picture is encoded once, and a prompt's parts keep their order."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage
from torch import Tensor
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.engine.batching import batches
from mmeval.engine.device import Portions
from mmeval.engine.pictures import PictureStore
from mmeval.engine.pixels import Pixels
from mmeval.engine.prompts import flatten
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


def store(capacity: int = 1 << 20, ahead: int = 4, spare: int | None = None) -> tuple[PictureStore, list[int]]:
    shades: list[int] = []

    def prepare(picture: Image) -> Tensor:
        shade = picture.decode().getpixel((0, 0))
        assert isinstance(shade, tuple)
        return torch.full((3, 8, 8), float(shade[0]))

    def encode(pixels: Tensor) -> Tensor:
        shades.extend(int(row[0, 0, 0]) for row in pixels)
        return pixels[:, 0, 0]

    portions = Portions(2048, 512, pictures=2, ahead=ahead, store=capacity, spare=capacity if spare is None else spare)
    return PictureStore(prepare, encode, portions), shades


def ask_for_each(pictures: PictureStore, shades: Sequence[int]) -> list[int]:
    """Announce all pictures, then get one after the other; return their values."""
    prompts = [[encoded(shade)] for shade in shades]
    pictures.expect(prompts)
    values = []
    for (picture,) in prompts:
        item = pictures.get([picture.digest])[picture.digest]
        assert isinstance(item, Tensor)
        values.append(int(item[0]))
        pictures.release([picture.digest])
    return values


def test_a_picture_is_encoded_once_whatever_it_is_called() -> None:
    pictures, encoded_shades = store()
    assert ask_for_each(pictures, [1, 2, 1]) == [1, 2, 1]
    assert ask_for_each(pictures, [2, 3]) == [2, 3]
    assert encoded_shades == [1, 2, 3]


@pytest.mark.parametrize("capacity", [0, 1, 3, 100])
def test_every_picture_keeps_its_own_tensor_whatever_the_budget(capacity: int) -> None:
    shades = [7, 3, 9, 1, 8, 2, 6, 7, 9, 3, 1, 5, 6]
    pictures, encoded_shades = store(capacity=capacity * 8 * 4)
    assert ask_for_each(pictures, shades) == shades
    assert set(encoded_shades) == set(shades)
    assert pictures._coming.bytes == 0
    assert pictures._spare.bytes <= capacity * 8 * 4


def test_what_no_prompt_shows_any_more_leaves_first() -> None:
    pictures, encoded_shades = store(capacity=2 * 8 * 4)  # two pictures of 8 floats
    assert ask_for_each(pictures, [1, 2, 1, 1, 3, 1]) == [1, 2, 1, 1, 3, 1]
    assert encoded_shades == [1, 2, 3]
    ask_for_each(pictures, [1])
    assert encoded_shades == [1, 2, 3]
    ask_for_each(pictures, [2])
    assert encoded_shades == [1, 2, 3, 2]


def test_what_no_coming_prompt_shows_is_kept_only_within_its_own_budget() -> None:
    pictures, encoded_shades = store(spare=1 * 8 * 4)  # one picture of 8 floats
    assert ask_for_each(pictures, [1, 2, 3, 1, 2, 3]) == [1, 2, 3, 1, 2, 3]
    assert encoded_shades == [1, 2, 3]
    ask_for_each(pictures, [3])
    assert encoded_shades == [1, 2, 3]
    ask_for_each(pictures, [1])
    assert encoded_shades == [1, 2, 3, 1]


def test_pictures_are_encoded_and_kept_in_the_order_of_the_prompts() -> None:
    eight, ninth = [encoded(shade) for shade in range(1, 9)], encoded(9)
    pictures, encoded_shades = store(capacity=0, spare=4 * 8 * 4)  # four pictures of 8 floats
    pictures.expect([eight, [ninth], eight])
    for prompt in (eight, [ninth], eight):
        pictures.get(picture.digest for picture in prompt)  # the first ones are dropped for the other
        pictures.release(picture.digest for picture in prompt)
    assert encoded_shades == [*range(1, 9), 9, *range(1, 9)]
    assert list(pictures._spare._items) == [picture.digest for picture in eight[4:]]


def test_pictures_of_prompts_that_were_given_up_are_forgotten() -> None:
    pictures, _ = store(spare=0)
    pictures.expect([[encoded(1)], [encoded(2)]])
    pictures.get([encoded(1).digest])
    pictures.begin()
    assert pictures._coming.bytes == pictures._spare.bytes == 0


def test_no_more_is_decoded_ahead_than_is_allowed() -> None:
    pictures, _ = store(ahead=3)
    prompts = [encoded(shade) for shade in range(9)]
    pictures.expect([picture] for picture in prompts)
    assert len(pictures._decoding) == 3
    pictures.get([prompts[0].digest])
    assert len(pictures._decoding) == 3  # two were encoded, and two more are on their way


def test_a_broken_picture_is_reported_and_spoils_no_other() -> None:
    pictures, encoded_shades = store()
    broken = Image(b"not a picture", "cat.png")
    pictures.expect([[broken, encoded(5)]])
    items = pictures.get([broken.digest, encoded(5).digest])
    assert isinstance(items[broken.digest], InputError)
    assert "cat.png" in str(items[broken.digest])
    assert encoded_shades == [5]


def test_a_budget_that_did_not_fit_is_lowered_for_good_and_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    sizes: list[int] = []

    def encode(pixels: Tensor) -> Tensor:
        sizes.append(len(pixels))
        if len(pixels) > 3:
            raise MemoryError
        return pixels[:, 0, 0]

    portions = Portions(2048, 512, pictures=8, ahead=8, store=1 << 20, spare=0)
    pictures = PictureStore(lambda picture: torch.zeros(3, 2, 2), encode, portions)
    prompt = [encoded(shade) for shade in range(16)]
    pictures.expect([prompt])
    pictures.get(picture.digest for picture in prompt)
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]
    assert len(caplog.messages) == 1


@given(st.integers(0, 255), st.integers(1, 40), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_pixels_are_the_processors_bits(seed: int, width: int, height: int) -> None:
    picture = PILImage.effect_noise((width, height), seed).convert("RGB").rotate(seed)
    processor = BlipImageProcessorPil(size={"height": 14, "width": 14})
    pixels = Pixels(processor)
    values = pixels.normalized(pixels.resized(picture)[None], torch.float32)
    assert torch.equal(values, processor([picture], return_tensors="pt")["pixel_values"])


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
