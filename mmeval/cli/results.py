"""`mmeval score`, `mmeval report`, `mmeval submit`: work with existing answers, without a model."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from mmeval.cli.options import FOLDER, PATH, folder_argument, given, spec_options
from mmeval.types import Display, InputError


@click.command()
@folder_argument
@click.option("--task", help="With --answers or --predictions: the benchmark, or a card.")
@click.option("--answers", help="Answers by id: .jsonl, .json, .csv, .tsv, .xlsx, .eval, .parquet (docs/answers.md).")
@click.option(
    "--predictions", help="Predictions in the benchmark's official form: for MME a results folder, for MMBench a table."
)
@spec_options(names=("data", "reading", "partial", "judge", "judge_model"))
@click.option("--json", "as_json", is_flag=True, help="Print scores.json and nothing else.")
def score(
    run_folder: Path | None,
    task: str | None,
    answers: str | None,
    predictions: str | None,
    judge: str | None,
    judge_model: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Score a run again, or existing answers, without a model.

    \b
    Example: mmeval score reports/mme-mmicl-tiny-embedded
             mmeval score --task mmstar --data MMStar --answers THEIRS.xlsx
             mmeval score --task mme --predictions MY_RESULTS --json
    """
    given_settings, file, by_id = given(settings), answers or predictions, answers is not None
    if run_folder is not None and not (task or file or given_settings):
        complete = _score_run(run_folder, judge, judge_model, as_json)
    elif run_folder is None and task and file and None in (answers, predictions) and (by_id or not settings["data"]):
        given_settings |= given({"judge": judge, "judge_model": judge_model})
        complete = _score_file(task, file, by_id, given_settings, as_json)
    else:
        raise InputError(
            "name a run folder (only --judge and --json go with it), or give --task with --answers or --predictions "
            "(--data goes only with --answers)"
        )
    sys.exit(0 if complete else 1)


def _score_file(task: str, file: str, by_id: bool, settings: dict[str, Any], as_json: bool) -> bool:
    from mmeval.answers import score_answers, score_predictions
    from mmeval.reporting import console
    from mmeval.reporting.table import tabulate
    from mmeval.runs.schema import results_to_json

    score = score_answers if by_id else score_predictions
    scored, results = score(task, file, **settings, display=Display() if as_json else console.Screen())
    if as_json:
        click.echo(json.dumps(results_to_json(results), indent=1))
    else:
        name = Path(file).name
        console.show_run(tabulate(scored.task, results, f"{name} on {scored.task.title}", name), [])
    return results.answered == results.planned and results.fully_judged


def _score_run(folder: Path, judge: str | None, judge_model: str | None, as_json: bool) -> bool:
    from mmeval.evaluation import results
    from mmeval.reporting import console, run_report
    from mmeval.runs.run import open_run
    from mmeval.runs.schema import results_to_json

    run = open_run(folder)
    display = Display() if as_json else console.Screen()
    results.score(run, judge=judge, judge_model=judge_model, display=display)
    written = results.report(run)
    if as_json:
        click.echo(json.dumps(results_to_json(run.results), indent=1))
    else:
        console.show_run(run_report.table_of_run(run), written)
    return run.complete and run.results.fully_judged


@click.command()
@click.argument("run_folders", metavar="[RUN]...", nargs=-1, type=PATH)
@click.option(
    "--published",
    metavar="WHICH",
    help="Draw published scores: MME's of a date, e.g. 2023-09-17, or mmbench-dev, mmbench-test, mmbench-2023.",
)
@click.option("--out", type=FOLDER, default=Path("reports/comparison"))
def report(run_folders: tuple[Path, ...], published: str | None, out: Path) -> None:
    """Draw runs side by side, or with published scores.

    \b
    Example: mmeval report --published 2023-09-17
             mmeval report reports/mme-mmicl-tiny-embedded reports/mme-constant-embedded
    """
    from mmeval.evaluation.results import current
    from mmeval.reporting import console, run_report

    if not run_folders and published is None:
        raise InputError("name at least one run, or --published WHICH")
    runs = [current(folder) for folder in run_folders]
    console.show_paths(run_report.compare(runs, published, out))
    for line in [f"{run.folder}: {mark}" for run in runs for mark in run.marks]:
        console.say(line)
    sys.exit(0 if all(run.complete for run in runs) else 1)


@click.command()
@folder_argument
@click.option("--to", "board", required=True, help="Leaderboard: mme, mmbench, or openvlm.")
@click.option("--out", type=FOLDER, help="Folder.  [default: RUN/submission-BOARD]")
@click.option("--check", "checked", type=PATH, help="Only check these files.")
def submit(run_folder: Path | None, board: str, out: Path | None, checked: Path | None) -> None:
    """Write the files that a leaderboard accepts, or check them.

    \b
    Example: mmeval submit reports/mme-blip2-flan-t5-xl-hub --to mme
             mmeval submit --check my_model_MMBench_TEST_EN.xlsx --to mmbench
    """
    from mmeval.evaluation.results import current
    from mmeval.reporting import console, leaderboards

    if (run_folder is None) == (checked is None):
        raise InputError("name a run folder, or a file with --check")
    if checked is not None and not checked.exists():
        raise InputError(f"{checked}: no such file or folder; name the file or folder to check")
    written = [checked] if checked else []
    if run_folder is not None:
        written = leaderboards.write(current(run_folder), board, out or run_folder / f"submission-{board}")
        console.show_paths(written)
    findings = list(dict.fromkeys(finding for path in written for finding in leaderboards.check(path, board)))
    console.show_findings(findings)
    if run_folder is not None:
        console.say(leaderboards.BOARDS[board].steps)
    sys.exit(1 if any(finding.level == "error" for finding in findings) else 0)
