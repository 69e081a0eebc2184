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
    made = table_of_run(run)
    header, *rows = table.printed(made)
    about = "; ".join((made.title, made.data, made.answered, *made.marks))
    text = tex.tabular(about, header, rows)
    if made.baselines:
        (title, *header), *rest = made.baselines
        text += "\n" + tex.tabular(f"{title}; {about}", ["", *header], rest)
    return {path: text}
