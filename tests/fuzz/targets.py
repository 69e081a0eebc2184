"""What is fuzzed: a folder with good files, and what reads them. Whatever is wrong must end in one of our sentences."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from click.testing import CliRunner
from pydantic import ValidationError

from mmeval import evaluation, jsonl, yaml_file
from mmeval.answers import score_answers, score_predictions
from mmeval.cards.task import load as load_card
from mmeval.cli import main
from mmeval.data import video
from mmeval.mic.build import build
from mmeval.rendering import render
from mmeval.run import open_run
from mmeval.spec import RunSpec
from mmeval.task import load_task
from mmeval.tasks import TASKS
from mmeval.types import Image, InputError, images
from tests import evaluating, mmbench_table
from tests.mic import mic_folders
from tests.mme_folder import make_release
from tests.tasks.small_folders import jsonl as put_lines
from tests.tasks.small_folders import picture
from tests.tasks.test_cards import TOOLS
from tests.tasks.test_prompts import WRITERS

Act = Callable[[Path, random.Random], None]


@dataclass(frozen=True)
class Target:
    """Makes a folder, and reads it; a reading that fails raises an error that has a sentence for the user."""

    make: Callable[[Path], object]
    read: Act


def sentences() -> tuple[type[Exception], ...]:
    """The errors whose message is a sentence that the command line prints."""
    from mmeval.mmicl.training.config import TrainingError
    from mmeval.mmicl.weights import CheckpointError

    return (InputError, TrainingError, CheckpointError)


def _task(name: str) -> Target:
    place: dict[Path, str] = {}

    def make(folder: Path) -> None:
        place[folder] = WRITERS[name](folder) or ""

    def read(folder: Path, rng: random.Random) -> None:
        task = load_task(name)
        prompt = next(iter(task.prompts))
        for sample in task.samples(str(folder / place[folder])):
            for image in images(render(task, sample, prompt).prompt):
                _ = image.digest
                image.decode()

    return Target(make, read)


def _pictures(folder: Path) -> None:
    for number, kind in enumerate(("png", "jpg", "gif", "webp", "bmp", "ppm")):
        path = folder / f"{number}.{kind}"
        picture(folder / "a.png", number, 24)
        Image(folder / "a.png").decode().convert("RGB").save(path)


def _decode(folder: Path, rng: random.Random) -> None:
    for path in sorted(folder.iterdir()):
        Image(path, path.name).decode()


def _frames(folder: Path, rng: random.Random) -> None:
    shown, _ = video.frames(folder, ["clip.mp4"], "row 1", 3, rng.choice([*video.SAMPLERS]))
    for image in shown:
        image.decode()


TEXTS = ("saw", "file", "", "")


def _card(folder: Path) -> None:
    import yaml

    (folder / "my.yaml").write_text(yaml.safe_dump(TOOLS), encoding="utf-8")
    rows = [
        {
            "ask": f"Which {n}?",
            "right": "A",
            "photo": "a.png",
            "trade": "wood",
            "A": "saw",
            "B": "file",
            "C": "",
            "D": "",
        }
        for n in range(3)
    ]
    put_lines(folder / "questions.jsonl", rows)
    picture(folder / "a.png")
    picture(folder / "photos" / "a.png")


def _read_card(folder: Path, rng: random.Random) -> None:
    task = load_card(folder / "my.yaml")
    prompt = next(iter(task.prompts))
    for sample in task.samples(str(folder)):
        render(task, sample, prompt)


def _run(folder: Path) -> None:
    data = make_release(folder.parent / f"{folder.name}-data", pictures=1)
    run = evaluating.evaluate("constant", "mme", data=str(data), out=folder / "run")
    assert run.complete


def _score(folder: Path, rng: random.Random) -> None:
    run = open_run(folder / "run")
    _ = run.marks, run.remarks
    if rng.random() < 0.5:
        evaluation.score(run)
    _ = run.results, run.judged
    if rng.random() < 0.1:
        evaluation.report(evaluation.current(run))


def _checkpoint(folder: Path) -> None:
    from mmeval.mmicl.checkpoints import save
    from tests.mmicl import mmicl_small as small

    save(small.model(), small.processor(), folder / "model")


def _open(folder: Path, rng: random.Random) -> None:
    from mmeval.mmicl import checkpoints

    checkpoints.load(folder / "model")


def _mic(writer: Callable[[Path], None], source: str) -> Target:
    def read(folder: Path, rng: random.Random) -> None:
        out = folder.with_name(f"{folder.name}-out")
        shutil.rmtree(out, ignore_errors=True)
        build(source, folder, out, limit=3, allow_skipped=1)

    return Target(writer, read)


def _configuration(folder: Path) -> None:
    text = "model: base\ndata: [a.jsonl]\noutput: out\ntrainable: lora\nlora: {rank: 4}\nbetas: [0.9, 0.99]\nseed: 1\n"
    (folder / "c.yaml").write_text(text)
    (folder / "run.yaml").write_text("task: mme\nmodel: constant\nlimit: 3\nseed: [0, 1]\n")


def _read_configuration(folder: Path, rng: random.Random) -> None:
    from mmeval.mmicl.training.config import Config, check_config
    from mmeval.spec import grid

    grid(dict(yaml_file.read(folder / "run.yaml")), "run.yaml", RunSpec)
    path = folder / "c.yaml"
    values = yaml_file.read(path)
    try:
        check_config(values, path, rng.choice(("stage1", "stage2")))
    except ValidationError as error:
        raise InputError(yaml_file.sentence(error, Config, str(path))) from error


OPTIONS = """run score report submit tasks models mic train build sources stage2 --task mme --model constant nothing
--data
embedded / hub: --limit 0 -1 3 x 1e9 --out --seed 18446744073709551616 --shots --frames --prompt --reading --config
--judge --answers --predictions --json --check --to openvlm --fresh --dry-run --scoring likelihood --seeds 0,1
0..99999999 --published 2023-09-17 --version -h -- *"""
WORDS = (*OPTIONS.split(), "", "http://x y", "\udcff", "\x1b[2J", "a\nb")


def _arguments(folder: Path, rng: random.Random) -> None:
    words = [rng.choice(WORDS) for _ in range(rng.randrange(1, 9))]
    ended = CliRunner().invoke(main, [*words, "--out", str(folder / "out")] if rng.random() < 0.5 else words)
    if ended.exit_code not in (0, 1, 2):
        raise AssertionError(f"{words}: status {ended.exit_code}\n{ended.output[-2000:]}")


def _tables(folder: Path) -> None:
    table = [line | {"prediction": line["answer"]} for line in mmbench_table.with_turns(mmbench_table.questions())]
    mmbench_table.write(folder / "mmbench.tsv", table)
    data = folder.parent / f"{folder.name}-data"
    make_release(data, pictures=1)
    run = evaluating.evaluate("constant", "mme", data=str(data), out=folder.parent / f"{folder.name}-run")
    put_lines(folder / "answers.jsonl", [{"id": one.id, "answer": one.text} for one in run.records])
    logged = ({"doc_id": n, "doc": {"id": one.id}, "resps": [[one.text]]} for n, one in enumerate(run.records))
    put_lines(folder / "log.jsonl", list(logged))


def _read_tables(folder: Path, rng: random.Random) -> None:
    data = str(folder.parent / f"{folder.name}-data")
    for read in (
        partial(score_predictions, "mmbench", str(folder / "mmbench.tsv")),
        partial(score_answers, "mme", str(folder / "answers.jsonl"), data=data),
        partial(score_answers, "mme", str(folder / "log.jsonl"), data=data),
    ):
        read()


def _lines(folder: Path) -> None:
    put_lines(folder / "a.jsonl", [{"id": str(n), "text": "x"} for n in range(5)])


def _read_lines(folder: Path, rng: random.Random) -> None:
    list(jsonl.read(folder / "a.jsonl", whole_lines=rng.random() < 0.5))


MIC: Mapping[str, Callable[[Path], None]] = {
    name: getattr(mic_folders, name)
    for name in (
        "vqav2",
        "okvqa",
        "gqa",
        "textvqa",
        "coco",
        "flickr30k",
        "nlvr2",
        "vcr",
        "refcoco",
        "vsr",
        "iconqa",
        "mic",
    )
}
TARGETS: Mapping[str, Target] = {
    "pictures": Target(_pictures, _decode),
    "videos": Target(lambda folder: mic_folders.clip(folder / "clip.mp4"), _frames),
    **{f"task {name}": _task(name) for name in TASKS},
    "card": Target(_card, _read_card),
    "run folder": Target(_run, _score),
    "checkpoint": Target(_checkpoint, _open),
    **{f"mic {name}": _mic(writer, name) for name, writer in MIC.items()},
    "configuration": Target(_configuration, _read_configuration),
    "arguments": Target(lambda folder: (folder / "a").write_text("a"), _arguments),
    "tables": Target(_tables, _read_tables),
    "json lines": Target(_lines, _read_lines),
}
