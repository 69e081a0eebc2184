"""Tasks mention their own pictures by references, never by numbers in a text; each model words them itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmeval.evaluation import plan
from mmeval.task_loading import load_task
from mmeval.types import Request
from tests.tasks.test_prompts import WRITERS

ROOT = Path(__file__).resolve().parents[2]
SPOKEN = re.compile(r"\bimages? #?[0-9{]|\b(picture|photo)s? #?[0-9]", re.IGNORECASE)


@pytest.mark.parametrize("path", sorted((ROOT / "tasks").glob("*.*")), ids=lambda path: path.name)
def test_no_task_writes_a_picture_by_its_number(path: Path) -> None:
    words = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":  # a card's prompts; its columns are called as the data has them
        words = words.partition("\nprompts:")[2]
    spoken = [match[0] for match in SPOKEN.finditer(words)]
    assert not spoken, f"{path.name}: {spoken}; write a Ref"


@pytest.mark.parametrize("name", ["nlvr2", "winoground-joint"])
def test_what_is_asked_of_several_pictures_refers_to_them(name: str, tmp_path: Path) -> None:
    from mmeval import RunSpec
    from mmeval.types import Ref

    data = tmp_path / (WRITERS[name](tmp_path) or "")
    planned = plan(RunSpec(name, "constant", str(data), prompt=next(iter(load_task(name).prompts))))
    requests: list[Request] = [request for _, request in planned.requests(planned.task.samples(planned.source))]
    assert all(any(isinstance(part, Ref) for part in request.prompt) for request in requests)
