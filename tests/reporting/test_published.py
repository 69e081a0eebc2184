from __future__ import annotations

import csv
import io
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from mmeval.reporting import published, run_report
from mmeval.reporting.chart import Series
from mmeval.types import InputError
from tests.evaluating import evaluate
from tests.mme_folder import make_release
from tests.reporting.made_up import AXES, series


def test_the_published_radar_has_its_six_models_and_mmicl_among_them() -> None:
    models = published.mme("2023-09-17")
    assert [model.label for model in models] == [
        "Qwen-VL-Chat", "Skywork-MM", "MMICL", "Lynx", "BLIVA", "LRV-Instruction",
    ]  # fmt: skip
    mmicl = models[2].estimates
    assert (mmicl["perception"].value, mmicl["cognition"].value, mmicl["posters"].value) == (1381.73, 428.93, 146.26)
    assert mmicl["OCR"].low is None


def test_a_later_leaderboard_shows_its_top_five_and_mmicl() -> None:
    labels = [model.label for model in published.mme("2024-11-26")]
    assert len(labels) == 6 and labels[-1] == "MMICL"


@pytest.mark.parametrize("date", ["2023-09-17", "2024-11-26"])
def test_subtasks_add_up_to_the_printed_totals(date: str) -> None:
    for model in published.mme(date):
        values = [model.estimates[metric].value or 0.0 for metric in AXES]
        assert sum(values[:10]) == pytest.approx(model.estimates["perception"].value, abs=0.06), model.label
        assert sum(values[10:]) == pytest.approx(model.estimates["cognition"].value, abs=0.06), model.label


@pytest.mark.parametrize(("date", "nearest"), [("2023-09-18", "2023-09-17"), ("2026-01-01", "2024-11-26")])
def test_an_unknown_date_names_the_nearest(date: str, nearest: str) -> None:
    with pytest.raises(InputError, match=f"'{date}'; the nearest dates are {nearest}"):
        published.mme(date)


def test_what_is_no_date_names_all() -> None:
    with pytest.raises(InputError, match="2023-09-17 and 2024-11-26"):
        published.mme("../../etc/passwd")


def test_a_run_that_is_not_a_whole_one_is_never_drawn_over_published_scores(tmp_path: Path) -> None:
    run = evaluate("constant", "mme", data=str(make_release(tmp_path / "release")), out=tmp_path / "run", limit=28)
    with pytest.raises(InputError, match=r"run: limited to 28 of 56 questions, so it is not drawn over published"):
        run_report.compare([run], "2023-09-17", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_run_on_the_real_benchmark_is(tmp_path: Path) -> None:
    paths = published.draw("2023-09-17", tmp_path, [series("my model", 0.6)])
    assert [path.suffix for path in paths] == [".png", ".svg", ".png", ".svg"]
    for svg in paths[1::2]:
        assert "my model" in svg.read_text(encoding="utf-8")


def test_a_run_of_another_task_is_refused(tmp_path: Path) -> None:
    run = Series("mmbench run", {})
    with pytest.raises(InputError, match="not a run of MME"):
        published.draw("2023-09-17", tmp_path, [run])


@pytest.mark.slow
def test_a_run_is_placed_among_mmbenchs_published_models(tmp_path: Path) -> None:
    models = published.mmbench("mmbench-test")
    assert len(models) == 31
    best = models[0].estimates
    own_series = Series("my model", {name: replace(best[name], value=40.0) for name in best})
    paths = published.draw("mmbench-test", tmp_path, [own_series], ["MMBench_DEV_EN.tsv"])
    text = paths[1].read_text(encoding="utf-8")
    behind = sum((model.estimates["circular"].value or 0) > 40.0 for model in models)
    assert f"my model: 40.00 on MMBench_DEV_EN.tsv, behind {behind} of 31 published models." in text
    with pytest.raises(InputError, match="has no CircularEval"):
        incomplete = replace(
            own_series, estimates={**own_series.estimates, "circular": replace(best["circular"], value=None)}
        )
        published.draw("mmbench-test", tmp_path, [incomplete])
    with pytest.raises(InputError, match="not a run of MMBench"):
        published.draw("mmbench-test", tmp_path, [series("an MME run", 0.5)])
    with pytest.raises(InputError, match="did you mean 'mmbench-test'"):
        published.mmbench("mmbench-tset")


def test_mmicl_stands_in_the_first_versions_table() -> None:
    models = {model.label: model.estimates for model in published.mmbench("mmbench-2023")}
    mmicl = models["MMICL (EVA-G, FLANT5-XXL) test"]
    assert (mmicl["circular"].value, mmicl["LR"].value, mmicl["CP"].value) == (65.24, 44.32, 70.64)


def test_the_models_of_a_published_figure_stand_best_first() -> None:
    for name in published.MMBENCH:
        models = published.chosen(published.mmbench(name))
        values = [model.estimates["circular"].value or 0.0 for model in models]
        assert values == sorted(values, reverse=True)


def test_every_published_row_names_its_source() -> None:
    files = [file for file in resources.files("mmeval.reporting.reference").iterdir() if file.name.endswith(".csv")]
    assert len(files) == 13
    for file in files:
        for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))):
            assert row["source"], (file.name, row)
