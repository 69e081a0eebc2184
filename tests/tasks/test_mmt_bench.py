"""MMT-Bench on small tables in the published form: pictures, options, prompts, and the means of its script."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from mmeval.comparison import compare
from mmeval.task_loading import load_task
from mmeval.types import InputError, images
from tests.tasks.small_folders import call, embedded, parquet, png, run, value

LETTERS = "ABCDEFGHI"
ROWS = [
    # kind, subtask, options, answer
    ("ocr", "font_recognition", ("serif", "sans", "script"), "B"),
    ("ocr", "font_recognition", ("serif", "sans"), "B"),
    ("ocr", "font_recognition", ("serif", "sans"), "A"),
    ("ocr", "handwritten_text_recognition", tuple("123456789"), "I"),
    ("counting", "crowd_counting", ("2", "3"), "B"),
]


def mmt_bench(folder: Path, name: str = "MMT-Bench_VAL.tsv", several: bool = False) -> None:
    lines = ["\t".join(("index", "image", "question", "answer", *LETTERS, "category", "l2-category", "split"))]
    for n, (kind, subtask, options, answer) in enumerate(ROWS):
        encoded = [base64.b64encode(png(n + k, size=64)).decode() for k in range(2)]
        cells = (*options, *[""] * (9 - len(options)))
        image = str(encoded) if several else encoded[0]
        lines.append("\t".join((str(n), image, "Which is it?", answer, *cells, subtask, kind, "VAL")))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def mmt_bench_mi(folder: Path) -> None:
    mmt_bench(folder, "MMT-Bench_VAL_MI.tsv", several=True)


def test_a_kind_is_the_mean_of_its_subtasks(tmp_path: Path) -> None:
    mmt_bench(tmp_path / "data")
    scores = run("mmt-bench", tmp_path / "data", tmp_path / "run", "constant:The option is B")
    assert (value(scores, "overall"), value(scores, "counting")) == (60.0, 100.0)
    assert value(scores, "ocr") == pytest.approx((200 / 3 + 0) / 2)
    assert value(scores, "emotion") is None
    assert scores.metrics["ocr"].chance == pytest.approx((100 * (1 / 3 + 1 / 2 + 1 / 2) / 3 + 100 / 9) / 2)


def test_runs_that_were_answered_in_different_orders_are_compared(tmp_path: Path) -> None:
    mmt_bench(tmp_path / "data")
    for name in ("B", "A"):
        run("mmt-bench", tmp_path / "data", tmp_path / name, f"constant:{name}")
    journal = tmp_path / "A" / "records.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines()
    journal.write_text("\n".join(reversed(lines)) + "\n", encoding="utf-8")
    (pair,) = compare(tmp_path / "B", tmp_path / "A").pairs
    differences = {row.metric: row.difference.value for row in pair.rows if row.difference.value is not None}
    assert differences == {"ocr": pytest.approx(-100 / 3 + 50 / 3), "counting": -100, "overall": -40}


def test_several_pictures_are_asked_about_and_the_hubs_table_is_read(tmp_path: Path) -> None:
    mmt_bench_mi(tmp_path)
    first, *_ = load_task("mmt-bench-mi").samples(str(tmp_path))
    assert len(images(first.prompt)) == 2
    row = {"index": 7, "image": [embedded(1), embedded(2)], "question": "Which?", "answer": "B", "category": "a",
           "l2-category": "ocr", "split": "VAL", **dict.fromkeys(LETTERS, "nan"), "A": "x", "B": "y"}  # fmt: skip
    parquet(tmp_path / "hub" / "data" / "val-00000-of-00001.parquet", [row])
    (only,) = load_task("mmt-bench-mi").samples(str(tmp_path / "hub"))
    assert (only.id, only.choices, len(images(only.prompt))) == ("7", (("x",), ("y",)), 2)


def test_an_option_after_a_gap_is_a_sentence(tmp_path: Path) -> None:
    mmt_bench(tmp_path)
    table = tmp_path / "MMT-Bench_VAL.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("\tserif\tsans\tscript", "\tserif\t\tscript"), "utf-8")
    with pytest.raises(InputError, match="line 2: the options A to I are fewer than two or have a gap; fix the row"):
        list(load_task("mmt-bench").samples(str(tmp_path)))
    result = call("run", "--task", "mmt-bench", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
