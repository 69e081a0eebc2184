"""The command line: parse, call, print. Whatever it does can be done through `import mmeval` too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mmeval import __version__
from mmeval.types import InputError


class Commands(click.Group):
    """Turns what can go wrong outside this program into one sentence and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            _refuse_the_other_mmeval()
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"mmeval: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("mmeval: stopped; what was answered is kept, and the same command goes on from there", err=True)
            ctx.exit(130)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise  # somebody's `| head`: click ends quietly
            where = f"{error.filename}: " if error.filename else ""
            advice = "mend that and run the same command; what was answered is kept"
            click.echo(f"mmeval: {where}{error.strerror or error}; {advice}", err=True)
            ctx.exit(2)


def _refuse_the_other_mmeval() -> None:
    """OpenMMLab's `mmeval` has the same import name: with both installed, files of one lie over the other's."""
    from importlib import metadata

    try:
        metadata.version("mmeval")
    except metadata.PackageNotFoundError:
        return
    raise InputError(
        "the package 'mmeval' (OpenMMLab's, another project) is installed in this environment and overwrites this one; "
        "run: pip uninstall -y mmeval && pip install --force-reinstall --no-deps mmeval-harness"
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mmeval")
def main() -> None:
    """Evaluate multimodal language models: right scores, an interval on every number, nothing dropped.

    \b
    mmeval run --task mme --model mmicl-tiny          evaluate
    mmeval score reports/mme-mmicl-tiny-embedded      score again, without the model
    mmeval report --published 2023-09-17              draw the published comparison
    """


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return apply


_what = _options(
    click.option("--task", required=True, help="Benchmark; `mmeval tasks` lists them."),
    click.option(
        "--model",
        default="mmicl-tiny",
        show_default=True,
        help="Catalogue name, checkpoint folder, or ADAPTER:SOURCE.",
    ),
    click.option("--data", default="embedded", show_default=True, help="embedded, hub, a folder, or a table."),
    click.option("--wording", help="How the task puts its questions.  [default: the task's first]"),
    click.option("--context", help="How the model's pictures are introduced.  [default: the adapter's first]"),
)


@main.command()
@_what
@click.option("--out", type=click.Path(path_type=Path), help="Run folder.  [default: reports/TASK-MODEL-DATA]")
@click.option("--limit", type=click.IntRange(min=1), help="About this many samples, evenly from all categories.")
@click.option("--dry-run", is_flag=True, help="Show the first prompts as the model will see them; ask nothing.")
@click.option("--fresh", is_flag=True, help="Delete the run in the folder and start over.")
@click.option("--dtype", default="auto", show_default=True, help="float32, bfloat16, float16; auto: bfloat16 on a GPU.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    default=16384,
    show_default=True,
    help="Padded prompt tokens in a batch.",
)
@click.option("--beams", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--max-new-tokens", type=click.IntRange(min=1), help="Length of an answer at most.  [default: the task's]"
)
@click.option("--seed", type=int, default=0, show_default=True)
def run(task: str, model: str, data: str, wording: str | None, context: str | None, dry_run: bool, **how: Any) -> None:
    """Evaluate a model on a benchmark. A run that was begun goes on where it stopped.

    \b
    Example: mmeval run --task mme --model mmicl-tiny
             mmeval run --task mme --model blip2-flan-t5-xl --data MME_Benchmark_release_version --device cuda
    """
    from mmeval import door
    from mmeval.reporting import console, run_report

    if dry_run:
        shown = door.preview(model, task, data=data, wording=wording, context=context)
        console.show_preview(shown.reads, shown.prompts)
        return
    with console.progress() as progress:
        finished = door.evaluate(
            model,
            task,
            data=data,
            wording=wording,
            context=context,
            progress=progress,
            say=console.say,
            **how,
        )
    written = run_report.write(finished)
    console.show_run(finished, written)
    sys.exit(1 if finished.results["counts"]["error"] else 0)


@main.command()
@click.argument("run_folder", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option("--task", help="With --predictions: the benchmark.")
@click.option("--predictions", help="The benchmark's own predictions: for MME a results folder.")
@click.option("--json", "as_json", is_flag=True, help="Print scores.json and nothing else.")
def score(run_folder: Path | None, task: str | None, predictions: str | None, as_json: bool) -> None:
    """Score a run again, or anybody's predictions, without a model.

    \b
    Example: mmeval score reports/mme-mmicl-tiny-embedded
             mmeval score --task mme --predictions MY_RESULTS --json
    """
    from mmeval import door
    from mmeval.reporting import console, run_report
    from mmeval.run import open_run
    from mmeval.task import load_task

    if predictions is not None and task is not None and run_folder is None:
        records, results = door.score_predictions(task, predictions)
        if not as_json:
            console.show_predictions(load_task(task), records, results, Path(predictions).name)
    elif run_folder is not None and predictions is None and task is None:
        run = open_run(run_folder)
        results = door.rescore(run)
        written = run_report.write(run)
        if not as_json:
            console.show_run(run, written)
    else:
        raise InputError("name a run folder, or --task and --predictions")
    if as_json:
        click.echo(json.dumps(results, indent=1))
    sys.exit(1 if results["counts"]["error"] else 0)


@main.command()
@click.argument("run_folders", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--published", metavar="DATE", help="Draw the published comparison of that date, e.g. 2023-09-17.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("reports/comparison"), show_default=True)
def report(run_folders: tuple[Path, ...], published: str | None, out: Path) -> None:
    """Draw runs side by side, or over published scores.

    \b
    Example: mmeval report --published 2023-09-17
             mmeval report reports/mme-mmicl-tiny-embedded reports/mme-constant-embedded
    """
    from mmeval.reporting import console, run_report
    from mmeval.run import open_run

    if not run_folders and published is None:
        raise InputError("name one run or more, or --published DATE")
    console.show_paths(run_report.compare([open_run(folder) for folder in run_folders], published, out))


@main.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--to", "board", required=True, help="Leaderboard: mme.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder.  [default: RUN/submission-BOARD]")
def submit(run_folder: Path, board: str, out: Path | None) -> None:
    """Write a leaderboard's files from a run on the benchmark's real data.

    \b
    Example: mmeval submit reports/mme-blip2-flan-t5-xl-hub --to mme
    """
    from mmeval.reporting import console, submission
    from mmeval.run import open_run

    console.show_paths(submission.write(open_run(run_folder), board, out or run_folder / f"submission-{board}"))


@main.command()
def tasks() -> None:
    """List the benchmarks.

    \b
    Example: mmeval tasks
    """
    from mmeval.reporting import console
    from mmeval.task import load_task
    from mmeval.tasks import TASKS

    console.show_tasks([load_task(name) for name in TASKS])


@main.command()
def models() -> None:
    """List the models by name.

    \b
    Example: mmeval models
    """
    from mmeval.models import catalogue
    from mmeval.reporting import console

    console.show_models(catalogue())


if __name__ == "__main__":
    main()
