from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from mmeval.reporting import lines, matrix, table
from mmeval.task_loading import load_task
from mmeval.types import Estimate, InputError, number
from tests.reporting.made_up import scores

MME = load_task("mme")


def _table(title: str = "mmicl-tiny on MME", data: str = "embedded picture world") -> table.Table:
    return table.tabulate(MME, scores(), title, data)


def _printed(results: table.Table, width: int = 80) -> str:
    out = io.StringIO()
    table.show(results, Console(file=out, width=width, force_terminal=True, color_system="truecolor"))
    return out.getvalue()


def test_a_terminal_of_80_columns_shows_every_number_whole() -> None:
    output = _printed(_table())
    assert "…" not in output
    for text in (
        "embedded picture world: 117 of 120 questions answered",
        "unfinished: a mark",
        "Commonsense",  # a long name is wrapped
        "1,180.0 to 1,420.0",
        "acc+",
        "55.00",
        "2,000",
        "750",
    ):
        assert text in output
    assert "120 samples: 90 correct, 20 incorrect, 5 unparsed, 2 refused, 3 errors" in output


@pytest.mark.parametrize("width", [24, 32, 56, 80])
def test_the_score_stands_in_every_line_however_narrow_the_terminal(width: int) -> None:
    results = _table()
    named = {
        results.rows[0].label: "A very long name of a category that goes on and on " * 2,
        results.rows[1].label: "数学图表",
    }
    rows = tuple(replace(row, label=named.get(row.label, row.label)) for row in results.rows)
    console = Console(file=(out := io.StringIO()), width=width, soft_wrap=True)
    table.show(replace(results, rows=rows), console)
    output = out.getvalue()
    lines = output[output.index("score") :].splitlines()
    for row in rows:
        value = number(row.estimate.value)
        assert any(line.startswith(row.label.split()[0][:5]) and value in line.split() for line in lines), row.label
    assert "数学图表" in output and "…" not in output
    assert all(cell_len(line) <= width for line in lines[: len(rows)])


def test_where_the_scorers_differ_is_reported_with_the_reason() -> None:
    assert [row.label for row in _table().differing] == ["OCR"]  # no value under both scorers is no difference
    assert "differ in: OCR. One reads four characters." in table.markdown(_table())
    assert "strict" in _printed(_table())


def test_a_withheld_number_differs_from_none() -> None:
    results = _table()
    rows = [replace(row, estimate=replace(row.estimate, value=None, reason="no reply")) for row in results.rows]
    text = table.markdown(replace(results, rows=tuple(rows), totals=(), details=()))
    assert "(no reply)" in text and "differ in" not in text and "strict" in text


def test_where_they_agree_there_is_no_strict_column() -> None:
    results = scores()
    agreed = table.tabulate(MME, replace(results, others={"strict": results.metrics}), "t", "d")
    assert "strict" not in _printed(agreed) + table.markdown(agreed)


def test_a_missing_value_is_a_dash_with_its_reason_never_a_zero() -> None:
    text = table.markdown(_table())
    assert "| Scene | 85.00 | 55.00 | – | 200 |" in text
    assert "No value: Scene (no answers)." in text
    row = next(row for row in _rows(_table()) if row["metric"] == "Scene")
    assert (row["value"], row["reason"]) == ("", "no answers")


def test_csv_holds_the_numbers_in_full_and_what_they_were_measured_on() -> None:
    row = next(row for row in _rows(_table()) if row["metric"] == "OCR")
    assert float(row["strict"]) == float(row["value"]) - 5
    assert row["data"] == "embedded picture world; unfinished: a mark"
    assert row["answered"] == "117 of 120 questions answered"


@pytest.mark.parametrize("title", ["[red]all right[/red]", "\x1b[2Jgone", "[link=http://x]y[/link]"])
def test_markup_and_escapes_do_not_reach_the_terminal(title: str) -> None:
    output = _printed(_table(title))
    assert lines.clean(title) in output
    assert "\x1b[2J" not in output


@pytest.mark.parametrize(
    ("hostile", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("![x](http://y)", r"\!\[x\](http://y)"),
        ("two\nlines", "two lines"),
    ],
)
def test_markdown_shows_a_hostile_label_as_it_is(hostile: str, escaped: str) -> None:
    results = _table(title=hostile)
    results = replace(results, rows=(replace(results.rows[0], label=hostile), *results.rows[1:]))
    text = table.markdown(results)
    assert f"# {escaped}\n" in text and f"| {escaped} | 85.00 |" in text


@pytest.mark.parametrize(
    "formula", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", " =1", "\u200b=1", "＝1"]
)
def test_no_cell_is_a_formula(formula: str) -> None:
    results = _table(data=formula)
    results = replace(results, rows=(replace(results.rows[0], label=formula),))
    for cells in csv.reader(io.StringIO(table.to_csv(results))):
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))]


def test_files_land_in_the_folder(tmp_path: Path) -> None:
    assert [path.name for path in table.write(_table(), tmp_path)] == ["table.md", "table.csv"]


def test_broken_scores_are_a_sentence() -> None:
    lacking = scores()
    del lacking.metrics["OCR"]
    with pytest.raises(InputError, match="no metric 'OCR'"):
        table.tabulate(MME, lacking, "t", "d")


def _rows(results: table.Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.to_csv(results))))


@pytest.mark.parametrize("models", [2, 5])
def test_a_sweeps_table_names_every_model_on_a_narrow_terminal(models: int) -> None:
    estimate = Estimate(87.5, 73.3, 94.8, 40, 100.0, 25.0)
    names = [f"python:a_module_of_mine:model{number}" for number in range(models)]
    columns = {
        f"A task with a long title, {label}": dict.fromkeys(names, estimate) for label in ("Overall", "Whole", "F1")
    }
    out = io.StringIO()
    matrix.show(matrix.Matrix(columns, {}, {}, {"chance": dict.fromkeys(columns, 25.0)}), Console(file=out, width=80))
    assert all(text in out.getvalue() for text in (*names, *columns, "87.50 (73.3 to 94.8)"))


def test_a_models_name_moves_no_cursor_in_the_table_of_a_sweep() -> None:
    estimate = Estimate(87.5, 73.3, 94.8, 56, 100.0, 25.0)
    out = io.StringIO()
    matrix.show(matrix.Matrix({"Overall": {"a\x1b[2Jmodel": estimate}}, {}, {}, {}), Console(file=out, width=80))
    assert "\x1b" not in out.getvalue()
    assert "a[2Jmodel" in out.getvalue()


def test_a_sweep_draws_no_plot_for_a_number_that_no_run_has(tmp_path: Path) -> None:
    estimate = Estimate(87.5, 73.3, 94.8, 56, 100.0, 25.0)
    none = replace(estimate, value=None, low=None, high=None, reason="judge needed")
    columns = {"T, Official": {"m": none}, "T, Strict": {"m": estimate}}
    marks: dict[str, dict[str, list[str]]] = {"T": {"m": []}}
    written = matrix.write(matrix.Matrix(columns, dict.fromkeys(columns, "T"), marks, {}), tmp_path)
    assert {path.parent.name for path in written if path.name == "dotplot.svg"} == {"2-T-Strict"}
