"""RefCOCO and ScreenSpot: small folders as they are published, numbers, and the coordinates of each prompt."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.bias.study import of_answers
from mmeval.configuration import configure
from mmeval.runs.schema import Results
from mmeval.runs.scored import score_records
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.types import Image, InputError, Record, Sample
from tests.evaluating import evaluate, results
from tests.tasks.grounding_folders import (
    ELEMENTS,
    HIGH,
    OBJECTS,
    WIDE,
    own_files,
    qwen_vl,
    refcoco,
    screenspot,
    screenspot_pro,
    stored,
    vlmevalkit,
)
from tests.tasks.small_folders import call, jsonl, parquet, value


def record(sample: Sample, text: str) -> Record:
    return Record(sample.id, sample.targets, sample.category, tags=sample.tags, text=text)


def scored_answer(task: str, data: Path, text: str, **settings: Any) -> Results:
    """Score one and the same answer to every question, with a prompt and a reading."""
    configured = configure(load_task(task), RunSpec(task, **settings))
    return results(configured, [record(sample, text) for sample in configured.samples(str(data))])


# The data


def test_the_three_forms_of_refcoco_have_the_same_questions(tmp_path: Path) -> None:
    questions = []
    for write in (refcoco, qwen_vl, vlmevalkit):
        (folder := tmp_path / write.__name__).mkdir()
        write(folder)
        samples = [sample for sample in load_task("refcoco").samples(str(folder)) if sample.category == "val"]
        assert len({sample.id for sample in samples}) == len(samples)
        questions.append([(s.prompt[1], [round(e, 4) for e in json.loads(s.targets[0])], s.tags) for s in samples])
    assert questions[0] == questions[1] == questions[2]
    dog, _, everything = questions[0]
    assert dog == ("the left dog", [0.1, 0.1, 0.3, 0.6], {"width": "40", "height": "20"})
    assert everything[1] == [0.0, 0.0, 1.0, 0.75]
    plus = list(load_task("refcoco-plus").samples(str(tmp_path / "vlmevalkit")))
    assert [sample.category for sample in plus] == ["testA"] * 3
    split = list(load_task("refcoco").samples(str(tmp_path / "qwen_vl" / "refcoco_val.jsonl")))
    assert [sample.category for sample in split] == ["val"] * 3


def test_the_hub_has_a_table_for_each_split(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(repo: str, split: str, **named: str) -> list[tuple[dict[str, Any], str]]:
        number, phrases, sides = OBJECTS[0]
        return [({"question_id": repo, "image": stored(number), "answer": phrases, "bbox": sides}, f"{repo}, row 1")]

    monkeypatch.setattr("mmeval.data.hub.values", rows)
    ids = [sample.id for sample in load_task("refcocog").samples("hub")]
    hub = "lmms-lab-encoder/RefCOCOg"
    assert ids == [f"val/{hub}/1", f"val/{hub}/2", f"test/{hub}/1", f"test/{hub}/2"]


def test_both_forms_of_screenspot_have_the_same_questions(tmp_path: Path) -> None:
    questions = []
    for name, write in (("screenspot", screenspot), ("screenspot", own_files), ("screenspot-pro", screenspot_pro)):
        (folder := tmp_path / write.__name__).mkdir()
        write(folder)
        samples = list(load_task(name).samples(str(folder)))
        questions.append([(s.prompt[1], json.loads(s.targets[0]), s.tags) for s in samples])
    assert questions[0] == questions[1] == questions[2]
    assert [s.category for s in load_task("screenspot").samples(str(tmp_path / "own_files"))] == [
        "mobile-text", "mobile-icon", "desktop-text", "desktop-icon", "web-text", "web-icon",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("bbox", [4, 2, 0, 10], r"the bbox is \[4, 2, 0, 10\]; it must be left, top, width and height of a box"),
        ("bbox", [4, 2, 8], "it must be left, top, width and height of a box"),
        ("data_type", "widget", "unknown data_type 'widget'; choose from text, icon"),
        ("img_filename", "9.png", "there is no picture"),
        ("img_filename", "", "0 pictures in the column img_filename, not 1; download the file again"),
    ],
)
def test_a_row_that_cannot_be_asked_is_a_sentence(column: str, cell: object, message: str, tmp_path: Path) -> None:
    own_files(tmp_path)
    path = tmp_path / "screenspot_web.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([rows[0] | {column: cell}]), encoding="utf-8")
    with pytest.raises(InputError, match=rf"screenspot_web\.json.*{message}"):
        list(load_task("screenspot").samples(str(tmp_path)))


def test_boxes_of_other_coordinates_and_rows_of_other_tables_are_refused(tmp_path: Path) -> None:
    row = {"bbox": [4, 2, 12, 12], "instruction": "x", "data_type": "text", "data_source": "ios", "image": stored(0)}
    path = parquet(tmp_path / "test-0.parquet", [row])
    with pytest.raises(InputError, match=r"the bbox is \[4, 2, 12, 12\]; it must be edges from 0 to 1"):
        list(load_task("screenspot").samples(str(path)))
    vlmevalkit(tmp_path)
    table = tmp_path / "RefCOCO.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("[0.100000", "[4.000000"), encoding="utf-8")
    with pytest.raises(InputError, match="must be left, top, right and bottom of a box"):
        list(load_task("refcoco").samples(str(table)))
    table.write_text(table.read_text(encoding="utf-8").replace("<ref>", ""), encoding="utf-8")
    with pytest.raises(InputError, match=r"must be left|not a row of RefCOCO\.tsv, with <ref>"):
        list(load_task("refcoco").samples(str(table)))
    table.write_text(table.read_text(encoding="utf-8").replace("RefCOCO val", "RefCOCO train"), encoding="utf-8")
    with pytest.raises(InputError, match="unknown split 'train'; choose from val, testA, testB"):
        list(load_task("refcoco").samples(str(table)))
    with pytest.raises(InputError, match=r"test-0\.parquet: its name does not say the split; call it as published"):
        list(load_task("refcoco").samples(str(path)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no val-\*\.parquet.*no refcoco_val\.jsonl and no RefCOCO\.tsv in it"):
        list(load_task("refcoco").samples(str(tmp_path / "empty")))


# Numbers


def test_each_split_has_its_number_and_the_whole_picture_is_the_baseline(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    refcoco(tmp_path / "data")
    run = evaluate("constant:[0.1, 0.1, 0.3, 0.6]", "refcoco", data=str(tmp_path / "data"), out=tmp_path / "run")
    scores = run.results
    assert value(scores, "val") == value(scores, "mean") == pytest.approx(200 / 3)
    assert value(scores, "val", "strict") == pytest.approx(200 / 3)
    assert scores.metrics["val"].n == 3 and scores.metrics["val"].chance is None
    (baseline,) = scores.baselines.values()
    assert baseline.answer == "the whole picture" and baseline.values["val"] == pytest.approx(100 / 3)
    output = " ".join(call("score", tmp_path / "run").output.split())
    assert "always the whole picture" in output and "--reading vlmevalkit" in output
    rows = of_answers(score_records(configure(load_task("refcoco"), run.spec), run.records)).rows
    assert list(rows) == ["chance", "always the whole picture"]
    table = tmp_path / "data" / "val-00000-of-00001.parquet"
    half = evaluate("constant:no", "refcoco", data=str(table), out=tmp_path / "half")
    assert half.results.metrics["mean"].reason == "no value for testA, testB"


def test_a_val_with_googles_questions_is_not_the_published_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmeval.tasks import refcoco as module

    refcoco(tmp_path)
    assert (
        scored_answer("refcoco", tmp_path, "[0, 0, 1, 1]").remarks[0].startswith("Answers were read with 'lmms-eval'")
    )
    monkeypatch.setitem(module.SIZES["refcoco"], "val", 2)
    remark = scored_answer("refcoco", tmp_path, "[0, 0, 1, 1]").remarks[0]
    assert remark.startswith("val has 3 phrases and the published split 2, so the number cannot be compared")


def test_the_center_is_the_baseline_of_points_and_a_random_point_is_chance(tmp_path: Path) -> None:
    screenspot(tmp_path)
    scores = scored_answer("screenspot", tmp_path, "(0.2, 0.3)")
    numbers = {name: metric.value for name, metric in scores.metrics.items()}
    assert numbers["overall"] == pytest.approx(100 / 6)
    assert {name for name, number in numbers.items() if number} == {"overall", "mean", "mobile-text", "text", "mobile"}
    areas = [width * height / (WIDE * HIGH) for *_, (_, _, width, height) in ELEMENTS]
    assert scores.metrics["overall"].chance == pytest.approx(100 * sum(areas) / 6)
    assert scores.metrics["mobile-icon"].chance == pytest.approx(100 * areas[1])
    (baseline,) = scores.baselines.values()
    assert baseline.answer == "the center"
    hit = [name for name in load_task("screenspot").axes if baseline.values[name]]
    assert hit == ["mobile-icon", "web-text", "web-icon"]  # the second's corner is the center


# Coordinates


@pytest.mark.parametrize(
    ("task", "prompt", "reading", "scorers"),
    [
        ("refcoco", None, "lmms-eval", ["official", "strict"]),
        ("refcoco", "vlmevalkit", "vlmevalkit", ["official", "strict"]),
        ("refcoco", "qwen3-vl", "thousandths", ["strict"]),
        ("refcoco", "pixels", "pixels", ["strict"]),
        ("screenspot", None, "seeclick", ["official", "strict"]),
        ("screenspot-v2", "lmms-eval", "lmms-eval", ["official", "strict"]),
        ("screenspot-pro", "thousandths", "thousandths", ["strict"]),
    ],
)
def test_the_prompt_decides_how_answers_are_read(
    task: str, prompt: str | None, reading: str, scorers: list[str], tmp_path: Path
) -> None:
    {"refcoco": refcoco, "screenspot-pro": screenspot_pro}.get(task, screenspot)(tmp_path / "data")
    run = evaluate("constant:[1, 2]", task, data=str(tmp_path / "data"), out=tmp_path / "run", prompt=prompt)
    assert run.spec.reading == reading
    assert [run.results.scorer, *run.results.others] == scorers
    (remark,) = [line for line in run.results.remarks if "Answers were read" in line]
    assert f"'{reading}'" in remark


def test_a_model_with_coordinates_of_its_own_is_read_by_name(tmp_path: Path) -> None:
    refcoco(tmp_path)
    answers = {
        "unit": "[0.1, 0.1, 0.3, 0.6]", "percent": "[10, 10, 30, 60]", "thousandths": "[100, 100, 300, 600]",
        "pixels": "[4, 2, 12, 12]",
    }  # fmt: skip
    for prompt in ("lmms-eval", "qwen3-vl"):
        for system, text in answers.items():
            scores = scored_answer("refcoco", tmp_path, text, prompt=prompt, reading=system)
            assert (scores.scorer, value(scores, "val")) == ("strict", pytest.approx(200 / 3))
    assert value(scored_answer("refcoco", tmp_path, answers["thousandths"], prompt="qwen3-vl"), "val") > 0
    assert value(scored_answer("refcoco", tmp_path, answers["thousandths"]), "val") == 0
    with pytest.raises(InputError, match=r"no reading 'pixel' \(did you mean pixels\?\)|no reading 'pixel'"):
        scored_answer("refcoco", tmp_path, "", reading="pixel")


def test_existing_answers_are_read_in_coordinates_by_name(tmp_path: Path) -> None:
    refcoco(tmp_path / "data")
    path = jsonl(tmp_path / "answers.jsonl", [{"id": "val/100/1", "answer": "[4, 2, 12, 12]"}])
    scored = ["score", "--task", "refcoco", "--data", tmp_path / "data", "--answers", path, "--json", "--reading"]
    assert json.loads(call(*scored, "pixels").output)["metrics"]["val"]["value"] == 100
    assert json.loads(call(*scored, "percent").output)["metrics"]["val"]["value"] == 0


# Sizes


def late_exif(png: bytes, exif: bytes) -> bytes:
    """Move a PNG's orientation behind its pixels."""
    length = len(exif).to_bytes(4, "big")
    chunk = length + b"eXIf" + exif + zlib.crc32(b"eXIf" + exif).to_bytes(4, "big")
    end = png.rindex(b"IEND") - 4
    return png[:end] + chunk + png[end:]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "late PNG", "WEBP"])
def test_a_size_is_that_of_the_picture_as_it_is_seen(orientation: int, kind: str) -> None:
    picture, out, exif = PILImage.new("RGB", (WIDE, HIGH)), io.BytesIO(), PILImage.Exif()
    exif[0x0112] = orientation
    picture.save(out, kind.removeprefix("late "), **({} if kind == "late PNG" else {"exif": exif}))
    encoded = (
        late_exif(out.getvalue(), exif.tobytes().removeprefix(b"Exif\0\0")) if kind == "late PNG" else out.getvalue()
    )
    image = Image(encoded)
    assert image.size == image.decode().size == ((HIGH, WIDE) if orientation > 4 else (WIDE, HIGH))


def test_a_size_is_known_of_pixels_too_and_not_of_what_is_no_picture() -> None:
    assert Image(PILImage.new("L", (3, 2))).size == (3, 2)
    with pytest.raises(InputError, match=r"a\.png: not a picture in a known format .*; replace the file"):
        _ = Image(b"text", "a.png").size
