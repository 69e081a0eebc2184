"""`mmeval export`: write a run in the formats of other programs."""

from pathlib import Path

import click

from mmeval.cli.options import PATH


@click.command()
@click.argument("run_folder", metavar="RUN", type=PATH)
@click.option("--to", "form", required=True, help="Format: csv, latex, lm-eval, inspect, hub, or every-eval-ever.")
@click.option("--out", type=PATH, help="File.  [default: in RUN/exports]")
def export(run_folder: Path, form: str, out: Path | None) -> None:
    """Export a run's scores in another program's format.

    `hub` and `every-eval-ever` are for leaderboards. They refuse a run that is embedded, limited, unfinished, under a
    control, or has errors.

    \b
    Example: mmeval export reports/mme-mmicl-tiny-embedded --to lm-eval
             mmeval export reports/mme-blip2-flan-t5-xl-hub --to hub
    """
    from mmeval.evaluation.results import current
    from mmeval.reporting import console, interchange

    console.show_paths(interchange.write(current(run_folder), form, out))
    if advice := interchange.FORMATS[form].next:
        console.say(advice)
