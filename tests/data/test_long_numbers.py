"""Numbers of thousands of digits in data and records, which Python refuses to parse, are sentences or plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mmeval.data import answers, marks, vqa
from mmeval.mic.readers import captions
from mmeval.mmicl import mic_text
from mmeval.types import InputError, whole_number

LONG = "1" * 5000


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (lambda: marks.placed([f"<image {LONG}>"], [], "<image 1>", "f, line 1"), r"f, line 1: 1 place for pictures"),
        (lambda: vqa.VQAV2.pictures("val", LONG, "f, item 1"), r"f, item 1: the image_id is '1{40}'; COCO's are numb"),
        (lambda: whole_number({"turns": LONG}, "turns"), r"a record's tag 'turns' is '1{59}, not a whole number"),
        (lambda: whole_number({"turns": "-5000"}, "turns"), r"a record's tag 'turns' is '-5000', not a whole number"),
    ],
)
def test_it_is_a_sentence(read: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read()


def test_a_round_beyond_all_rounds_is_no_rotation(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question_id": "5", "round_id": LONG, "text": "A"}) + "\n")
    assert answers.read(path)[0].ids == {"question_id": "5"}


def test_no_picture_of_mic_has_such_a_number() -> None:
    text = f"image {LONG} is here <image{LONG}>"
    assert mic_text.parts(text) == (text,)
    assert re.fullmatch(captions.TOKEN, f"a.jpg#{LONG}\ta dog") is None
