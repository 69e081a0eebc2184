"""`mmeval run`: evaluate, or show what would be asked."""

import json
import sys
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from mmeval.cli.options import given, spec_options
from mmeval.spec import RunSpec, grid, several
from mmeval.types import Display, InputError


@click.command()
@spec_options()
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of these options; flags override it.")
@click.option("--seeds", metavar="0,1,2", help="A run for each seed, then their mean and spread.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder.  [default: reports/TASK-MODEL-DATA]")
@click.option("--dry-run", is_flag=True, help="Show the first prompt of each category as sent; ask nothing.")
@click.option("--fresh", is_flag=True, help="Delete the run in the folder and start over.")
@click.option("--keep-errors", is_flag=True, help="Do not ask again what ended in an error.")
@click.option("--json", "as_json", is_flag=True, help="Print scores.json, or of --seeds a summary; nothing else.")
def run(
    config: Path | None,
    seeds: str | None,
    out: Path | None,
    dry_run: bool,
    fresh: bool,
    keep_errors: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Evaluate a model on a benchmark. A run that was begun goes on where it stopped; errors are asked again.

    \b
    Example: mmeval run --task mme --model mmicl-tiny
             mmeval run --task mme --model blip2-flan-t5-xl --data MME_Benchmark_release_version --device cuda
             mmeval run --task vqav2 --data vqa --shots 4 --seeds 0,1,2
             mmeval run --config run.yaml --limit 100
    """
    specs = _specs(config, seeds, given(values))
    from mmeval.reporting import console

    if dry_run:
        from mmeval.evaluation import preview

        for spec in specs:
            console.show_preview(preview(spec))
        return
    from mmeval.sweep import evaluate_all

    screen: AbstractContextManager[Display] = nullcontext(Display()) if as_json else console.display()
    with screen as display:
        finished = evaluate_all(specs, out=out, fresh=fresh, keep_errors=keep_errors, display=display)
    _show(finished, as_json)
    sys.exit(0 if all(one.complete and not one.results.get("judge", {}).get("failed") for one in finished) else 1)


def _specs(config: Path | None, seeds: str | None, flags: dict[str, Any]) -> list[RunSpec]:
    """Make the specs of a run file and of the options that override it."""
    values: dict[str, Any] = {}
    if config is not None:
        from mmeval.yaml_file import read

        values = dict(read(config))
    values |= flags
    if seeds is not None:
        if "seed" in flags:
            raise InputError("--seed is for one run and --seeds for several; remove one of them")
        values["seed"] = several(seeds)
    return grid(values, str(config) if config else "", RunSpec)


def _show(finished: list[Any], as_json: bool) -> None:
    from mmeval.reporting import console, run_report
    from mmeval.reporting import seeds as spread

    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)  # of runs that differ by their seed alone
    for one in finished:
        groups[one.spec.task, one.spec.model].append(one)
    spreads = [group for group in groups.values() if len(group) > 1]
    if as_json:
        summaries = [spread.summary(group) for group in spreads] or [one.results for one in finished]
        click.echo(json.dumps(summaries[0] if len(summaries) == 1 else summaries, indent=1))
        return
    for one in finished if not spreads else []:
        console.show_run(run_report.table_of_run(one), run_report.written(one))
    for group in spreads:
        spread.show(spread.summary(group), console.console())
        console.show_paths([one.folder / "report.html" for one in group])
