"""`mmeval compare`: compare runs with a first one, and check conditions for continuous integration."""

import sys
from pathlib import Path

import click

from mmeval.cli.options import FOLDER, PATH


@click.command()
@click.argument("run_folders", metavar="RUN...", nargs=-1, required=True, type=PATH)
@click.option(
    "--gate", "gates", metavar="'A >= B - 1'", multiple=True, help="Exit with status 1 if this does not hold."
)
@click.option(
    "--margin", type=float, metavar="PERCENT", help="Test whether runs differ by less than this share of full marks."
)
@click.option("--out", type=FOLDER, default=Path("reports/comparison"))
def compare(run_folders: tuple[Path, ...], gates: tuple[str, ...], margin: float | None, out: Path) -> None:
    """Compare runs: differences with intervals and tests.

    Each run is compared with the first of the same task.

    A condition names runs A, B, ... in the order given, or by name. It uses the task's first headline number, or names
    another one, as in `perception: A > 1200`. A single run can be checked against numbers; then nothing is written.

    \b
    Example: mmeval compare reports/mme-mmicl-tiny-embedded reports/mme-text-tiny-embedded
             mmeval compare OLD NEW --gate 'B >= A - 1' --margin 1
             mmeval compare NEW --gate 'A >= 1500' --gate 'cognition: A >= 300'
    """
    from mmeval import gate
    from mmeval.comparison import Comparison, names
    from mmeval.comparison import compare as compared
    from mmeval.evaluation.results import current
    from mmeval.reporting import comparison, console

    runs = [current(folder) for folder in run_folders]
    alone = len(runs) == 1 and bool(gates)
    result = Comparison(names(runs), (), margin) if alone else compared(*runs, margin=margin)
    verdicts = [gate.check(text, result) for text in gates]
    if not alone:
        comparison.show(result, console.console())
        console.show_paths(comparison.write(result, out))
    for verdict in verdicts:
        console.say(verdict.sentence, "" if verdict.holds else "red")
    complete = all(run.complete for run in result.runs.values())
    sys.exit(0 if complete and all(verdict.holds for verdict in verdicts) else 1)
