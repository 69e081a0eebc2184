"""`mmeval run`: evaluate, or show the prompts."""

import json
import os
import re
import sys
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmeval.cli.options import FOLDER, PATH, SEVERAL, SectionedCommand, given, spec_options
from mmeval.spec import RunSpec, grid, options
from mmeval.types import Display, InputError

if TYPE_CHECKING:
    from mmeval.runs.run import Run


@click.command(cls=SectionedCommand)
@spec_options()
@click.option("--config", type=PATH, help="YAML file with any options but those of this section; flags override it.")
@click.option("--seeds", metavar="0,1,2", help="One run per seed, then their mean and spread.")
@click.option("--out", type=FOLDER, help="Run folder.  [default: reports/TASK-MODEL-DATA]")
@click.option("--dry-run", is_flag=True, help="Show the first prompt of each category; run nothing.")
@click.option("--fresh", is_flag=True, help="Delete the run in the folder and start over.")
@click.option("--keep-errors", is_flag=True, help="Do not ask failed questions again.")
@click.option("--bias", is_flag=True, help="Then run `mmeval bias` on the controls.")
@click.option("--log-to", type=click.Choice(["tensorboard", "wandb", "trackio"]), help="Also log the scores there.")
@click.option("--json", "as_json", is_flag=True, help="Print scores.json (with --seeds, a summary) and nothing else.")
def run(
    config: Path | None,
    seeds: str | None,
    out: Path | None,
    dry_run: bool,
    fresh: bool,
    keep_errors: bool,
    bias: bool,
    log_to: str | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Evaluate a model on a benchmark.

    Repeat the command to continue an interrupted run or to ask failed questions again.

    \b
    Example: mmeval run --task mme --model mmicl-tiny
             mmeval run --task mme --model blip2-flan-t5-xl --data MME_Benchmark_release_version --device cuda
             mmeval run --task vqav2 --data vqa --shots 4 --seeds 0,1,2
             mmeval run --task mme --control blind,swap,blur
             mmeval run --config run.yaml --limit 100
    """
    specs, controls = _specs(config, seeds, given(values))
    from mmeval.reporting import console

    if dry_run:
        from mmeval.evaluation.sweep import previews

        for entry in (entry for spec in specs for entry in previews(spec, controls)):
            if isinstance(entry, str):
                console.say(f"\n{entry}")
            else:
                console.show_preview(entry)
        console.say("\nDry run: nothing was asked and nothing written.", "dim")
        return
    from mmeval.evaluation.sweep import evaluate_all

    if bias and as_json:
        raise InputError("--bias cannot be combined with --json; run `mmeval bias RUN --json` afterwards")
    if log_to is not None:
        from mmeval.reporting import loggers

        loggers.check(log_to)  # fail before hours of answering
    screen: AbstractContextManager[Display] = nullcontext(Display()) if as_json else console.display()
    with screen as display:
        common: dict[str, Any] = {"fresh": fresh, "keep_errors": keep_errors, "controls": controls}
        runs = evaluate_all(specs, out=out, display=display, **common)
    runs = _reopened(runs)
    if not all(evaluated.up_to_date for evaluated in runs):
        return  # the last process to finish scores and shows the runs
    _show(runs, as_json, out)
    if log_to is not None:
        for evaluated in runs:
            loggers.log(evaluated, log_to)
    if bias:
        from mmeval.bias.runs import unfinished
        from mmeval.cli.bias import of_run
        from mmeval.runs.share import of_process

        for evaluated in runs:
            if of_process().alone or not unfinished(evaluated):
                of_run(evaluated)
            else:
                console.say(f"{evaluated.folder}: the last process to finish its controls studies them")
    complete = all(evaluated.complete and evaluated.results.fully_judged for evaluated in runs)
    sys.exit(0 if complete else 1)


def _specs(config: Path | None, seeds: str | None, flags: dict[str, Any]) -> tuple[list[RunSpec], list[str]]:
    """Return the specs made from a run file and the options that override it, and the names of the controls."""
    values: dict[str, Any] = {}
    if config is not None:
        from mmeval.yaml_file import read

        values = dict(read(config))
        for name in values.keys() & {parameter.name for parameter in run.params} - options().keys():
            raise InputError(f"{config}: '{name}' is not a setting; give it on the command line: {_flag(name)}")
    values |= {name: _listed(value) if name in SEVERAL else value for name, value in flags.items()}
    if seeds is not None:
        if "seed" in flags:
            raise InputError("--seed is for one run and --seeds for several; remove one of them")
        values["seed"] = _numbers(seeds)
    written = values.pop("controls", [])
    names = values.pop("control", written)  # a flag overrides the file
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{config}: controls is {names!r:.60}; write a list of names, as in [blind, swap, blur]")
    specs = grid(values, str(config) if config else "")
    if values.get("recipe") is not None:
        from mmeval import recipes

        for spec in specs:
            recipes.check_given(spec, values)
    return specs, names


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _numbers(text: str) -> list[int]:
    """Parse whole numbers separated by commas, such as `0,1,2`. Raises InputError."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"{text!r} is not a list of whole numbers; separate them with commas, as in 0,1,2") from error


def _reopened(runs: list["Run"]) -> list["Run"]:
    """Reopen the runs, which other processes may have changed."""
    from mmeval.runs.run import open_run
    from mmeval.runs.share import of_process

    return runs if of_process().alone else [open_run(evaluated.folder) for evaluated in runs]


def _listed(value: Any) -> Any:
    """Split names at commas, except between a server's addresses.

    An existing path and a constant model's answer, which may contain commas, are not split. Raises InputError for a
    setting among the names, as `mmeval parity` takes it.
    """
    exists = os.path.exists  # Path.exists raises for a name that is too long, as a list may be
    parts: list[str] = []
    for text in value if isinstance(value, list) else [value]:
        unsplit = text.startswith("constant:") or exists(text)
        parts += [part.strip() for part in ([text] if unsplit else re.split(r",(?!\s*https?://)", text))]
    for part in parts[1:]:
        name, equals, setting = part.partition("=")
        if equals and name in options():
            raise InputError(f"'{part}' is a setting, not a name; give it as {_flag(name)} {setting}")
    return [part for part in parts if part] if len(parts) > 1 else value


def _show(runs: list["Run"], as_json: bool, out: Path | None = None) -> None:
    from mmeval.reporting import console, run_report
    from mmeval.reporting import seeds as spread
    from mmeval.runs.schema import results_to_json

    groups: dict[str, list[Any]] = defaultdict(list)  # runs that differ only in their seed
    for evaluated in runs:
        groups[json.dumps(spread.but_seed(evaluated), sort_keys=True)].append(evaluated)
    spreads = [group for group in groups.values() if len(group) > 1]
    if as_json:
        summaries = [spread.summary(group) for group in spreads] or [
            results_to_json(evaluated.results) for evaluated in runs
        ]
        click.echo(json.dumps(summaries[0] if len(summaries) == 1 else summaries, indent=1))
        return
    for evaluated in runs if not spreads and len(runs) == 1 else []:
        console.show_run(run_report.table_of_run(evaluated), run_report.written(evaluated))
    for group in spreads:
        spread.show(spread.summary(group), console.console())
    if len(runs) > 1:
        console.show_paths([evaluated.folder / "report.html" for evaluated in runs])
    if len(groups) > 1 and not spreads:
        from mmeval.evaluation.planning import REPORTS
        from mmeval.reporting import matrix

        table = matrix.matrix(runs)
        matrix.show(table, console.console())
        console.show_paths(matrix.write(table, (out or REPORTS) / "sweep"))


@click.command()
@click.argument("file", metavar="GRID.yaml", type=PATH)
@click.option("--out", type=FOLDER, help="Folder for the runs and for sweep/.  [default: reports]")
@click.option("--fresh", is_flag=True, help="Delete the runs in their folders and start over.")
@click.option("--keep-errors", is_flag=True, help="Do not ask failed questions again.")
def sweep(file: Path, out: Path | None, fresh: bool, keep_errors: bool) -> None:
    """Evaluate every combination of tasks, models and settings.

    The file has the options of a run, some as lists: `task: [mme, mmbench]`, `model: [mmicl-tiny, constant]`. Each
    model is loaded once, and the result is a table of models by tasks. If a run is impossible, the reason is shown and
    the others continue. Repeat the command to continue an interrupted sweep.

    \b
    Example: mmeval sweep grid.yaml
    """
    from mmeval.evaluation.sweep import evaluate_all
    from mmeval.reporting import console

    (specs, controls), failed = _specs(file, None, {}), list[str]()
    common: dict[str, Any] = {"fresh": fresh, "keep_errors": keep_errors, "controls": controls}
    with console.display() as display:
        runs = evaluate_all(specs, out=out, display=display, failed=failed, **common)
    runs = _reopened(runs)
    if not all(evaluated.up_to_date for evaluated in runs):
        return  # the last process to finish scores and shows the runs
    if runs:
        _show(runs, False, out)
    for sentence in failed:
        console.say(f"not run: {sentence}", "red")
    sys.exit(0 if not failed and all(evaluated.complete for evaluated in runs) else 1)
