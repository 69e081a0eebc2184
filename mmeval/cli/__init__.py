"""The command line: parse, call, print. Whatever it does can be done through `import mmeval` too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from mmeval import __version__
from mmeval.cli import train as train_commands
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


def quiet(line: str) -> None:
    """Says nothing: standard output is for the JSON alone."""


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return apply


def _numbers(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Whole numbers with commas between them."""
    try:
        return None if value is None else tuple(int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not whole numbers with commas between them, as in 0,1,2") from error


_judge = _options(
    click.option("--judge", metavar="URL", help="OpenAI-compatible server, up to /v1, asked what no scorer can read."),
    click.option("--judge-model", metavar="NAME", help="Its model; its key, if any, is in MMEVAL_JUDGE_KEY."),
)
_choices = _options(
    click.option("--reading", help="Generation of the public heuristics that reads a letter.  [default: the first]"),
    click.option("--partial", is_flag=True, help="Count questions that lack turns by the turns they have."),
)

_what = _options(
    click.option("--task", required=True, help="Benchmark; `mmeval tasks` lists them. Or a card, a .yaml file."),
    click.option(
        "--model",
        default="mmicl-tiny",
        show_default=True,
        help="Catalogue name, checkpoint folder, or ADAPTER:SOURCE.",
    ),
    click.option("--data", help="embedded, hub, a folder, or a table.  [default: embedded; for a card its folder]"),
    click.option("--prompt", help="How the task puts its questions.  [default: the task's first]"),
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
    help="Padded prompt tokens in a batch.  [default: 2048 on a CPU, 16384 on a GPU]",
)
@click.option("--beams", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--max-new-tokens", type=click.IntRange(min=1), help="Length of an answer at most.  [default: the task's]"
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--shots", type=click.IntRange(min=0), help="Demonstrations before each question, drawn by --seed.")
@click.option("--frames", type=click.IntRange(min=1), help="Pictures shown of each video.  [default: 8]")
@click.option("--sampler", help="How they are chosen: inner, uniform, ends.  [default: inner]")
@click.option("--seeds", metavar="0,1,2", callback=_numbers, help="A run for each seed, then their mean and spread.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print scores.json, or of --seeds their summary, and nothing else."
)
@click.option("--by", default="text", show_default=True, help="text, likelihood (per byte), or likelihood-sum.")
@click.option("--early-stop", is_flag=True, help="Ask no further turn of a question that is lost.")
@_choices
@_judge
def run(
    task: str,
    model: str,
    data: str | None,
    prompt: str | None,
    context: str | None,
    dry_run: bool,
    seed: int,
    seeds: tuple[int, ...] | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Evaluate a model on a benchmark. A run that was begun goes on where it stopped.

    \b
    Example: mmeval run --task mme --model mmicl-tiny
             mmeval run --task mme --model blip2-flan-t5-xl --data MME_Benchmark_release_version --device cuda
             mmeval run --task vqav2 --data vqa --shots 4 --seeds 0,1,2
    """
    from mmeval import evaluation as door
    from mmeval.reporting import console, run_report
    from mmeval.reporting import seeds as spread
    from mmeval.spec import How

    if seeds is not None and seed:
        raise InputError("--seed is for one run and --seeds for several; leave one of them out")
    told = ("reading", "by", "partial", "early_stop", "shots", "frames", "sampler")
    how = How(**{name: options[name] for name in told}, seed=seeds[0] if seeds else seed)
    options |= {"data": data, "prompt": prompt, "context": context}
    if dry_run:
        asked = ("data", "prompt", "context", "device", "dtype", "judge", "judge_model")
        shown = door.preview(model, task, how, **{name: options[name] for name in asked})
        console.show_preview(shown.reads, shown.prompts)
        return
    with nullcontext() if as_json else console.progress() as progress:
        options |= {"progress": progress, "say": quiet if as_json else console.say}
        if seeds is None:
            finished = [door.evaluate(model, task, seed=seed, **options)]
        else:
            finished = door.evaluate_seeds(model, task, seeds, **options)
    pictures = door.pictures(task, data, how)
    written = [run_report.write(one, pictures) for one in finished]
    if as_json:
        click.echo(json.dumps(finished[0].results if seeds is None else spread.summary(finished), indent=1))
    elif seeds is None:
        console.show_run(*written[0])
    else:
        spread.show(spread.summary(finished), console.console())
        console.show_paths([paths[0] for _, paths in written])
    sys.exit(1 if any(one.results["counts"]["error"] for one in finished) else 0)


@main.command()
@click.argument("run_folder", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option("--task", help="With --predictions: the benchmark.")
@click.option("--predictions", help="The benchmark's own: for MME a results folder, for MMBench a table.")
@click.option("--json", "as_json", is_flag=True, help="Print scores.json and nothing else.")
@_choices
@_judge
def score(
    run_folder: Path | None,
    task: str | None,
    predictions: str | None,
    as_json: bool,
    reading: str | None,
    partial: bool,
    judge: str | None,
    judge_model: str | None,
) -> None:
    """Score a run again, or anybody's predictions, without a model.

    \b
    Example: mmeval score reports/mme-mmicl-tiny-embedded
             mmeval score --task mme --predictions MY_RESULTS --json
    """
    from mmeval import evaluation as door
    from mmeval.reporting import console, run_report
    from mmeval.run import open_run

    if predictions is not None and task is not None and run_folder is None and judge is None:
        the_task, records, results = door.score_predictions(task, predictions, reading=reading, partial=partial)
        if not as_json:
            console.show_predictions(the_task, records, results, Path(predictions).name)
    elif run_folder is not None and predictions is None and task is None and reading is None and not partial:
        run = open_run(run_folder)
        results = door.rescore(run, judge=judge, judge_model=judge_model, say=quiet if as_json else console.say)
        written = run_report.write(run)
        if not as_json:
            console.show_run(*written)
    else:
        raise InputError(
            "name a run folder (--judge goes with it; its reading is the run's own), or --task and --predictions "
            "(--reading and --partial go with these)"
        )
    if as_json:
        click.echo(json.dumps(results, indent=1))
    sys.exit(1 if results["counts"]["error"] else 0)


@main.command()
@click.argument("run_folders", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--published",
    metavar="WHICH",
    help="Draw published scores: MME's of a date, e.g. 2023-09-17, or mmbench-dev, mmbench-test, mmbench-2023.",
)
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
        raise InputError("name one run or more, or --published WHICH")
    console.show_paths(run_report.compare([open_run(folder) for folder in run_folders], published, out))


@main.command()
@click.argument("run_folder", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option("--to", "board", required=True, help="Leaderboard: mme, mmbench, or openvlm.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder.  [default: RUN/submission-BOARD]")
@click.option("--check", "checked", type=click.Path(path_type=Path), help="Check somebody's files; write nothing.")
def submit(run_folder: Path | None, board: str, out: Path | None, checked: Path | None) -> None:
    """Write a leaderboard's files from a run on the benchmark's real data, or check anybody's.

    \b
    Example: mmeval submit reports/mme-blip2-flan-t5-xl-hub --to mme
             mmeval submit --check my_model_MMBench_TEST_EN.xlsx --to mmbench
    """
    from mmeval.reporting import console
    from mmeval.reporting import leaderboards as submission
    from mmeval.run import open_run

    if (run_folder is None) == (checked is None):
        raise InputError("name a run folder, or a file with --check")
    if run_folder is not None:
        written = submission.write(open_run(run_folder), board, out or run_folder / f"submission-{board}")
        console.show_paths(written)
    else:
        assert checked is not None
        if not checked.exists():
            raise InputError(f"{checked}: no such file or folder; name what is to be checked")
        written = [checked]
    found = list(dict.fromkeys(finding for path in written for finding in submission.check(path, board)))
    console.show_findings(found)
    if run_folder is not None:
        console.say(submission.steps(board))
    sys.exit(1 if any(finding.level == "wrong" for finding in found) else 0)


@main.command()
def tasks() -> None:
    """List the benchmarks, and what is not included.

    \b
    Example: mmeval tasks
    """
    from mmeval.reporting import console
    from mmeval.task import load_task
    from mmeval.tasks import LEFT_OUT, TASKS

    console.show_tasks([load_task(name) for name in TASKS], LEFT_OUT)


@main.command()
def models() -> None:
    """List the models by name.

    \b
    Example: mmeval models
    """
    from mmeval.models import catalogue
    from mmeval.reporting import console

    console.show_models(catalogue())


main.add_command(train_commands.train)
main.add_command(train_commands.mic)


if __name__ == "__main__":
    main()
