"""`mmeval bias`: measure language bias from a run and its controls, without a model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmeval.cli.options import FOLDER, PATH, folder_argument
from mmeval.types import InputError

if TYPE_CHECKING:
    from mmeval.runs.run import Run
    from mmeval.runs.study import Study


@click.command()
@folder_argument
@click.option("--task", help="With --predictions or --answers: the benchmark, or a card.")
@click.option("--predictions", help="Predictions in the benchmark's official form: for MME, a results folder.")
@click.option("--answers", help="Answers by id (docs/answers.md).")
@click.option("--data", help="With --answers: the benchmark's data.")
@click.option("--needs-picture", type=PATH, help="File of ids of the questions that need the picture, one per line.")
@click.option("--out", type=FOLDER, help="Folder to write to.  [default: RUN]")
@click.option("--list", "listed", is_flag=True, help="List the controls.")
@click.option("--json", "as_json", is_flag=True, help="Print bias.json and nothing else.")
def bias(
    run_folder: Path | None,
    task: str | None,
    predictions: str | None,
    answers: str | None,
    data: str | None,
    needs_picture: Path | None,
    out: Path | None,
    listed: bool,
    as_json: bool,
) -> None:
    """Show how much a model's answers depend on the picture.

    Without controls (`mmeval run --control`), it shows only what the answers alone tell.

    \b
    Example: mmeval run --task mme --control standard
             mmeval bias reports/mme-mmicl-tiny-embedded
             mmeval bias --task mme --predictions MY_RESULTS
    """
    if listed:
        from mmeval.controls import CONTROLS, FAMILIES
        from mmeval.reporting import console

        for name, about in CONTROLS.items():
            console.say(f"{name:26}{about}")
        for name, members in FAMILIES.items():
            console.say(f"{name:26}{'every control' if name == 'all' else ', '.join(members)}")
        console.say("prompts                   the task's other prompts, as prompt-NAME")
        return
    alone = task is not None and (predictions is None) != (answers is None) and (data is None or answers is not None)
    if (run_folder is None) == (not alone) or (run_folder is not None and (task or predictions or answers)):
        raise InputError("name a run folder, or --task and either --predictions or --answers (--data goes with these)")
    from mmeval.bias import study

    if run_folder is None:
        assert task is not None
        _show(study.of_file(task, predictions, answers, data), out, as_json)
        return
    from mmeval.evaluation.results import current
    from mmeval.files import read_ids

    of_run(current(run_folder), None if needs_picture is None else set(read_ids(needs_picture)), out, as_json)


def of_run(run: "Run", needs_picture: set[str] | None = None, out: Path | None = None, as_json: bool = False) -> None:
    """Study a run, write the findings into its folder or `out`, and show them."""
    from mmeval.bias.study import study
    from mmeval.evaluation.results import report

    _show(study(run, needs_picture), out or run.folder, as_json)
    if out is None:
        report(run)  # the page has a panel now


def _show(result: "Study", folder: Path | None, as_json: bool) -> None:
    from mmeval.bias.study import write_ids
    from mmeval.reporting import bias as reporting
    from mmeval.reporting import console
    from mmeval.runs.study import study_to_json

    written = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        written = [*reporting.write(folder, result), *write_ids(result, folder)]
    if as_json:
        click.echo(json.dumps(study_to_json(result), indent=1))
        return
    reporting.show(result, console.console(), folder)
    console.show_paths(written)
