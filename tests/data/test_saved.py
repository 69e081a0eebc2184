"""Folders that `save_to_disk` of datasets writes are read like the hub's tables, and damaged ones are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import datasets  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import pytest

from mmeval.data import tables
from mmeval.task_loading import load_task
from mmeval.types import InputError, Sample, images
from tests.data import test_tables
from tests.tasks.small_folders import call, embedded
from tests.tasks.test_prompts import WRITERS

TABLE = "data-00000-of-00001.arrow"
FEATURES = datasets.Features(
    {
        "index": datasets.Value("int64"),
        "image": datasets.Image(),
        "pictures": datasets.List(datasets.Image()),
        "question": datasets.Value("large_string"),
        "answer": datasets.Value("string"),
        "category": datasets.Value("string"),
        "meta": {"source": datasets.Value("string"), "boxes": datasets.List(datasets.Array2D((1, 2), "float32"))},
        "empty": datasets.Value("null"),
        "kind": datasets.ClassLabel(names=["a", "b"]),
    }
)


def data_set(rows: int = 6) -> Any:
    """Two questions about each picture."""
    datasets.disable_progress_bars()
    table = [
        {
            "index": number,
            "image": embedded(number // 2),
            "pictures": [embedded(number)] * (number % 3),
            "question": f"What is {number}?",
            "answer": "A",
            "category": "math",
            "meta": {"source": "x", "boxes": [[[0.5, number]]]},
            "empty": None,
            "kind": number % 2,
        }
        for number in range(rows)
    ]
    return datasets.Dataset.from_list(table, features=FEATURES)


def save(folder: Path) -> None:
    """Save two splits, one in two tables."""
    both = datasets.DatasetDict({"val": data_set(), "test": data_set(2)})
    both.save_to_disk(folder, num_shards={"val": 2, "test": 1})


def read(folder: Path, split: str | None = "val", patterns: tuple[str, ...] = ("val-*.parquet",)) -> list[Any]:
    return [row.values for row in tables.read(str(folder), patterns, {"split": split} if split else None, "some-task")]


def test_rows_as_saved(tmp_path: Path) -> None:
    data = data_set()
    data.save_to_disk(tmp_path / "one")
    data.save_to_disk(tmp_path / "three", num_shards=3)
    rows = read(tmp_path / "one")
    assert rows == data.with_format("arrow")[:].to_pylist() == read(tmp_path / "three")
    assert rows[0]["image"] is rows[1]["image"]
    assert len([*tmp_path.glob("three/*.arrow")]) == 3


def test_order_of_a_selection(tmp_path: Path) -> None:
    data_set().select([4, 1, 2]).map(lambda row: {"question": row["question"] + "!"}).save_to_disk(tmp_path)
    assert [row["question"] for row in read(tmp_path)] == ["What is 4?!", "What is 1?!", "What is 2?!"]


def test_rows_of_several_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmeval.data.parquet.BATCH", 4)
    data_set(10).save_to_disk(tmp_path)
    assert [row["index"] for row in read(tmp_path)] == [*range(10)]
    assert [row["meta"]["source"] for row in read(tmp_path)] == ["x"] * 10


def test_split_that_the_task_reads(tmp_path: Path) -> None:
    both = datasets.DatasetDict({"train": data_set(2), "val": data_set(3)})
    both.save_to_disk(tmp_path)
    assert [len(read(tmp_path, split)) for split in ("val", "train", "val+train")] == [3, 2, 5]
    assert len(read(tmp_path / "train")) == 2
    ends = f"; it has train, val; name the folder of the split to ask, such as {tmp_path / 'train'}"
    for split, problem in (
        ("test", "no split test, which some-task reads"),
        (None, "several splits, and the card of some-task names none"),
    ):
        with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))}: {problem}{re.escape(ends)}$"):
            read(tmp_path, split)


def test_only_split_of_a_task_that_names_none(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": data_set(2)}).save_to_disk(tmp_path)
    assert len(read(tmp_path, None)) == 2


def test_folder_for_each_configuration(tmp_path: Path) -> None:
    for name in ("Counting", "Art_Style"):
        datasets.DatasetDict({"val": data_set(2), "test": data_set(1)}).save_to_disk(tmp_path / name)
    assert len(read(tmp_path, patterns=("*/val-*.parquet", "val-*.parquet"))) == 4
    with pytest.raises(InputError, match=r"no val-\*\.parquet in it"):
        read(tmp_path)


def test_commands(tmp_path: Path) -> None:
    save(tmp_path / "data")
    result = call(
        "run", "--task", "mmstar", "--model", "constant", "--data", tmp_path / "data", "--out", tmp_path / "r"
    )
    assert result.exit_code == 0, result.output
    assert "6 of 6 questions answered" in result.output
    damaged = tmp_path / "data" / "val" / "data-00001-of-00002.arrow"
    damaged.write_bytes(b"x" * 99)
    result = call(
        "run", "--task", "mmstar", "--model", "constant", "--data", tmp_path / "data", "--out", tmp_path / "s"
    )
    assert result.exit_code == 2
    problem = f"{damaged}: cannot be read as a table of Arrow (no message at byte 0); save the data set again"
    assert result.output.split() == ["mmeval:", *problem.split()]


@pytest.mark.parametrize("task", ["blink", "mmstar", "refcoco"])
def test_the_same_questions_as_in_the_hubs_tables(tmp_path: Path, task: str) -> None:
    """BLINK has a configuration per subtask, and all splits of RefCOCO are asked."""
    WRITERS[task](tmp_path / "hub")
    for path in sorted(tmp_path.glob("hub/**/*.parquet")):
        folder = tmp_path / "saved" / (path.parent.name if task == "blink" else "")
        split = "val" if task == "mmstar" else path.name.partition("-")[0]
        datasets.Dataset(pq.read_table(path)).save_to_disk(folder / split)
        splits = sorted(split.name for split in folder.iterdir() if split.is_dir())
        (folder / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    expected, samples = ([*load_task(task).samples(str(tmp_path / name))] for name in ("hub", "saved"))
    assert [asked(sample) for sample in samples] == [asked(sample) for sample in expected]


def asked(sample: Sample) -> tuple[object, ...]:
    return sample.id, sample.targets, sample.category, [image.digest for image in images(sample.prompt)]


def test_mme(tmp_path: Path) -> None:
    lines = [test_tables.line("a.png", answer) for answer in ("Yes", "No")]
    datasets.DatasetDict({"test": datasets.Dataset.from_list(lines)}).save_to_disk(tmp_path)
    assert [sample.id for sample in load_task("mme").samples(str(tmp_path))] == ["count/a.png#1", "count/a.png#2"]


def test_mmbench_reads_the_split_of_its_card(tmp_path: Path) -> None:
    row = {
        "question": "Which?",
        **dict(zip("ABCD", "abcd", strict=True)),
        "answer": "A",
        "category": "ocr",
        "image": embedded(1),
    }
    both = {name: datasets.Dataset.from_list([{"index": n, **row}]) for n, name in enumerate(("test", "dev"))}
    datasets.DatasetDict(both).save_to_disk(tmp_path)
    assert {sample.id for sample in load_task("mmbench").samples(str(tmp_path))} == {
        f"{turn}000001".lstrip("0") for turn in range(4)
    }


def test_refcoco_needs_the_name_of_the_split(tmp_path: Path) -> None:
    data_set(2).save_to_disk(tmp_path)
    with pytest.raises(InputError, match="a Dataset does not say its split; save the DatasetDict that it is from"):
        list(load_task("refcoco").samples(str(tmp_path)))
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(InputError, match="no split val, which refcoco reads; it has train; "):
        list(load_task("refcoco").samples(str(tmp_path)))


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ({"_data_files": [{"filename": "../other.arrow"}]}, "state.json: '../other.arrow' leads out of"),
        ({"_data_files": [{"filename": "/etc/passwd"}]}, "state.json: '/etc/passwd' leads out of"),
        ({"_data_files": [{"filename": "link.arrow"}]}, "state.json: 'link.arrow' leads out of"),
        (
            {"_data_files": [{"filename": "gone.arrow"}]},
            r"gone.arrow: cannot be read as a table of Arrow \(.*No such file",
        ),
        ({"_data_files": [{"filename": 3}]}, "state.json: its '_data_files' must be a list of names"),
        ({"_data_files": []}, "state.json: its '_data_files' must be a list of names"),
        ([], "state.json: its '_data_files' must be a list of names"),
        (None, r"state.json: cannot be read \(No such file"),
    ],
)
def test_state_that_is_wrong(tmp_path: Path, state: Any, problem: str) -> None:
    folder = tmp_path / "data"
    data_set(2).save_to_disk(folder)
    (folder / TABLE).rename(tmp_path / "other.arrow")
    (folder / "link.arrow").symlink_to(tmp_path / "other.arrow")
    (folder / "state.json").unlink()
    if state is not None:
        (folder / "state.json").write_text(json.dumps(state))
    else:
        (folder / TABLE).touch()  # as while it is saved
    with pytest.raises(InputError, match=f"^{re.escape(str(folder))}/{problem}"):
        read(folder)


@pytest.mark.parametrize("names", [["../val"], ["."], "val", [], None])
def test_splits_that_are_wrong(tmp_path: Path, names: object) -> None:
    data_set(2).save_to_disk(tmp_path / "val")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": names}))
    with pytest.raises(InputError, match=f"^{re.escape(str(folder))}/"):
        read(folder, None)


def test_folder_of_a_configuration_that_is_a_link(tmp_path: Path) -> None:
    data_set(2).save_to_disk(tmp_path / "other")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Counting").symlink_to(tmp_path / "other")
    with pytest.raises(InputError, match=f"'Counting/{TABLE}' leads out of"):
        read(tmp_path / "data", patterns=("*/val-*.parquet",))
