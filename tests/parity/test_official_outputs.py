"""Published answers of SEED-Bench and MMStar give their published scores; HallusionBench's file has its groups."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval.runs.scored import score_records
from mmeval.scoring.readings.official import AS_WRITTEN
from mmeval.task_loading import load_task
from mmeval.types import Record
from tests.parity.conftest import Recordings
from tests.tasks.small_folders import picture, run, value


@pytest.mark.parametrize(
    ("task", "file", "official", "strict"),
    [("seed-bench", "SEED-Bench-1", 67.2834, 67.2834), ("seed-bench-2", "SEED-Bench-2", 67.8682, 67.9157)],
)
def test_gpt_4v_on_seed_bench(task: str, file: str, official: float, strict: float, fixtures: Recordings) -> None:
    lines = (fixtures / f"seed-bench/{file}.GPT-4V.json").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line.rstrip(",")) for line in lines if line]
    records = [
        Record(
            str(number),
            (row["gt_answer"].strip(),),
            tags={AS_WRITTEN: row["gt_answer"]} if row["gt_answer"] != row["gt_answer"].strip() else {},
            choices=tuple("wxyz"),
            text=row["prediction"],
        )
        for number, row in enumerate(rows)
    ]
    scored = score_records(load_task(task), records).scores
    assert 100 * sum(score.value or 0.0 for score in scored["official"]) / len(rows) == pytest.approx(
        official, abs=5e-5
    )
    assert 100 * sum(score.value or 0.0 for score in scored["strict"]) / len(rows) == pytest.approx(strict, abs=5e-5)


def test_llava_1_5_13b_on_seed_benchs_pictures(fixtures: Recordings) -> None:
    """SEED-Bench's leaderboard publishes 68.2; the key of each id is in GPT-4V's file."""
    lines = (fixtures / "seed-bench/SEED-Bench-1.GPT-4V.json").read_text(encoding="utf-8").splitlines()
    keys = {row["question_id"]: row["gt_answer"] for row in (json.loads(line.rstrip(",")) for line in lines if line)}
    answer_lines = (fixtures / "seed-bench/SEED-Bench-1.llava-v1.5-13b.jsonl").read_text(encoding="utf-8").splitlines()
    answers = {row["question_id"]: row["prediction"] for row in map(json.loads, answer_lines)}
    records = [
        Record(name, (keys[name],), choices=tuple("wxyz"), text=text)
        for name, text in answers.items()
        if not name.startswith("v")  # of a video
    ]
    number = score_records(load_task("seed-bench"), records).results().metrics["overall"]
    assert number.value == pytest.approx(68.2055, abs=5e-5) and number.n == 14232


def test_llava_next_34b_on_mmstar(fixtures: Recordings) -> None:
    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.load_workbook(fixtures / "mmstar/llava_next_yi_34b_MMStar.xlsx", read_only=True)
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    entries = [dict(zip(head, row, strict=True)) for row in rows]
    records = [
        Record(
            str(row["index"]),
            (str(row["answer"]),),
            str(row["category"]),
            choices=("",) * 4,
            text=str(row["prediction"]),
        )
        for row in entries
    ]
    numbers = score_records(load_task("mmstar"), records).results().metrics
    assert numbers["overall"].value == pytest.approx(52.0667, abs=5e-5) and numbers["overall"].n == 1500
    assert numbers["math"].value == pytest.approx(53.2)


@pytest.mark.slow
def test_hallusionbench_has_the_scripts_groups(fixtures: Recordings, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    questions = (fixtures / "hallusionbench/HallusionBench.json").read_text(encoding="utf-8")
    (data / "HallusionBench.json").write_text(questions, encoding="utf-8")
    for name in {row["filename"] for row in json.loads(questions)} - {None}:
        picture(data / "hallusion_bench" / name)
    scores = run("hallusionbench", data, tmp_path / "run", "constant:yes")
    sizes = {name: scores.metrics[name].n for name in ("overall", "qAcc", "fAcc")}
    assert sizes == {"overall": 1129, "qAcc": 455, "fAcc": 346}
    # what get_eval_all, get_eval_pair_all and get_eval_fig give where every verdict is that of a yes
    for name, expected in {"overall": 42.869796, "qAcc": 3.956044, "fAcc": 7.225434}.items():
        assert value(scores, name) == pytest.approx(expected, abs=5e-7)
