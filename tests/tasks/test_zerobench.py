"""ZeroBench on small tables as on the hub: braces, and keys that are part of an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmeval.task_loading import load_task
from mmeval.tasks.zerobench import ZEROBENCH
from mmeval.types import Record, images
from tests.tasks.small_folders import call, embedded, parquet, run, value


def rows() -> list[dict[str, Any]]:
    return [
        {
            "question_id": str(n),
            "question_text": "How much is saved? Give your answer in dollars.",
            "question_images": [f"images/{n}_{k}.png" for k in range(n)],
            "question_answer": ("11.90", "North")[n - 1],
            "question_images_decoded": [embedded(k) for k in range(n)],
            "image_attribution": "Own",
        }
        for n in (1, 2)
    ]


def zerobench(folder: Path) -> None:
    for split in ("zerobench", "zerobench_subquestions"):
        parquet(folder / "data" / f"{split}-00000-of-00001.parquet", rows())


def test_the_last_braces_count(tmp_path: Path) -> None:
    zerobench(tmp_path / "data")
    for name in ("zerobench", "zerobench-subquestions"):
        scores = run(name, tmp_path / "data", tmp_path / name, "constant:First {5}, so {$11.90}")
        assert (value(scores, "overall"), value(scores, "overall", "strict")) == (50.0, 0.0)
    samples = [*load_task("zerobench").samples(str(tmp_path / "data"))]
    assert [len(images(sample.prompt)) for sample in samples] == [1, 2]


@pytest.mark.parametrize(
    ("text", "official", "strict"),
    [
        ("{11.90}", 1, 1),
        ("\\boxed{11.90}", 1, 1),
        ("{11.90 dollars}", 1, 0),  # the key is part of it
        ("{111.90}", 1, 0),
        ("The answer is 11.90.", 0, 1),  # no braces
        ("{11.90} or rather {12}", 0, 0),
        ("{11.90\n}", 0, 0),
        ("{}", 0, 0),
        ("", 0, 0),
    ],
)
def test_braces_are_read(text: str, official: int, strict: int) -> None:
    record = Record("1", ("11.90",), text=text)
    assert [scorer(record).value for scorer in ZEROBENCH.scorers.values()] == [official, strict]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_images_decoded": []}, "no picture in the column question_images_decoded"),
        ({"question_answer": None}, "the column question_answer is None; it must be a text"),
    ],
)
def test_a_damaged_table_is_a_sentence(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    parquet(tmp_path / "zerobench-00000-of-00001.parquet", [rows()[0] | change])
    result = call("run", "--task", "zerobench", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in " ".join(result.output.split())
