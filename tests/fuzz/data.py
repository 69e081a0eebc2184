"""Data: pictures, videos, every benchmark's files, cards, predictions and answers, the sources of MIC and its sets."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import yaml

from mmeval import jsonl
from mmeval.answers import score_answers, score_predictions
from mmeval.cards.task import load as load_card
from mmeval.data import tables, video
from mmeval.data.samplers import SAMPLERS
from mmeval.evaluation.rendering import render
from mmeval.mic.build import build
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.tasks import TASKS
from mmeval.types import Image, images
from tests import evaluating, mmbench_table
from tests import test_answers_of_inspect_ai as inspect_logs
from tests.fuzz.target import Target, command
from tests.mic import mic_folders
from tests.mme_folder import make_release
from tests.tasks.small_folders import jsonl as put_lines
from tests.tasks.small_folders import picture
from tests.tasks.test_cards import TOOLS
from tests.tasks.test_prompts import WRITERS


def _show_all(task: Task, source: str) -> None:
    """Render every sample and decode its pictures."""
    prompt = next(iter(task.prompts))
    for sample in task.samples(source):
        for image in images(render(task, sample, prompt).prompt):
            _ = image.digest
            image.decode()


def _task(name: str) -> Target:
    locations: dict[Path, str] = {}

    def make(folder: Path) -> None:
        locations[folder] = WRITERS[name](folder) or ""

    return Target(make, lambda folder, rng: _show_all(load_task(name), str(folder / locations[folder])))


def _pictures(folder: Path) -> None:
    for number, kind in enumerate(("png", "jpg", "gif", "webp", "bmp", "ppm")):
        path = folder / f"{number}.{kind}"
        picture(folder / "a.png", number, 24)
        Image(folder / "a.png").decode().convert("RGB").save(path)


def _decode(folder: Path, rng: random.Random) -> None:
    for path in sorted(folder.iterdir()):
        Image(path, path.name).decode()


def _saved(folder: Path) -> None:
    from tests.data import test_saved  # it imports datasets, which takes long

    test_saved.save(folder)


def _read_saved(folder: Path, rng: random.Random) -> None:
    for row in tables.read(str(folder), (), {"split": "val"}, "some-task"):
        for name in ("image", "pictures"):
            for image in row.images(name) if name in row.values else ():
                image.decode()


def _frames(folder: Path, rng: random.Random) -> None:
    frames, _ = video.frames(folder, ["clip.mp4"], "row 1", 3, rng.choice([*SAMPLERS]))
    for image in frames:
        image.decode()


def _card(folder: Path) -> None:
    (folder / "my.yaml").write_text(yaml.safe_dump(TOOLS), encoding="utf-8")
    options = {"A": "saw", "B": "file", "C": "", "D": ""}
    row = {"right": "A", "photo": "a.png", "trade": "wood", **options}
    put_lines(folder / "questions.jsonl", [{"ask": f"Which {n}?", **row} for n in range(3)])
    picture(folder / "a.png")
    picture(folder / "photos" / "a.png")


def _read_card(folder: Path, rng: random.Random) -> None:
    task = load_card(folder / "my.yaml")
    for sample in task.samples(str(folder)):
        render(task, sample, next(iter(task.prompts)))


def _mic_set(folder: Path) -> None:
    mic_folders.vqav2(folder.with_name(f"{folder.name}-root"))
    build("vqav2", folder.with_name(f"{folder.name}-root"), folder, limit=3)


def _read_mic_set(folder: Path, rng: random.Random) -> None:
    name = f"mic:{folder / 'train.jsonl'}"
    _show_all(load_task(name), load_task(name).default_source)


def _source(writer: Callable[[Path], None], source: str) -> Target:
    def read(folder: Path, rng: random.Random) -> None:
        out = folder.with_name(f"{folder.name}-out")
        shutil.rmtree(out, ignore_errors=True)
        build(source, folder, out, limit=3, allow_skipped=1)

    return Target(writer, read)


def _built(folder: Path) -> None:
    mic_folders.vqav2(folder.with_name(f"{folder.name}-root"))
    build("vqav2", folder.with_name(f"{folder.name}-root"), folder / "out", limit=3)


def _build_again(folder: Path, rng: random.Random) -> None:
    build("vqav2", folder.with_name(f"{folder.name}-root"), folder / "out", limit=3)


def _tables(folder: Path) -> None:
    table = [line | {"prediction": line["answer"]} for line in mmbench_table.with_turns(mmbench_table.questions())]
    mmbench_table.write(folder / "mmbench.tsv", table)
    data = folder.parent / f"{folder.name}-data"
    make_release(data, pictures=1)
    run = evaluating.evaluate("constant", "mme", data=str(data), out=folder.parent / f"{folder.name}-run")
    put_lines(folder / "answers.jsonl", [{"id": record.id, "answer": record.text} for record in run.records])
    logged = ({"doc_id": n, "doc": {"id": record.id}, "resps": [[record.text]]} for n, record in enumerate(run.records))
    put_lines(folder / "log.jsonl", list(logged))


def _read_tables(folder: Path, rng: random.Random) -> None:
    data = str(folder.parent / f"{folder.name}-data")
    for read in (
        partial(score_predictions, "mmbench", str(folder / "mmbench.tsv")),
        partial(score_answers, "mme", str(folder / "answers.jsonl"), data=data),
        partial(score_answers, "mme", str(folder / "log.jsonl"), data=data),
    ):
        read()


def _logs(folder: Path) -> None:
    data = folder.with_name(f"{folder.name}-data")
    data.mkdir(exist_ok=True)
    inspect_logs.write_card(data)
    shutil.copy(inspect_logs.RECORDING, folder / "log.eval")
    mic_folders.put(folder / "log.json", inspect_logs.log(*(inspect_logs.sample(n) for n in range(4))))


def _read_logs(folder: Path, rng: random.Random) -> None:
    card = folder.with_name(f"{folder.name}-data") / "own.yaml"
    for name in ("log.eval", "log.json"):
        score_answers(str(card), str(folder / name))


def _submissions(folder: Path) -> None:
    """Write what is sent to leaderboards, as the benchmarks' own folders and tables."""
    data = make_release(folder.with_name(f"{folder.name}-data"), pictures=1)
    run = folder.with_name(f"{folder.name}-run")
    command("run", "--task", "mme", "--model", "constant", "--data", data, "--out", run)
    shutil.copytree(run / "results", folder / "mme")
    for board in ("mme", "openvlm"):
        command("submit", run, "--to", board, "--out", folder / board)


def _check_submissions(folder: Path, rng: random.Random) -> None:
    board = rng.choice(("mme", "openvlm", "mmbench"))
    command("submit", "--check", rng.choice([folder / "mme", *sorted(folder.glob("*/*"))]), "--to", board)


def _lines(folder: Path) -> None:
    put_lines(folder / "a.jsonl", [{"id": str(n), "text": "x"} for n in range(5)])


def _read_lines(folder: Path, rng: random.Random) -> None:
    list(jsonl.read(folder / "a.jsonl", whole_lines=rng.random() < 0.5))


MIC = ("vqav2", "okvqa", "gqa", "textvqa", "coco", "flickr30k", "nlvr2", "vcr", "refcoco", "vsr", "iconqa", "mic")
TARGETS: Mapping[str, Target] = {
    "pictures": Target(_pictures, _decode),
    "saved data set": Target(_saved, _read_saved),
    "videos": Target(lambda folder: mic_folders.clip(folder / "clip.mp4"), _frames),
    **{f"task {name}": _task(name) for name in TASKS},
    "card": Target(_card, _read_card),
    **{f"mic {name}": _source(getattr(mic_folders, name), name) for name in MIC},
    "mic set": Target(_mic_set, _read_mic_set),
    "mic build": Target(_built, _build_again),
    "tables": Target(_tables, _read_tables),
    "logs of inspect_ai": Target(_logs, _read_logs),
    "submissions": Target(_submissions, _check_submissions),
    "json lines": Target(_lines, _read_lines),
}
