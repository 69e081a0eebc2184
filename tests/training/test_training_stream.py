"""Training on a stream: reading, mixing, and resuming at the same place on any number of processes."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from mmeval import regular
from mmeval.mmicl.examples import Example, ExampleError, Turn, to_json
from mmeval.mmicl.training import shards
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.training.pictures import HeldPicture, read_picture
from mmeval.mmicl.training.rows import Rows
from mmeval.mmicl.training.run import train
from mmeval.mmicl.training.shards import open_source, rows_of
from mmeval.mmicl.training.stream import Place, Stream, lanes_of, read_places
from tests.mmicl import mmicl_small as small
from tests.training.conftest import config_values, write_base, write_examples


def texts(folder: Path, name: str, count: int) -> str:
    """Write examples without pictures whose answers are numbers; return the file's name."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    examples = (
        Example(f"{name}{k}", "", (), (Turn(("is " * (k % 5 + 1),), "dog " * (k % 3 + 1)),)) for k in range(count)
    )
    file.write_text("".join(to_json(example) + "\n" for example in examples))
    return str(file)


def stream(tmp_path: Path, *names: str, **changes: object) -> Stream:
    values = {"weights": (), "rows": Rows(small.processor(), False), "batch": 4, "tokens": None, "seed": 0, "lanes": 4}
    values |= {"max_tokens": 100, "max_pictures": 4, "allow_skipped": 0.02, "left_out": tmp_path / "left_out.jsonl"}
    return Stream([open_source(name) for name in names], **{**values, **changes})  # type: ignore[arg-type]


def test_spans_hold_every_line_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SPAN", 100)
    source = open_source(texts(tmp_path, "train.jsonl", 57))
    assert len(source.units) > 20
    ids = [values["id"] for unit in source.units for _, _, values in rows_of(unit) if isinstance(values, dict)]
    assert ids == [f"train.jsonl{k}" for k in range(57)]
    for unit in source.units:  # from any place in it
        rows = list(rows_of(unit))
        for number, (end, _, _) in enumerate(rows, 1):
            assert list(rows_of(unit, end)) == rows[number:]


def test_a_folder_is_its_training_files(tmp_path: Path) -> None:
    for name in ("train.jsonl", "val.jsonl", "skipped.jsonl", "deep/train-0001.jsonl", "notes.txt"):
        texts(tmp_path / "data", name, 3)
    files = {unit.file for unit in open_source(str(tmp_path / "data")).units}
    assert files == {f"{tmp_path}/data/train.jsonl", f"{tmp_path}/data/deep/train-0001.jsonl"}
    with pytest.raises(TrainingError, match=r"holds no \.jsonl or \.parquet file to train on"):
        open_source(str(tmp_path / "nothing"))


def test_tables_and_lines_of_the_published_mic(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pictures are base64 in tables, paths from the folder in lines; a table is read from any row on."""
    monkeypatch.setattr(shards, "LEAST_PARTS", 1)
    content = (data / "1.png").read_bytes()
    row = {"input_text": "image 0 is <image0>图.\nis there ?", "output_text": "a dog"}
    (data / "lines").mkdir()
    (data / "lines" / "1.png").write_bytes(content)
    (data / "lines" / "train.jsonl").write_text(json.dumps({**row, "input_image": ["./1.png"]}) + "\n")
    table = [{**row, "input_image": [base64.b64encode(content).decode()]} for _ in range(5)]
    pq.write_table(pa.Table.from_pylist(table), data / "train.parquet", row_group_size=2)
    assert len(open_source(str(data / "train.parquet")).units) == 3
    lines, tables = (stream(data, str(data / name)) for name in ("lines", "train.parquet"))
    ((line_row, *_), _), ((table_row, *_), _) = (next(source.batches(0, Place())) for source in (lines, tables))
    assert line_row.ids == table_row.ids and line_row.labels == table_row.labels
    assert line_row.images == (f"{data}/lines/1.png",) and isinstance(table_row.images[0], HeldPicture)
    pixels = [read_picture(training_row.images[0], small.processor()) for training_row in (line_row, table_row)]
    assert torch.equal(*pixels)
    unit = open_source(str(data / "train.parquet")).units[0]
    assert [end for end, _, _ in rows_of(unit)] == [1, 2] and [end for end, _, _ in rows_of(unit, 1)] == [2]


def test_pictures_of_a_relative_file_are_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret = str(tmp_path / "secret.png")[1:]  # with an empty root, this would be /.../secret.png
    row = {"input_text": "image 0 is <image0>图.\nis there ?", "input_image": [secret], "output_text": "a dog"}
    Path("train.jsonl").write_text(json.dumps(row) + "\n")
    source = open_source("train.jsonl")
    ((_, location, values),) = rows_of(source.units[0])
    assert isinstance(values, dict)
    _, pictures = shards.example_of(values, source.units[0], source.root, location)
    assert list(pictures.values()) == [f"{tmp_path}/{secret}"]
    for name in ("http://host/1.png", "a::http://host/1.png"):  # fsspec would open what such a name says
        with pytest.raises(ExampleError, match="outside its folder"):
            shards.example_of({**values, "input_image": [name]}, source.units[0], source.root, location)


def test_a_lane_goes_on_behind_any_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SPAN", 400)
    names = [texts(tmp_path, "a.jsonl", 90), texts(tmp_path, "b.jsonl", 20)]
    for changes in ({}, {"batch": 1, "tokens": 40}):
        source = stream(tmp_path, *names, **changes)
        expected = list(islice(source.batches(1, Place()), 60))
        for position in (0, 7, 15, 16, 31, 40):
            place = Place(**json.loads(json.dumps(asdict(expected[position][1]))))
            assert list(islice(source.batches(1, place), 10)) == expected[position + 1 : position + 11]
        assert expected[0] != next(source.batches(2, Place()))


def test_lanes_share_the_rows_and_weights_mix_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SPAN", 200)
    mixed = stream(tmp_path, texts(tmp_path, "a.jsonl", 64), texts(tmp_path, "b.jsonl", 64), weights=(3, 1))
    counts: Counter[str] = Counter()
    original = Stream.made

    def counted(self: Stream, values: dict[str, str], *location: object) -> object:
        counts[values["id"]] += 1
        return original(self, values, *location)  # type: ignore[arg-type]

    monkeypatch.setattr(Stream, "made", counted)
    for lane in range(4):
        list(islice(mixed.batches(lane, Place()), 32))  # two chunks of 64 rows in each of four lanes: 512
    of_a = sum(times for name, times in counts.items() if name.startswith("a"))
    assert 0.68 < of_a / sum(counts.values()) < 0.82
    assert set(Counter(counts[f"a.jsonl{k}"] for k in range(64))) <= {4, 5, 6, 7, 8}, "passes differ by lane at most"


def test_what_makes_no_row_is_listed(tmp_path: Path) -> None:
    file = Path(texts(tmp_path, "train.jsonl", 150))
    lines = file.read_text().splitlines()
    lines[3] = "{"
    lines[5] = json.dumps({"id": "long", "images": [], "turns": [{"ask": ["is " * 200], "answer": "a"}]})
    file.write_text("\n".join(lines) + "\n")
    source = stream(tmp_path, str(file), lanes=1)
    list(islice(source.batches(0, Place()), 100))
    listed = [json.loads(line) for line in (tmp_path / "left_out.jsonl").read_text().splitlines()]
    assert [entry["reason"][:20] for entry in listed] == ["not JSON (Expecting ", "longer than 100 toke"]
    file.write_text("\n".join(lines[:100] + ["{"] * 20) + "\n")
    with pytest.raises(TrainingError, match=r"3 of 1\d\d rows are not examples, the last .*, byte [\d,]+: not JSON"):
        list(islice(stream(tmp_path, str(file), lanes=1).batches(0, Place()), 100))
    file.write_text("{}\n")
    with pytest.raises(TrainingError, match="byte 0: the key 'id' is missing"):
        stream(tmp_path, str(file)).check_beginning()
    file.write_text(lines[5] + "\n")
    with pytest.raises(TrainingError, match="no row is left to train on"):
        next(stream(tmp_path, str(file)).batches(0, Place()))


def test_lanes_fall_to_the_same_steps_on_any_number_of_processes() -> None:
    for processes, accumulation in ((1, 6), (2, 3), (3, 2), (6, 1)):
        shares = [lanes_of(process, processes, accumulation, 12) for process in range(processes)]
        steps = [
            {lane for lanes in shares for lane in lanes[s * accumulation : (s + 1) * accumulation]} for s in (0, 1)
        ]
        assert steps == [set(range(6)), set(range(6, 12))]


@pytest.mark.slow
def test_a_streamed_run_goes_on_as_if_never_stopped(data: Path) -> None:
    (data / "set").mkdir()
    write_examples(data / "set")
    values = config_values(data, data=[str(data / "set")], stream=True, steps=8, evaluate_every=3, workers=2)
    config = Config(**{**values, "accumulation": 2, "batch": 3})
    uninterrupted = train(replace(config, output=str(data / "whole")))
    train(replace(config, steps=6))
    messages: list[str] = []
    resumed = train(config, say=messages.append)
    assert any("resuming from" in line for line in messages)
    first, second = (load_file(folder / "trained.safetensors") for folder in (uninterrupted, resumed))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not (resumed / "stream.json").exists()


@pytest.mark.slow
def test_a_row_whose_picture_is_broken_is_left_out_of_a_stream(tmp_path: Path) -> None:
    write_examples(tmp_path)
    write_base(tmp_path)
    (tmp_path / "3.png").write_bytes(b"no picture")
    config = Config(**config_values(tmp_path, stream=True, steps=4, batch=8, allow_skipped=0.5))
    train(config)
    assert '3.png"' in (tmp_path / "out" / "skipped-0.jsonl").read_text()


def test_a_stream_has_steps_and_no_features(data: Path) -> None:
    with pytest.raises(ValueError, match="a stream has no epochs; give `steps`"):
        Config(**config_values(data, stream=True, steps=None))
    with pytest.raises(ValueError, match="when a stream's pictures are unknown"):
        Config(**config_values(data, stream=True, features="f"))


@pytest.mark.slow
def test_a_stream_without_rows_or_pictures_is_refused(tmp_path: Path) -> None:
    write_base(tmp_path)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(TrainingError, match=r"empty.jsonl: holds no row to train on"):
        open_source(str(tmp_path / "empty.jsonl"))
    picture = "image 0 is <image0>图. is there ?"
    row = {"input_text": picture, "input_image": "gone.png", "output_text": "yes"}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(
        TrainingError, match=r"gone.png: cannot be read, nor can a picture of each of the last \d+ rows"
    ):
        train(Config(**config_values(tmp_path, stream=True)))  # one picture, again and again


@pytest.mark.parametrize("content", ["[]", "[[1, {}]]", '[[0, {"chunk": "a"}]]', "{"])
def test_places_that_are_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / "stream.json").write_text(content)
    with pytest.raises(TrainingError, match=r"stream.json: .*; delete that checkpoint"):
        read_places(tmp_path)


def test_a_source_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, lines = tmp_path / "train.parquet", tmp_path / "train.jsonl"
    pq.write_table(pa.table({"input_text": ["a" * 200_000]}), table, compression="zstd", use_dictionary=False)
    lines.write_text('{"text": "' + "a" * 200_000 + '"}\n')
    monkeypatch.setattr(regular, "GIANT", 100_000)
    monkeypatch.setattr(regular, "LONGEST", 100_000)
    with pytest.raises(TrainingError, match=r"train.parquet: expands from \d+ to 200,\d+ bytes"):
        open_source(str(table))
    with pytest.raises(TrainingError, match=r"train.jsonl: .*line at byte 0 is longer than 100,000 bytes"):
        list(rows_of(open_source(str(lines)).units[0]))


def test_places_come_back_as_written(tmp_path: Path) -> None:
    place = Place(2, 3, [[4, 5], [6, 7]])
    (tmp_path / "stream.json").write_text(json.dumps([(0, asdict(place)), (1, asdict(Place()))]))
    assert read_places(tmp_path) == {0: place, 1: Place(sources=[])}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_the_lanes_of_a_small_source_begin_at_different_rows(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one unit for all lanes, 2,000 rows would be 256 rows, each eight times."""
    file = Path(texts(tmp_path, "train.jsonl", 2000))
    if kind == "parquet":
        file = file.with_suffix(".parquet")
        rows = [{"input_text": "is", "input_image": ["a"][:0], "output_text": f"dog {k}"} for k in range(2000)]
        pq.write_table(pa.Table.from_pylist(rows), file)
        for unit in open_source(str(file)).units:  # from any place in it
            unit_rows = list(rows_of(unit))
            assert list(rows_of(unit, 70)) == unit_rows[70:] and len(unit_rows) == unit.end - unit.start
    source, seen_rows = stream(tmp_path, str(file), lanes=8, batch=8), set[str]()
    original = Stream.made

    def counted(self: Stream, values: dict[str, str], *location: object) -> object:
        seen_rows.add(str(values))
        return original(self, values, *location)  # type: ignore[arg-type]

    monkeypatch.setattr(Stream, "made", counted)
    for lane in range(8):
        list(islice(source.batches(lane, Place()), 31))
    assert len(seen_rows) > 1900


@pytest.mark.slow
def test_a_list_of_what_was_left_out_is_of_this_run(data: Path) -> None:
    """Lines are added to it, so those of an earlier run would stay."""
    lines = (data / "train.jsonl").read_text()
    (data / "train.jsonl").write_text(lines + "{\n")
    config = Config(**config_values(data, stream=True, steps=1, evaluate_every=1))
    for _ in range(2):
        train(config, fresh=True)
        assert len((data / "out" / "left_out.jsonl").read_text().splitlines()) == 1
