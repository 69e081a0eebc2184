"""A run's table as CSV and as LaTeX: no cell is a formula or a command, and the marks stand in rows and caption."""

from pathlib import Path

from mmeval.reporting import latex as tex
from mmeval.reporting import table
from mmeval.reporting.run_report import table_of_run
from mmeval.run import Run


def csv(run: Run, path: Path) -> dict[Path, str]:
    """Return the table with numbers in full, a line a metric; data and marks stand in every line."""
    return {path: table.to_csv(table_of_run(run))}


def latex(run: Run, path: Path) -> dict[Path, str]:
    """Return the table as it is printed, for booktabs; its caption says the data, n of N, and the marks."""
    made = table_of_run(run)
    header, *rows = table.lines(made)
    return {path: tex.tabular("; ".join((made.title, made.data, made.answered, *made.marks)), header, rows)}
