"""A run's table as CSV and LaTeX. Cells are escaped; marks are in the CSV rows and in the LaTeX caption."""

from pathlib import Path

from mmeval.reporting import latex as tex
from mmeval.reporting import table
from mmeval.reporting.run_report import table_of_run
from mmeval.runs.run import Run


def csv(run: Run, path: Path) -> dict[Path, str]:
    """Return the table with unrounded numbers, one line per metric; every line repeats data and marks."""
    return {path: table.to_csv(table_of_run(run))}


def latex(run: Run, path: Path) -> dict[Path, str]:
    """Return the printed table for booktabs and graphicx. Its caption has the data, n of N, and the marks."""
    table_of_scores = table_of_run(run)
    header, *rows = table.printed(table_of_scores)
    about = "; ".join((table_of_scores.title, table_of_scores.data, table_of_scores.answered, *table_of_scores.marks))
    text = tex.tabular(about, header, rows)
    if table_of_scores.baselines:
        (title, *header), *baseline_rows = table_of_scores.baselines
        text += "\n" + tex.tabular(f"{title}; {about}", ["", *header], baseline_rows)
    return {path: text}
