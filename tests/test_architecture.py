"""Allowed imports (docs/design.md), the dependencies of an install, and the cost of a fresh `import mmeval`."""

from __future__ import annotations

import ast
import configparser
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evaluating import evaluate
from tests.mme_folder import make_release

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "transformers", "datasets", "accelerate"}

MAY = {
    # room: the rooms of ours that it may import (its own always)
    "pictures": set(),
    "regular": set(),
    "types": {"pictures", "regular"},
    "yaml_file": {"types", "regular"},
    "reasoning": set(),
    "mmicl": {"pictures", "regular"},
    "spec": {"types"},
    "jsonl": {"types", "regular"},
    "files": {"types", "regular"},
    "provenance": {"types", "spec"},
    "startup": {"machine"},
    "machine": set(),
    "servers": {"types"},
    "scoring": {"types", "jsonl", "reasoning", "servers"},
    "data": {"types", "pictures", "scoring", "jsonl", "regular"},
    "embedded": {"types", "jsonl"},
    "task": {"types", "scoring", "data", "cards"},
    "configuration": {"types", "spec", "servers", "scoring", "task"},
    "cards": {"yaml_file", "types", "task", "scoring", "data"},
    "tasks": {"yaml_file", "types", "regular", "task", "scoring", "data", "cards"},
    "mic": {
        *("yaml_file", "types", "files", "regular", "pictures", "data", "cards", "mmicl", "task"),
        "scoring",
    },
    "task_loading": {"types", "task", "tasks", "cards", "mic"},
    "engine": {"types", "pictures", "mmicl", "models", "machine"},
    "models": {
        *("startup", "yaml_file", "types", "files", "regular", "reasoning", "mmicl", "engine", "servers"),
        *("provenance", "machine"),
    },
    "controls": {"types", "scoring", "embedded"},
    "runs": {"types", "spec", "files", "jsonl", "regular", "task", "data", "scoring"},
    "recipes": {"types", "spec", "runs", "files", "yaml_file"},
    "comparison": {"types", "spec", "task", "task_loading", "configuration", "runs", "scoring"},
    "gate": {"types", "comparison", "runs", "task_loading"},
    "reporting": {
        *("types", "files", "task", "tasks", "runs", "scoring", "data", "comparison", "parity", "spec"),
        *("provenance", "regular", "configuration", "task_loading"),
    },
    "evaluation": {
        *("startup", "types", "spec", "files", "jsonl", "pictures", "reasoning", "provenance", "task", "data"),
        *("scoring", "embedded", "models", "mmicl", "controls", "recipes", "runs", "reporting", "servers"),
        *("configuration", "task_loading", "regular"),
    },
    "answers": {"types", "spec", "task", "task_loading", "configuration", "data", "scoring", "runs", "evaluation"},
    "bias": {"types", "task", "task_loading", "configuration", "runs", "scoring", "controls", "files", "answers"},
    "parity": {"types", "files", "servers", "spec", "runs", "comparison", "evaluation"},
    "conversation": {"types", "spec", "data", "models", "controls"},
    "watch": {"types", "servers", "data", "jsonl", "scoring", "conversation"},
    "demo": {"types", "conversation", "embedded"},
    "cli": {
        *("conversation", "watch", "demo", "jsonl", "types", "spec", "yaml_file", "task", "tasks", "data", "models"),
        *("embedded", "mmicl", "mic", "scoring", "servers", "runs", "evaluation", "answers", "reporting"),
        *("comparison", "gate", "controls", "bias", "files", "parity", "recipes", "machine", "startup", "task_loading"),
        "cards",
    },
    "__main__": {"cli"},
}
TORCH_FREE = MAY.keys() - {"mmicl", "mic", "engine", "models"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "mmeval").rglob("*.py")):
        room = path.relative_to(ROOT / "mmeval").parts[0].removesuffix(".py")
        if room != "__init__":
            yield room, path
    yield from (("tasks", path) for path in sorted((ROOT / "tasks").rglob("*.py")))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize(("room", "path"), list(modules()), ids=lambda value: getattr(value, "name", value))
def test_every_module_keeps_to_its_room(room: str, path: Path) -> None:
    assert room in MAY, f"the room '{room}' is not in docs/design.md"
    for name in imported(path):
        first, _, rest = name.partition(".")
        if first == "mmeval" and rest:
            imported_room = rest.partition(".")[0]
            assert imported_room == room or imported_room in MAY[room] or imported_room.startswith("__"), (
                f"{path} imports {name}"
            )
        if room in TORCH_FREE:
            lazily = room in {"evaluation", "data"}  # inside functions, once the user has asked for a model or a hub
            assert first not in HEAVY or lazily, f"{path} imports {name}"


def test_readings_score_one_answer_and_know_no_metric() -> None:
    for path in sorted((ROOT / "mmeval" / "scoring" / "readings").rglob("*.py")):
        assert not [name for name in imported(path) if name.startswith("mmeval.scoring.metrics")], path


def test_every_package_is_listed_in_setup_cfg() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "mmeval").rglob("__init__.py")}
    elsewhere = {line.split(" = ")[0] for line in config["options"]["package_dir"].strip().splitlines()}
    assert listed == packages | elsewhere


VERBS = ("run", "sweep", "score", "report", "bias", "compare", "submit", "export", "tasks", "models")
MODELS = {"torch", "transformers", "pandas", "matplotlib", "asyncio", "httpx2"}
NUMBERS = {"scipy", "numpy", "pydantic"}


@pytest.mark.parametrize(
    ("commands", "unneeded"),
    [
        ([["--help"], *([verb, "--help"] for verb in VERBS), ["models"], ["tasks"]], MODELS | NUMBERS),
        ([["score", "RUN"]], MODELS),
    ],
    ids=["help and lists", "score"],
)
def test_a_command_imports_nothing_that_it_does_not_need(
    tmp_path: Path, commands: list[list[str]], unneeded: set[str]
) -> None:
    run = scored_run(tmp_path)
    code = (
        "import contextlib, io, json, sys; from mmeval.cli import main\n"
        "for command in json.loads(sys.argv[1]):\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        assert main.main(command, standalone_mode=False) in (0, None), command\n"
        "print(*sys.modules)"
    )
    named = json.dumps([[str(run) if word == "RUN" else word for word in command] for command in commands])
    loaded = subprocess.check_output([sys.executable, "-c", code, named], text=True).split()
    assert unneeded.isdisjoint(loaded)


def scored_run(folder: Path) -> Path:
    data = make_release(folder / "data", pictures=1)
    return evaluate("constant", "mme", data=str(data), out=folder / "run").folder
