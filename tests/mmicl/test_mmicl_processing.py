from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from mmeval.mmicl.context import CONTEXTS, ImageMention, ImagePlace, Part, PromptError, written
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig
from mmeval.pictures import ORIENTATION, as_seen, traits
from tests.mmicl import mmicl_small as small
from tests.mmicl.mmicl_small import PLACEHOLDER

PARTS: list[Part] = ["is ", ImagePlace(5), " a dog? ", ImagePlace(2), ImageMention(1), "?"]


def test_declaration_stands_where_the_picture_stands() -> None:
    pieces = CONTEXTS["declaration"].pieces(PARTS)
    expected = "is image 0 is <image0>[picture].\n a dog? image 1 is <image1>[picture].\nimage 1?"
    assert written(pieces) == expected


def test_authors_wording_for_mme() -> None:
    expected = "Use the image 0: <image0>[picture] as a visual aid to help you answer the questions accurately. Yes?"
    assert written(CONTEXTS["mme-authors"].pieces([ImagePlace(0), "Yes?"])) == expected


def test_plain_shows_pictures_and_nothing_else() -> None:
    assert written(CONTEXTS["plain"].pieces(PARTS)) == "is [picture] a dog? [picture]image 1?"


def test_braces_in_a_question_are_text() -> None:
    assert written(CONTEXTS["plain"].pieces(["{slot} {}", ImagePlace(0)])) == "{slot} {}[picture]"
    assert written(CONTEXTS["declaration"].pieces(["{slot} {}"])) == "{slot} {}"


def test_tags_and_placeholders_have_the_settings_ids() -> None:
    prompt = small.processor().prompt([ImagePlace(4), "is there a dog ?"], CONTEXTS["declaration"])
    full_stop = 2  # not in this vocabulary
    assert prompt.ids == (7, 8, 3, PLACEHOLDER + 1, PLACEHOLDER, PLACEHOLDER, full_stop, 3, 4, 5, 6, 10, 1)
    assert prompt.pictures == (4,)


def test_a_literal_placeholder_in_a_question_is_text() -> None:
    """The model would see a picture's place without a picture, or the next row's picture."""
    processor = small.processor()
    prompt = processor.prompt(["图 <image0> </s> <image> a dog"], CONTEXTS["declaration"])
    assert prompt.ids == (2, 2, 2, 2, 5, 6, 1)


def test_opening_pictures_precede_the_start_token_in_plain() -> None:
    """As BLIP-2 and InstructBLIP were trained with decoder-only models."""
    processor = small.processor("opt")
    prompt = processor.prompt([ImagePlace(0), "a", ImagePlace(1), "dog"], CONTEXTS["plain"])
    assert prompt.ids == (PLACEHOLDER, PLACEHOLDER, 1, 5, PLACEHOLDER, PLACEHOLDER, 6)
    declared = processor.prompt([ImagePlace(0), "a"], CONTEXTS["declaration"])
    assert declared.ids[0] == 1


@pytest.mark.parametrize(("family", "ids", "mask"), [("t5", [5, 1, 0], [1, 1, 0]), ("llama", [0, 1, 5], [0, 1, 1])])
def test_padding_side_is_the_language_models(family: small.Family, ids: list[int], mask: list[int]) -> None:
    processor = small.processor(family)
    batch = processor.batch([processor.prompt([text], CONTEXTS["plain"]) for text in ("a", "a dog")])
    assert batch["input_ids"][0].tolist() == ids
    assert batch["attention_mask"][0].tolist() == mask
    assert batch["pictures"].shape == (2, 0)


def test_pictures_are_padded_with_minus_one() -> None:
    processor = small.processor()
    prompts: list[list[Part]] = [[ImagePlace(1), ImagePlace(0), ImagePlace(1)], ["a"], [ImagePlace(0)]]
    batch = processor.batch([processor.prompt(parts, CONTEXTS["plain"]) for parts in prompts])
    assert batch["pictures"].tolist() == [[1, 0, 1], [-1, -1, -1], [0, -1, -1]]


def test_a_long_prompt_is_refused_not_cut() -> None:
    """The original cut text and left the pictures, or cut the pictures in two."""
    processor = small.processor(max_prompt_tokens=6)
    assert len(processor.prompt([ImagePlace(0), "is there a"], CONTEXTS["plain"]).ids) == 6
    with pytest.raises(PromptError, match="has 7 tokens, 1 picture of 2 included, but the model reads 6"):
        processor.prompt([ImagePlace(0), "is there a dog"], CONTEXTS["plain"])


def test_more_pictures_than_tags_are_refused() -> None:
    with pytest.raises(PromptError, match="picture 3 needs the tag <image3>, but the model has 3 tags"):
        small.processor().prompt([ImagePlace(0)] * 4, CONTEXTS["declaration"])


def test_the_same_id_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="different ids"):
        small.processor(tag_ids=(PLACEHOLDER,))


def test_transparency_is_dropped() -> None:
    processor = small.processor()
    red = Image.new("RGB", (20, 10), "red")
    transparent = red.convert("RGBA")
    transparent.putalpha(0)
    assert torch.equal(processor.pixels([transparent]), processor.pixels([red]))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "CMYK"])
def test_pictures_of_any_mode(mode: str) -> None:
    assert small.processor().pixels([Image.new(mode, (3, 90))]).shape == (1, 3, 16, 16)


def saved(picture: Image.Image, **options: Any) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return Image.open(file)


def test_sixteen_bits_are_scaled_and_never_clipped() -> None:
    shades = np.array([[0, 257, 32_896, 65_535]], np.uint16)
    for picture in (saved(Image.fromarray(shades)), Image.fromarray(shades.astype(np.int32))):
        assert [as_seen(picture).getpixel((x, 0)) for x in range(4)] == [(v, v, v) for v in (0, 1, 128, 255)]
        assert traits(picture) == ("16-bit",)


@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_is_turned_as_a_viewer_turns_it_and_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture = saved(Image.fromarray(np.arange(72, dtype=np.uint8).reshape(4, 6, 3)), exif=exif)
    assert traits(picture) == (("turned",) if 2 <= orientation <= 8 else ())
    upright = as_seen(picture)
    assert upright.tobytes() == as_seen(upright).tobytes() == ImageOps.exif_transpose(picture).tobytes()


def test_what_is_no_exif_turns_nothing() -> None:
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, "JPEG", exif=b"Exif\0\0rubbish")
    assert (as_seen(Image.open(file)).size, traits(Image.open(file))) == ((6, 4), ())


def test_transparency_is_reported_of_any_kind() -> None:
    clear = Image.new("P", (2, 2))
    for picture in (Image.new("RGBA", (2, 2)), Image.new("LA", (2, 2)), saved(clear, transparency=0)):
        assert traits(picture) == ("transparent",)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "MPO"])
@pytest.mark.parametrize("frames", [1, 3])
def test_frames_that_are_not_shown_are_reported(form: str, frames: int) -> None:
    first, *rest = [Image.new("RGB", (4, 4), (80 * number, 0, 0)) for number in range(frames)]
    file = io.BytesIO()
    first.save(file, form, save_all=True, append_images=rest)
    picture = Image.open(file)
    assert traits(picture) == (("animated",) if frames > 1 and form != "MPO" else ())  # an MPO is a camera's JPEG
    assert as_seen(picture).getpixel((0, 0)) == (0, 0, 0)


def test_answers_end() -> None:
    assert small.processor("llama").answer("yes") == [11, 1]


def test_decoding_takes_out_the_spaces_that_the_original_took_out() -> None:
    ids = [3, 4, 10, 1]
    assert small.processor().decode(ids) == "is there?"
    assert small.processor(clean_up_spaces=False).decode(ids) == "is there ?"


def test_qformer_text_is_framed_and_padded() -> None:
    batch = small.processor().qformer_batch(["a dog", "a"])
    assert batch["qformer_input_ids"].tolist() == [[5, 6, 1], [5, 1, 0]]
    assert batch["qformer_attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_a_processor_comes_back_from_its_folder(tmp_path: Path) -> None:
    processor = small.processor("opt", max_prompt_tokens=50, clean_up_spaces=False)
    processor.save_pretrained(tmp_path)
    reopened = MmiclProcessor.from_pretrained(tmp_path)
    assert reopened.settings == processor.settings
    prompt = processor.prompt([ImagePlace(0), "is there a dog ?"], CONTEXTS["declaration"])
    assert reopened.prompt([ImagePlace(0), "is there a dog ?"], CONTEXTS["declaration"]) == prompt
    picture = Image.effect_noise((30, 30), 50)
    assert torch.equal(reopened.pixels([picture]), processor.pixels([picture]))
    assert reopened.qformer_batch(["a"])["qformer_input_ids"].tolist() == [[5, 1]]


def test_an_id_of_a_wrong_type_is_named() -> None:
    with pytest.raises(TypeError, match="eos_id must be whole numbers, not"):
        ProcessorConfig(3, (4, 5), 2, 0, "1", pad_left=False)  # type: ignore[arg-type]


def test_calls_as_of_other_processors() -> None:
    processor, red = small.processor(), Image.new("RGB", (20, 10), "red")
    expected = processor(red, "a dog", context="plain")
    for images, text in (([red], "a dog"), ([red], ["a dog"]), (red, ["a dog"]), ([[red]], ["a dog"])):
        inputs = processor(images=images, text=text, context="plain")
        assert inputs.keys() == expected.keys() and all(torch.equal(inputs[key], expected[key]) for key in expected)
    two_texts = processor([red, red], ["a dog", "a"], context="plain")
    assert two_texts["pictures"].tolist() == [[0], [1]]
    assert processor([red, red], ["a dog"], context="plain")["pictures"].tolist() == [[0, 1]]
    assert (
        "pixel_values" not in processor(images=None, text="a dog") and len(processor(None, ["a", "a"]).input_ids) == 2
    )
    for images, text in (([], []), ([red], ["a", "a"]), ([[red]], ["a", "a"])):
        with pytest.raises(ValueError, match="give at least one text, each of the"):
            processor(images, text)


def test_a_qformer_that_reads_is_given_the_question() -> None:
    processor, red = small.processor(reads_questions=True), Image.new("RGB", (20, 10), "red")
    inputs = processor([[red], [red]], ["a <image> dog", "a"], context="plain")
    assert inputs["qformer_input_ids"].tolist() == [[5, 6, 1], [5, 1, 0]]
    assert inputs["qformer_attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert "qformer_input_ids" not in processor(text="a")  # there is no picture to read it for


@pytest.mark.parametrize(
    ("config", "reads"),
    [
        ({"model_type": "instructblip"}, True),
        ({"model_type": "instructblip", "text_config": {"model_type": "llama", "vocab_size": 32022}}, False),
        ({"model_type": "blip-2"}, False),
        ({"model_type": "mmicl", "qformer_config": {"model_type": "instructblip_qformer"}}, False),
        ({"model_type": "mmicl", "reads_instructions": True}, True),
        ({"model_type": "mmicl", "max_images": 1, "qformer_config": {"model_type": "instructblip_qformer"}}, True),
    ],
)
def test_a_folder_of_an_earlier_version_reads_questions_as_its_model_does(
    config: dict[str, object], reads: bool, tmp_path: Path
) -> None:
    small.processor().save_pretrained(tmp_path)
    file = tmp_path / "mmicl_processor.json"
    settings = json.loads(file.read_text())
    del settings["reads_questions"]
    file.write_text(json.dumps(settings))
    assert not MmiclProcessor.from_pretrained(tmp_path).settings.reads_questions
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert MmiclProcessor.from_pretrained(tmp_path).settings.reads_questions is reads
