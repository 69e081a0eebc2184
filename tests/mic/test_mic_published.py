"""The published MIC files become parts again, with the original's double numbers corrected."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from PIL import Image

from mmeval.mic.build import build
from mmeval.mmicl.context import CONTEXTS, ImageMention, ImagePlace, Part, written
from mmeval.mmicl.examples import read
from mmeval.mmicl.mic_text import parts
from tests.mic.mic_folders import picture, put_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image 0 is <image0>图.\nWhat is in image 0?", (ImagePlace(0), "What is in ", ImageMention(0), "?")),
        ("图What is it?", (ImagePlace(0), "What is it?")),
        ("Image 0 is <image0>图. Compare <image0> well.", (ImagePlace(0), "Compare ", ImageMention(0), " well.")),
        (
            "Use the image 0: <image0>图, image 1: <image1>图 as an aid. Is image 1 red?",
            (
                "Use the ",
                ImagePlace(0, inline=True),
                ", ",
                ImagePlace(1, inline=True),
                " as an aid. Is ",
                ImageMention(1),
                " red?",
            ),
        ),
        (
            "image 0 is <image0><visual_embedding>\nimage 1 is <image1><visual_embedding>\nimage 1 left.",
            (ImagePlace(0), ImagePlace(1), ImageMention(1), " left."),
        ),
        ("No picture but image 3 is named.", ("No picture but ", "image 3", " is named.")),
        (
            "Is image 0, that is image 0: <image0>图, red?",
            ("Is ", ImageMention(0), ", that is ", ImagePlace(0, inline=True), ", red?"),
        ),
    ],
)
def test_texts_become_parts(text: str, expected: tuple[Part, ...]) -> None:
    assert parts(text) == expected


def test_the_second_image_0_is_the_second_picture() -> None:
    # with exactly one demonstration the original calls both pictures image 0
    text = "image 0 is <image0>图. What is image 0? a cat\nimage 0 is <image0>图. What is image 0?"
    prompt = written(CONTEXTS["declaration"].pieces(parts(text)))
    assert prompt == (
        "image 0 is <image0>[picture].\nWhat is image 0? a cat\nimage 1 is <image1>[picture].\nWhat is image 1?"
    )


def test_a_declaration_inside_a_sentence_stays_there(tmp_path: Path) -> None:
    text = "Use the image 0: <image0>图, image 1: <image1>图 as a visual aid. Is image 1 red?"
    for number in range(2):
        picture(tmp_path / "root" / f"{number}.jpg", number)
    line = {"input_text": text, "input_image": ["0.jpg", "1.jpg"], "output_text": "no"}
    put_lines(tmp_path / "root" / "train.jsonl", [line])
    build("mic", tmp_path / "root", tmp_path / "out")
    (example,) = read(tmp_path / "out" / "train.jsonl")
    (ask,) = (turn.ask for turn in example.turns)
    for context in ("declaration", "readme"):
        prompt = written(CONTEXTS[context].pieces(ask)).strip()
        assert prompt == text.replace("图", "[picture]")
    assert written(CONTEXTS["plain"].pieces(ask)).strip().startswith("Use the [picture], [picture] as a visual aid.")
    behind = written(CONTEXTS["declaration"].pieces(ask, slot=2))
    assert "Use the image 2: <image2>[picture], image 3:" in behind


def test_a_row_with_more_places_than_pictures_is_counted(tmp_path: Path) -> None:
    picture(tmp_path / "root" / "a.jpg")
    lines = [
        {"input_text": "图 and 图?", "input_image": ["./a.jpg"], "output_text": "no"},
        {"input_text": "图?", "input_image": "./a.jpg", "output_text": "yes"},
    ]
    put_lines(tmp_path / "root" / "test.jsonl", lines)
    built = build("mic", tmp_path / "root", tmp_path / "out", allow_skipped=0.5)
    assert built.examples == {"test": 1}
    assert built.left_out == {"unusable row": 1}
    assert json.loads((tmp_path / "out" / "skipped.jsonl").read_text())["reason"] == "2 places for 1 picture"


def test_parquet_with_base64_pictures(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    encoded = []
    for k in range(3):
        picture(tmp_path / f"{k}.png", k)
        encoded.append(base64.b64encode((tmp_path / f"{k}.png").read_bytes()).decode())
    table = pyarrow.table(
        {
            "input_text": ["image 0 is <image0>图.\nimage 1 is <image1>图.\nAlike?", "图?", "图?"],
            "input_image": [encoded[:2], encoded[2:], ["no picture"]],
            "output_text": ["no", "green", "?"],
        }
    )
    (tmp_path / "root").mkdir()
    pyarrow.parquet.write_table(table, tmp_path / "root" / "train-00000-of-00001.parquet", row_group_size=2)
    built = build("mic", tmp_path / "root", tmp_path / "out", allow_skipped=0.5)
    assert built.examples == {"train": 2}
    assert built.left_out == {"picture broken": 1}
    first, second = read(tmp_path / "out" / "train.jsonl")
    assert [len(first.images), len(second.images)] == [2, 1]
    with Image.open(tmp_path / "out" / second.images[0]) as image, Image.open(tmp_path / "2.png") as original:
        assert image.tobytes() == original.tobytes()
