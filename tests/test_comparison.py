"""Two runs compared: significant differences, changed answers, conditions, and safe tables."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

import mmeval
from mmeval import gate
from mmeval.cli import main
from mmeval.comparison import Comparison
from mmeval.reporting import comparison, latex, lines
from mmeval.reporting.chart import interval, p_text
from mmeval.runs.run import Run
from mmeval.scoring.metrics.groups import in_whole_groups
from mmeval.types import InputError, Record
from tests import mmbench_table
from tests.evaluating import evaluate


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run, Run]:
    folder = tmp_path_factory.mktemp("runs")
    return (
        evaluate("constant", "mme", out=folder / "yes", limit=280),
        evaluate("constant:no", "mme", out=folder / "no", limit=280),
        evaluate("constant", "mme", out=folder / "few", limit=56),
    )


@pytest.fixture(scope="module")
def compared(runs: tuple[Run, Run, Run]) -> Comparison:
    return mmeval.compare(runs[0], runs[1], margin=5.0)


@pytest.mark.slow
def test_scores_are_those_of_the_runs_and_every_answer_changed(
    compared: Comparison, runs: tuple[Run, Run, Run]
) -> None:
    (pair,) = compared.pairs
    rows = {row.metric: row for row in pair.rows}
    assert set(rows) == set(runs[0].results.metrics)
    for name, metric in runs[0].results.metrics.items():
        assert rows[name].first.value == metric.value
        assert rows[name].difference.value == pytest.approx((rows[name].other.value or 0.0) - (metric.value or 0.0))
    total = len(runs[0].records)
    assert len(pair.gained) == len(pair.lost) == total / 2
    assert (pair.gained[0].first, pair.gained[0].other) == ("yes", "no")


def test_always_yes_and_always_no_do_not_differ_and_are_the_same_within_the_margin(compared: Comparison) -> None:
    row = next(row for row in compared.pairs[0].rows if row.metric == "perception")
    assert row.headline
    assert row.p is not None and row.p > 0.9
    assert row.equivalent is not None and row.equivalent < 0.05
    assert row.difference.low is not None and row.difference.low < 0 < (row.difference.high or 0)


def test_headline_numbers_are_adjusted_for_the_headline_numbers(compared: Comparison) -> None:
    heads = sorted(row.p or 0 for row in compared.pairs[0].rows if row.headline)
    adjusted = sorted(row.adjusted or 0 for row in compared.pairs[0].rows if row.headline)
    assert adjusted[0] == min(1.0, heads[0] * len(heads))


def test_runs_of_other_questions_are_compared_on_the_common_ones(runs: tuple[Run, Run, Run]) -> None:
    (pair,) = mmeval.compare(runs[0], runs[2]).pairs
    assert pair.questions == len(runs[2].records)
    total = len(runs[0].records)
    assert (
        f"compared on the {pair.questions:,} questions that both asked, out of {total:,} and {pair.questions:,}"
        in pair.notes
    )
    assert all(row.difference.value == 0.0 for row in pair.rows)
    assert not pair.gained


def test_every_setting_that_differs_is_noted(runs: tuple[Run, Run, Run], tmp_path: Path) -> None:
    shutil.copytree(runs[1].folder, tmp_path / "other")
    header = json.loads((tmp_path / "other" / "run.json").read_text())
    header["identity"] |= {"temperature": 0.7, "system": "Be brief.", "limit": 14, "task_version": 99}
    header["identity"]["dtype"] = "float32"  # the other has none
    (tmp_path / "other" / "run.json").write_text(json.dumps(header))
    (pair,) = mmeval.compare(runs[0], tmp_path / "other").pairs
    assert pair.notes == (
        "different temperature: 0.0 for constant, 0.7 for constant:no",
        "different system: none for constant, Be brief. for constant:no",
        "different versions of the task",
    )


@pytest.mark.slow
def test_a_page_says_which_runs_have_fewer_questions(runs: tuple[Run, Run, Run], tmp_path: Path) -> None:
    comparison.write(mmeval.compare(*runs), tmp_path)
    page, table = ((tmp_path / f"{name}").read_text(encoding="utf-8") for name in ("report.html", "comparison.md"))
    total, few = (len(run.records) for run in (runs[0], runs[2]))
    note = f"few: compared on the {few} questions that both asked, out of {total} and {few}"
    assert note in page and note in table
    assert f"few: {few} of {few} questions answered" in page


@pytest.mark.slow
def test_a_page_of_three_runs_has_each_ones_difference_from_the_first(
    runs: tuple[Run, Run, Run], tmp_path: Path
) -> None:
    compared = mmeval.compare(*runs)
    comparison.write(compared, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Difference from yes" in page and comparison.DIFFERENCES in page
    for pair in compared.pairs:
        row = next(row for row in pair.rows if row.headline)
        assert f'<th scope="row">{pair.other}</th>' in page and f", p {p_text(row.adjusted)}" in page
        assert interval(row.difference, "+").replace("-", "\N{MINUS SIGN}") in page
    comparison.write(mmeval.compare(*runs[:2]), tmp_path / "two")
    assert "Difference from" not in (tmp_path / "two" / "report.html").read_text(encoding="utf-8")


def test_a_group_that_one_run_lacks_in_part_is_left_out_of_both() -> None:
    def record(id: str, category: str, **groups: str) -> Record:
        return Record(id, ("x",), category=category, groups=groups)

    records = [record("a1", "color", cluster="a", photo="a"), record("a2", "shape", cluster="a", photo="a")]
    records += [record("b1", "color", cluster="b", photo="b"), record("b2", "shape", cluster="b", photo="b")]
    assert in_whole_groups({"a1", "a2", "b1"}, records) == {"a1", "a2"}  # though b2 is of another category
    pictures = [record("random/1", "random", image="a"), record("popular/1", "popular", image="a")]
    assert in_whole_groups({"random/1"}, pictures) == {"random/1"}  # the same picture elsewhere is not a part of it


def test_what_does_not_compare_is_refused(runs: tuple[Run, Run, Run], tmp_path: Path) -> None:
    pope = evaluate("constant", "mmbench", out=tmp_path / "mmbench", limit=20)
    with pytest.raises(InputError, match="no two runs share a task"):
        mmeval.compare(runs[0], pope)
    with pytest.raises(InputError, match="named twice"):
        mmeval.compare(runs[0], runs[0])
    with pytest.raises(InputError, match="the margin is 0"):
        mmeval.compare(runs[0], runs[1], margin=0)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("A >= B - 1", True),
        ("A > B", False),
        ("B <= A + 0.5%", True),
        ("perception: A >= 501", False),
        ("existence: constant:no >= 50", True),
        ("constant:no >= 50", True),
        ("Cognition: B < 200.5", True),
        ("A>=B-1", True),
        ("perception:A >= 501", False),
        ("existence:constant:no>=50", True),
        ("B<=A+0.5%", True),
        ("A > -1", True),
    ],
)
def test_a_gate_compares_scores(compared: Comparison, text: str, holds: bool) -> None:
    assert gate.check(text, compared).holds is holds


def test_a_gate_takes_any_two_runs_and_a_single_one(runs: tuple[Run, Run, Run], tmp_path: Path) -> None:
    three = mmeval.compare(*runs)
    verdict = gate.check("C >= B - 0.5", three)  # neither is the first
    assert verdict.holds and "500.00 >= 499.50" in verdict.sentence
    assert not gate.check("existence: C > B", three).holds
    command = ["compare", str(runs[0].folder), "--out", str(tmp_path / "none")]
    passed = CliRunner().invoke(main, [*command, "--gate", "A >= 500", "--gate", "cognition: A >= 199"])
    assert passed.exit_code == 0, passed.output
    failed = CliRunner().invoke(main, [*command, "--gate", "A >= 501"])
    assert failed.exit_code == 1 and "does not hold (Perception: 500.00 >= 501.00)" in failed.output
    assert not (tmp_path / "none").exists()
    alone = CliRunner().invoke(main, command)
    assert alone.exit_code == 2 and "--gate" in alone.output


@pytest.mark.parametrize(
    "text",
    ["A", "A >= C", "nothing: A > 1", "A >= B -", "A == B", "A >= A - 1", "perceptoin: A > 1", "A < inf", "A > 1_0"],
)
def test_a_gate_that_cannot_be_read_is_a_sentence(compared: Comparison, text: str) -> None:
    with pytest.raises(InputError):
        gate.check(text, compared)


def test_tables_say_the_same_in_every_form(compared: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(comparison.as_csv(compared))))
    assert [row["label"] for row in rows] == [row.label for row in compared.pairs[0].rows]
    assert float(rows[0]["difference"]) == compared.pairs[0].rows[0].difference.value
    console = Console(width=80, record=True, file=io.StringIO())
    comparison.show(compared, console)
    shown_text = console.export_text()
    for text in (shown_text, comparison.markdown(compared), comparison.latex(compared)):
        assert "Perception" in text
        assert "+0.00" in text
    assert len(list(csv.DictReader(io.StringIO(comparison.changes_csv(compared))))) == len(compared.pairs[0].gained) * 2


@pytest.mark.parametrize("width", [60, 80])
def test_no_name_is_cut_however_narrow_the_terminal(compared: Comparison, width: int) -> None:
    console = Console(width=width, file=(out := io.StringIO()))
    comparison.show(compared, console)
    output = out.getvalue()
    head, *rows = output[: output.index("Baselines")].splitlines()[1:]
    assert all(len(line) <= width for line in (head, *rows))
    for row in compared.pairs[0].rows:
        assert any(line.startswith(row.label.split()[0]) for line in rows), row.label
    columns = head.replace(" (", "(").split()
    missing = [name for name in comparison.DROPPED if name.replace(" (", "(") not in columns]
    assert missing[:2] == ["p", "detectable"]
    assert f"too narrow for: {', '.join(missing)}." in " ".join(output.split())
    assert "detectable: the smallest difference" not in output  # a note on a column that is not there


def test_no_cell_is_a_formula_or_a_command() -> None:
    assert latex.text(r"\input{x} 50% a_b #1 $x^2$") == (
        r"\textbackslash{}input\{x\} 50\% a\_b \#1 \$x\textasciicircum{}2\$"
    )
    assert "{swap-any-0} & {$-$1.5 (+0.1 to $-$2)}" in latex.tabular(
        "", ["", ""], [("swap-any-0", "-1.5 (+0.1 to -2)")]
    )
    assert lines.to_csv([["=1+1", -1.5]]) == "'=1+1,-1.5\n"
    assert latex.text("with --partial, ''?`") == r"with -{}-partial, '{}'?\textasciigrave{}"  # no dash, no quotes
    assert "LuaLaTeX or XeLaTeX, and a font that has 中文" in latex.tabular("中文", ["é"], [])
    assert "LuaLaTeX" not in latex.tabular("é – ≤", ["→"], [])


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs LaTeX with booktabs and graphicx")
def test_tables_of_any_text_compile(tmp_path: Path) -> None:
    ascii = "".join(map(chr, range(32, 127)))
    accented = "".join(chr(code) for code in range(0xC0, 0x100) if chr(code) not in "ÐðÞþ")
    rows = [(ascii, "[2em] -1.5", "*"), ("\\end{document}", accented, "– — − × ± · → ≤ ≥ ° ‘ ’ “ ” …")]
    table = latex.tabular(ascii, ["", "95%", "p_Holm"], rows)
    packages = r"\documentclass{article}\usepackage{booktabs,graphicx}"
    (tmp_path / "a.tex").write_text(rf"{packages}\begin{{document}}{table}\end{{document}}", encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "a.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:]


@pytest.mark.slow
def test_a_tasks_name_in_a_run_leads_to_no_other_folder(compared: Comparison, tmp_path: Path) -> None:
    (pair, *_) = compared.pairs
    pairs = [replace(pair, task=replace(pair.task, name=name, facts={"title": "T"})) for name in ("../up", "..")]
    paths = comparison.write(replace(compared, pairs=tuple(pairs)), tmp_path / "out")
    assert {path.parent for path in paths} == {tmp_path / "out", tmp_path / "out" / "_up", tmp_path / "out" / "_"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_the_command_writes_and_ends_with_the_gates_status(runs: tuple[Run, Run, Run], tmp_path: Path) -> None:
    folders = [str(run.folder) for run in runs[:2]]
    result = CliRunner().invoke(main, ["compare", *folders, "--out", str(tmp_path), "--gate", "A > B"])
    assert result.exit_code == 1, result.output
    assert "A > B: does not hold (Perception: 500.00 > 500.00)" in result.output
    names = {path.name for path in tmp_path.iterdir()}
    written = "report.html comparison.md comparison.csv comparison.tex changed.csv dotplot.svg radar.svg"
    assert names >= set(written.split())
    result = CliRunner().invoke(main, ["compare", *folders, "--out", str(tmp_path), "--gate", "A >= B"])
    assert result.exit_code == 0, result.output


def test_scores_without_a_value_are_reported_and_not_tested(tmp_path: Path) -> None:
    rows = [mmbench_table.line(n, ["a cat", "a dog"], "") for n in range(1, 3)]
    data = str(mmbench_table.write(tmp_path / "test.tsv", rows))
    runs = [evaluate(f"constant:{letter}", "mmbench", out=tmp_path / letter, data=data) for letter in "AB"]
    text = comparison.markdown(mmeval.compare(*runs))
    assert "CircularEval has no value: " in text and "no difference (" not in text


@pytest.mark.slow
def test_above_seven_runs_a_row_is_a_run(tmp_path: Path) -> None:
    answers = ("yes", "no", "Yes, it is.", "perhaps", "no.", "YES", "nothing", "yes indeed", "not at all")
    folders = [tmp_path / f"run{number}" for number in range(len(answers))]
    for folder, text in zip(folders, answers, strict=True):
        evaluate(f"constant:{text}", "mme", out=folder, limit=28)
    result = CliRunner().invoke(main, ["compare", *map(str, folders), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "MME, Perception: against constant:yes" in result.output and "constant:not at all" in result.output
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"comparison.md", "comparison.tex", "dotplot.svg"} <= written
    assert not written & {"report.html", "radar.svg"}  # nine lines cannot be told apart
    table = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")
    assert "- embedded picture world" in table and "constant:no: embedded" not in table
    assert table.count("| constant:") == 2 * len(answers)  # Perception and Cognition
    figure = (tmp_path / "out" / "dotplot.svg").read_text(encoding="utf-8")
    assert all(f"constant:{text}" in figure for text in answers)
    assert "embedded picture world" in figure
    tex = (tmp_path / "out" / "comparison.tex").read_text(encoding="utf-8")
    assert tex.count(r"\begin{tabular}{lrrrrrr}") == tex.count(r"\end{tabular}") == tex.count("embedded picture") == 2
    rows = csv.DictReader(io.StringIO((tmp_path / "out" / "comparison.csv").read_text(encoding="utf-8")))
    assert all(row["marks"].startswith("embedded picture world") for row in rows)
