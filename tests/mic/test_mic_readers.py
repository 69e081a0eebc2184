"""Every reader reads its data set's official format and reports errors in one sentence."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mmeval.mic.build import build
from mmeval.mic.readers import READERS
from mmeval.mic.rows import Root, SourceRow
from mmeval.mic.templates import PLACE, cards
from mmeval.mmicl.context import ImageMention, ImagePlace
from mmeval.mmicl.examples import Example, read
from mmeval.types import InputError
from tests.mic.mic_folders import FOLDERS, karpathy, mdetr, picture, put_table, vqav2

MUTANTS = int(os.environ.get("MMEVAL_MUTANTS", "12"))

COUNTS = {
    "vqav2": {"train": 12, "val": 12},
    "okvqa": {"train": 12, "val": 12},
    "gqa": {"train": 6, "val": 6, "test": 6},
    "textvqa": {"train": 6},
    "coco": {"train": 30, "val": 30},
    "flickr30k": {"train": 30},
    "nlvr2": {"train": 6, "val": 6, "test": 6},
    "vcr": {"train": 6, "val": 6},
    "refcoco": {"train": 6},
    "vsr": {"train": 6, "val": 6, "test": 6},
    "llava": {"train": 6},
    "llavapretrain": {"train": 6},
    "miniimagenet": {"train": 6, "val": 6, "test": 6},
    "iconqa": {"train": 6, "val": 6, "test": 6},
    "msrvtt": {"train": 2, "val": 2, "test": 2},
    "msrvttqa": {"train": 1, "val": 1, "test": 1},
    "mic": {"train": 6, "val": 6},
}
ANSWERS = {
    "vqav2": ("vqav2/1000", "answer 1000"),
    "okvqa": ("okvqa/1000", "red"),  # six of ten
    "gqa": ("gqa/0007", "no"),
    "textvqa": ("textvqa/34602", "stop"),
    "coco": ("coco/0", "Caption 0 of 0."),
    "flickr30k": ("flickr30k/1000.jpg#0", "Caption 0 of 0 ."),
    "nlvr2": ("nlvr2/train-0-0-1", "False"),
    "vcr": ("vcr/train-0", "option 0: Yes, image 1 does."),
    "refcoco": ("refcoco/0", "cup 0"),
    "vsr": ("vsr/train-1", "False"),
    "llava": ("llava/000000000000-0", "A bus."),
    "llavapretrain": ("llavapretrain/000000000-0", "the bus number 0"),
    "miniimagenet": ("miniimagenet/n0153282900000000.jpg", "tench"),
    "iconqa": ("iconqa/train/choose_img/0", "option 2"),
    "msrvtt": ("msrvtt/0", "caption 0"),
    "msrvttqa": ("msrvttqa/train-5", "band"),
    "mic": ("mic/MMICL_t5_json/train/vqa.jsonl#1", "a cat"),
}


def rows(source: str, folder: Path) -> list[SourceRow]:
    return list(READERS[source](Root(folder)))


def built(source: str, tmp_path: Path) -> list[Example]:
    FOLDERS[source](tmp_path / "root")
    build(source, tmp_path / "root", tmp_path / "out", shots=(0, 0))
    return list(read(tmp_path / "out" / "train.jsonl"))


@pytest.mark.parametrize("source", READERS)
def test_the_official_form(source: str, tmp_path: Path) -> None:
    if source.startswith("msrvtt"):
        pytest.importorskip("av")
    FOLDERS[source](tmp_path / "root")
    result = build(source, tmp_path / "root", tmp_path / "out", shots=(0, 0))
    assert result.examples == COUNTS[source]
    assert result.left_out == {}
    for split, count in COUNTS[source].items():
        examples = list(read(tmp_path / "out" / f"{split}.jsonl"))
        assert len({example.id for example in examples}) == count
        assert all((tmp_path / "out" / image).is_file() for example in examples for image in example.images)
    first = next(read(tmp_path / "out" / "train.jsonl"))
    assert (first.id, first.turns[0].answer) == ANSWERS[source]


@pytest.mark.parametrize("source", READERS)
def test_a_folder_without_the_files_is_named(source: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no .* in it"):
        rows(source, tmp_path)


def test_every_source_has_its_card_and_wordings_that_its_rows_fill() -> None:
    assert list(cards()) == list(READERS)
    for name, card in cards().items():
        assert len(set(card.wordings)) == len(card.wordings)
        assert len(card.wordings) >= (1 if name in ("mic", "llavapretrain") else 6)
        places = {frozenset(match[1] for match in PLACE.finditer(wording) if match[1]) for wording in card.wordings}
        assert len(places) == 1, f"the wordings of {name} do not all say the same"


def test_both_pictures_of_nlvr2_are_shown(tmp_path: Path) -> None:
    example = built("nlvr2", tmp_path)[0]
    assert example.turns[0].ask[:2] == (ImagePlace(0), ImagePlace(1))
    assert {ImageMention(0), ImageMention(1)} <= set(example.turns[0].ask)
    assert len(set(example.images)) == 2


def test_objects_of_vcr_are_crops_and_spoken_of(tmp_path: Path) -> None:
    example = built("vcr", tmp_path)[0]
    sizes = []
    for path in example.images:
        with Image.open(tmp_path / "out" / path) as image:
            sizes.append(image.size)
    assert sizes == [(100, 60), (35, 45), (40, 46)]  # the still; 5.5, 5, 40, 50; 50, 10, 90, 55.5
    assert [part.slot for part in example.turns[0].ask if isinstance(part, ImageMention) and part.slot] == [
        1,
        2,
        1,
        2,
        1,
        2,
    ]
    assert "isn't." in "".join(part for part in example.turns[0].ask if isinstance(part, str))


def test_llavas_conversations_are_kept_whole(tmp_path: Path) -> None:
    example = built("llava", tmp_path)[0]
    assert [turn.answer for turn in example.turns] == ["A bus.", "Red."]
    assert "<image>" not in str(example)


def test_pictures_to_choose_from(tmp_path: Path) -> None:
    by_kind = {example.id.split("/")[2]: example for example in built("iconqa", tmp_path)}
    assert len(by_kind["choose_img"].images) == 3
    assert by_kind["choose_txt"].turns[0].answer == "option 2: three"
    assert by_kind["fill_in_blank"].turns[0].answer == "7"


def test_karpathys_splits(tmp_path: Path) -> None:
    karpathy(tmp_path)
    splits = [row.split for row in rows("coco", tmp_path)]
    assert [splits.count(split) for split in ("train", "val", "test")] == [15, 5, 10]  # restval is train


def test_the_other_forms_of_flickr30k(tmp_path: Path) -> None:
    karpathy(tmp_path / "karpathy", "dataset_flickr30k.json", "flickr30k-images")
    assert len(rows("flickr30k", tmp_path / "karpathy")) == 30

    picture(tmp_path / "hub" / "images" / "1.jpg")
    line = {"raw": '["A.", "B."]', "sentids": "[0, 1]", "split": "val", "filename": "1.jpg", "img_id": 0}
    put_table(tmp_path / "hub" / "flickr_annotations_30k.csv", [line])
    assert [(row.id, row.split, row.answer) for row in rows("flickr30k", tmp_path / "hub")] == [
        ("0", "val", "A."),
        ("1", "val", "B."),
    ]

    kaggle = tmp_path / "kaggle"
    (kaggle / "flickr30k_images").mkdir(parents=True)
    (kaggle / "results.csv").write_text("image_name| comment_number| comment\n1.jpg| 0| A | b .\n2.jpg| 0| C .\n")
    (kaggle / "val.txt").write_text("2\n")
    facts = [(row.id, row.split, row.answer) for row in rows("flickr30k", kaggle)]
    assert facts == [("1.jpg#0", "train", "A | b ."), ("2.jpg#0", "val", "C .")]


def test_refcoco_says_the_ninth_of_the_picture(tmp_path: Path) -> None:
    FOLDERS["refcoco"](tmp_path / "official")
    assert {row.texts["place"] for row in rows("refcoco", tmp_path / "official")} == {"top right"}
    mdetr(tmp_path / "mdetr")
    facts = [(row.split, row.texts["place"], row.answer) for row in rows("refcoco", tmp_path / "mdetr")]
    assert facts == [(split, "bottom left", "the cup") for split in ("train", "val", "test", "test")]


def test_a_pickle_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "train2014").mkdir()
    (tmp_path / "refs(unc).p").write_bytes(b"\x80\x02]q\x00.")
    with pytest.raises(InputError, match=r"pickle.*json\.dump"):
        rows("refcoco", tmp_path)


def test_a_box_outside_the_picture_is_a_problem_of_its_row(tmp_path: Path) -> None:
    FOLDERS["refcoco"](tmp_path)
    path = tmp_path / "instances.json"
    path.write_text(path.read_text().replace("30.0", "300.0"))
    assert all("outside the" in row.problem for row in rows("refcoco", tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "no 'questions' in it"),
        (b'{"questions": 1}', "at questions there is neither a list nor a map"),
        (b'{"questions": [', "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"questions": [{"question": 1}]}', "item 1: no column 'question_id' \\(did you mean 'question'"),
        (b'{"questions": [{"question": "?", "question_id": 9, "image_id": 1}]}', "no annotation of question 9"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_broken_annotation_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    vqav2(tmp_path)
    (tmp_path / "v2_OpenEnded_mscoco_train2014_questions.json").write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        rows("vqav2", tmp_path)
    assert "mscoco_train2014" in str(error.value)


def test_annotation_behind_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    FOLDERS["llava"](tmp_path / "root")
    (tmp_path / "root" / "llava_instruct_150k.json").rename(tmp_path / "elsewhere.json")
    (tmp_path / "root" / "llava_instruct_150k.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InputError, match="leads out of"):
        rows("llava", tmp_path / "root")


def test_two_files_that_could_be_meant(tmp_path: Path) -> None:
    for split in ("random", "zeroshot"):
        FOLDERS["vsr"](tmp_path / split)
    with pytest.raises(InputError, match="both exist"):
        rows("vsr", tmp_path)


def test_what_a_mac_leaves_in_folders_stops_no_reader(tmp_path: Path) -> None:
    FOLDERS["vsr"](tmp_path)
    FOLDERS["vsr"](tmp_path / "__MACOSX")
    (tmp_path / "._train.jsonl").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "images" / ".DS_Store").write_bytes(b"\x00")
    assert len(rows("vsr", tmp_path)) == 18


def test_what_the_data_says_is_never_read_as_a_place(tmp_path: Path) -> None:
    FOLDERS["llava"](tmp_path / "root")
    path = tmp_path / "root" / "llava_instruct_150k.json"
    entries = json.loads(path.read_text())
    for entry in entries:
        entry["conversations"][0]["value"] = "{question} [7] {nothing}"
    path.write_text(json.dumps(entries))
    build("llava", tmp_path / "root", tmp_path / "out")
    for example in read(tmp_path / "out" / "train.jsonl"):
        assert "{question} [7] {nothing}" in "".join(part for part in example.turns[0].ask if isinstance(part, str))


def mutated(value: Any, rng: random.Random) -> Any:
    """The value with one thing in it gone or of another kind."""
    if isinstance(value, dict | list) and value and rng.random() < 0.8:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        copy = value.copy()
        if rng.random() < 0.15:
            del copy[key]
        else:
            copy[key] = mutated(copy[key], rng)
        return copy
    return rng.choice([None, 7, -1, 1e308, float("inf"), "x", "", [], {}, [[]], True, "../a.jpg", "\ud800"])


@pytest.mark.slow
@pytest.mark.parametrize("source", [source for source in READERS if not source.startswith("msrvtt")])
def test_annotation_of_any_other_form_ends_in_a_sentence_or_in_the_count(source: str, tmp_path: Path) -> None:
    FOLDERS[source](tmp_path / "root")
    files = sorted(path for path in (tmp_path / "root").rglob("*.json*"))
    rng = random.Random(MUTANTS)
    for number in range(MUTANTS if files else 0):
        path = rng.choice(files)
        original = path.read_text()
        if path.suffix == ".jsonl" or (source == "nlvr2"):
            lines = [json.loads(line) for line in original.splitlines()]
            path.write_text("".join(json.dumps(line) + "\n" for line in (mutated(line, rng) for line in lines)))
        else:
            path.write_text(json.dumps(mutated(json.loads(original), rng)))
        try:
            built = build(source, tmp_path / "root", tmp_path / f"out{number}", shots=(0, 0), limit=8, allow_skipped=1)
        except InputError as error:
            assert str(error), path
        else:
            assert all(count <= 8 for count in built.examples.values()), path
        path.write_text(original)
