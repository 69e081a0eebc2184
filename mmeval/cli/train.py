"""`mmeval train` trains MMICL; `mmeval mic` builds its training data."""

import sys
from pathlib import Path
from typing import Any

import click

from mmeval.cli.options import FOLDER, PATH
from mmeval.types import InputError


@click.command()
@click.argument("stage", type=click.Choice(["stage1", "stage2"]))
@click.option("--config", "file", required=True, type=PATH, help="YAML file; see configs/.")
@click.option("--fresh", is_flag=True, help="Delete the checkpoints in the output folder and start over.")
def train(stage: Any, file: Path, fresh: bool) -> None:
    """Train MMICL.

    stage1 aligns pictures with words, stage2 tunes on MIC data. Repeat the command to continue an interrupted run.

    \b
    Example: mmeval train stage2 --config configs/my-data.yaml
             torchrun --nproc-per-node 6 -m mmeval train stage2 --config configs/stage2-t5-xxl.yaml
    """
    from pydantic import ValidationError

    from mmeval import yaml_file
    from mmeval.mmicl.training.config import Config, TrainingError, check_config
    from mmeval.reporting import console

    try:
        config = check_config(yaml_file.read(file), file, stage)  # report a misspelled key before loading torch
        benchmarks = None
        if config.evaluate:
            from mmeval.evaluation.during_training import benchmarks_of

            benchmarks = benchmarks_of(
                config.evaluate, config.evaluate_limit, Path(config.output), config.context, console.say
            )
        from mmeval.mmicl.training.run import train as train_mmicl
        from mmeval.mmicl.weights import CheckpointError
    except ValidationError as error:
        raise InputError(yaml_file.sentence(error, Config, str(file))) from error
    except ImportError as error:
        raise InputError(f"training needs the package {error.name}: pip install 'mmeval-harness[train]'") from error
    try:
        train_mmicl(config, fresh=fresh, say=console.say, measures=_captions, benchmarks=benchmarks)
    except (TrainingError, CheckpointError) as error:
        raise InputError(str(error)) from error
    except KeyboardInterrupt:
        click.echo("mmeval: training stopped; repeat the command to resume from the last checkpoint", err=True)
        sys.exit(130)


def _captions(pairs: Any) -> dict[str, float]:
    """Compare generated and expected answers with CIDEr, since captions never agree word for word."""
    from mmeval.scoring.metrics.cider import cider, tokenize

    values = cider([tokenize(text) for text, _ in pairs], [[tokenize(answer)] for _, answer in pairs])
    return {"cider": 100 * sum(values) / len(values)}


@click.group()
def mic() -> None:
    """Build training data (MIC) from public data sets.

    MIC stands for multi-modal in-context learning. The data sets must be on this machine.

    \b
    mmeval mic sources                                         list the sources and their required files
    mmeval mic build --source vqav2 --root coco --out vqav2    build a set
    """


@mic.command("build")
@click.option("--source", required=True, help="Data set; `mmeval mic sources` lists them.")
@click.option("--root", required=True, type=PATH, help="Folder of the data set's files.")
@click.option("--out", required=True, type=FOLDER, help="Folder to build.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum examples per split.  [default: as published]")
@click.option("--shots", metavar="LOW..HIGH", help="Demonstrations per example, uniform.  [default: as published]")
@click.option("--max-pictures", type=click.IntRange(min=1), default=12, help="Skip examples with more pictures.")
@click.option("--allow-skipped", type=click.FloatRange(0, 1), default=0.01, help="Share of rows that may be unusable.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes.  [default: one per core]")
@click.option("--seed", type=int, default=0)
def mic_build(source: str, root: Path, out: Path, shots: str | None, workers: int | None, **settings: Any) -> None:
    """Build a set from one source.

    Writes OUT/{train,val,test}.jsonl and OUT/pictures. Repeat the command to continue an interrupted build.

    \b
    Example: mmeval mic build --source vqav2 --root coco --out sets/vqav2 --limit 1000
    """
    from mmeval.machine import cores
    from mmeval.mic.build import build
    from mmeval.mic.plan import bounds
    from mmeval.reporting import console

    with console.display() as display:
        span = None if shots is None else bounds(shots)
        workers = workers or cores()
        built = build(source, root, out, shots=span, workers=workers, progress=display.progress, **settings)
    for line in built.lines():
        console.say(line)


@mic.command("sources")
def mic_sources() -> None:
    """List the sources: required files, sizes, licenses.

    \b
    Example: mmeval mic sources
    """
    from mmeval.mic.templates import cards
    from mmeval.reporting import console

    for name, card in cards().items():
        for line in card.lines(name):
            console.say(line)
