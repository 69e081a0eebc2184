"""User input: options, run files, grids, recipes, questions, streams."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from pydantic import ValidationError

from mmeval import recipes, yaml_file
from mmeval.spec import RunSpec, grid
from mmeval.types import InputError
from tests.fuzz.target import Target, command
from tests.mic import mic_folders
from tests.mme_folder import make_release
from tests.tasks.small_folders import jsonl as put_lines
from tests.tasks.small_folders import picture

OPTIONS = """run score report submit tasks models mic train build sources stage2 compare bias export recipes sweep ask
watch parity doctor check --task mme --model constant nothing python: server: chat: constant:x --data
embedded / hub: --limit 0 -1 3 x 1e9 --out --seed 18446744073709551616 --shots --frames --prompt --reading --config
--judge --answers --predictions --json --check --to openvlm --fresh --dry-run --scoring likelihood --seeds 0,1
0..99999999 --published 2023-09-17 --version -h -- * --control blind all prompts --only-ids --recipe mmicl-paper
--gate A>B --margin nan --choices a,b --shot a=b --jsonl - --question --every --span --hold --on --page 99999
--log-to wandb csv --model-args a=b,c --temperature inf --samples --system --needs-picture --early-stop"""
WORDS = (*OPTIONS.split(), "", "http://x y", "http://u:p@h:99999/", "\udcff", "\x1b[2J", "\x9b2J", "a\nb")


def _arguments(folder: Path, rng: random.Random) -> None:
    words = [rng.choice(WORDS) for _ in range(rng.randrange(1, 9))]
    command(*words, *(["--out", folder / "out"] if rng.random() < 0.5 else []))


def _configuration(folder: Path) -> None:
    text = "model: base\ndata: [a.jsonl]\noutput: out\ntrainable: lora\nlora: {rank: 4}\nbetas: [0.9, 0.99]\nseed: 1\n"
    (folder / "c.yaml").write_text(f"{text}evaluate: {{mme: null, pope: embedded}}\nevaluate_limit: 3\n")


def _read_configuration(folder: Path, rng: random.Random) -> None:
    from mmeval.evaluation.during_training import benchmarks_of
    from mmeval.mmicl.training.config import Config, check_config

    path = folder / "c.yaml"
    try:
        config = check_config(yaml_file.read(path), path, rng.choice(("stage1", "stage2")))
    except ValidationError as error:
        raise InputError(yaml_file.sentence(error, Config, str(path))) from error
    benchmarks_of(config.evaluate or {}, config.evaluate_limit, folder, config.context, print)


def _run_files(folder: Path) -> None:
    make_release(folder.with_name(f"{folder.name}-data"), pictures=1)
    data = folder.with_name(f"{folder.name}-data")
    text = f"task: [mme]\nmodel: [constant, 'constant:no']\ndata: {data}\nlimit: 3\nseed: 0\n"
    (folder / "grid.yaml").write_text(text)
    (folder / "run.yaml").write_text("task: mme\nmodel: constant\nlimit: 3\nseed: [0, 1]\n")


def _read_run_files(folder: Path, rng: random.Random) -> None:
    for name in ("run.yaml", "grid.yaml"):
        grid(dict(yaml_file.read(folder / name)), name)


def _sweep(folder: Path, rng: random.Random) -> None:
    out = folder.with_name(f"{folder.name}-out")
    shutil.rmtree(out, ignore_errors=True)
    command("sweep", folder / "grid.yaml", "--out", out)


def _recipes(folder: Path) -> None:
    for name in recipes.names():
        text = resources.files("mmeval.recipes").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _apply_recipes(folder: Path, rng: random.Random) -> None:
    with mock.patch("mmeval.recipes.resources", SimpleNamespace(files=lambda _: folder)):
        for name in recipes.names():
            task = rng.choice(list(recipes.load(name).tasks))
            recipes.apply(RunSpec(task, "constant", recipe=name))
            recipes.remark(name, task)


def _questions(folder: Path) -> None:
    picture(folder / "a.png")
    questions: list[dict[str, Any]] = [
        {"id": 1, "prompt": [{"image": "a.png"}, "what is this ?"]},
        {"id": "b", "prompt": "is it red ?", "choices": ["yes", "no"]},
        {"prompt": ["is it ?"], "shots": [{"prompt": [{"image": "a.png"}, "is it ?"], "answer": "no"}]},
    ]
    put_lines(folder / "questions.jsonl", questions)


def _ask(folder: Path, rng: random.Random) -> None:
    command("ask", "--jsonl", folder / "questions.jsonl", "--model", "constant")


def _typed(folder: Path, rng: random.Random) -> None:
    """Enter the file's lines as a user would type them."""
    command("ask", "--chat", "--model", "constant", given=(folder / "questions.jsonl").read_bytes())


def _watch(folder: Path, rng: random.Random) -> None:
    clip = folder / "clip.mp4"
    arguments = ("is it red ?", "--every", "0.01", "--frames", "2", "--model", "constant", "--out", folder / "events")
    if rng.random() < 0.5:
        command("watch", clip, *arguments)
    else:
        command("watch", "-", *arguments, given=clip.read_bytes())
    shutil.rmtree(folder / "events", ignore_errors=True)


def _clip(folder: Path) -> None:
    mic_folders.clip(folder / "clip.mp4")


TARGETS: Mapping[str, Target] = {
    "arguments": Target(lambda folder: (folder / "a").write_text("a"), _arguments),
    "configuration": Target(_configuration, _read_configuration),
    "run files": Target(_run_files, _read_run_files),
    "grids": Target(_run_files, _sweep),
    "recipes": Target(_recipes, _apply_recipes),
    "questions": Target(_questions, _ask),
    "typed lines": Target(_questions, _typed),
    "streams": Target(_clip, _watch),
}
