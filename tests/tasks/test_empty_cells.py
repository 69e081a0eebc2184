"""A missing value in a benchmark's own file is neither asked nor expected as the words None or nan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmeval.task_loading import load_task
from mmeval.types import InputError, Sample
from tests.tasks.test_prompts import WRITERS

NAN = float("nan")


def changed(folder: Path, task: str, file: str, key: str, value: object) -> list[Sample]:
    """The questions of a small folder in which a key has that value wherever it occurs in that file."""

    def put(node: Any) -> Any:
        if isinstance(node, list):
            return [put(child) for child in node]
        if not isinstance(node, dict):
            return node
        return {name: value if name == key else put(child) for name, child in node.items()}

    WRITERS[task](folder)
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    (folder / file).write_text("".join(f"{json.dumps(put(json.loads(line)))}\n" for line in lines), encoding="utf-8")
    loaded = load_task(task)
    return list(loaded.few_shot(str(folder), 1, 0) if loaded.few_shot else loaded.samples(str(folder)))


def words(samples: list[Sample]) -> Iterator[str]:
    for sample in samples:
        yield from (part for part in sample.prompt if isinstance(part, str))
        yield from (*sample.targets, sample.category, *sample.tags.values(), *(shot.answer for shot in sample.shots))


@pytest.mark.parametrize("missing", [None, NAN, ""])
@pytest.mark.parametrize(
    ("task", "file", "key"),
    [
        ("hateful-memes", "test_seen.jsonl", "text"),
        ("scienceqa", "problems.json", "hint"),
        ("winoground", "examples.jsonl", "collapsed_tag"),
    ],
)
def test_a_missing_text_is_empty(task: str, file: str, key: str, missing: object, tmp_path: Path) -> None:
    questions = changed(tmp_path, task, file, key, missing)
    assert questions
    assert {"None", "nan"}.isdisjoint(word for text in words(questions) for word in text.split())


@pytest.mark.parametrize(
    ("task", "file", "key", "value"),
    [
        ("vl-icl", "operator_induction/query.json", "answer", None),
        ("vl-icl", "operator_induction/query.json", "answer", NAN),
        ("vl-icl", "operator_induction/query.json", "answer", [1, 2]),
        ("hateful-memes", "train.jsonl", "text", ["a", "b"]),
        ("scienceqa", "problems.json", "hint", {"a": "b"}),
    ],
)
def test_what_is_not_a_text_is_refused(task: str, file: str, key: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{Path(file).name}.*: the column {key} is .*; it must be a text"):
        changed(tmp_path, task, file, key, value)


@pytest.mark.parametrize("missing", [None, NAN, ""])
def test_a_missing_caption_is_refused(missing: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset_flickr30k.json, item 1: a caption is empty"):
        changed(tmp_path, "flickr30k", "dataset_flickr30k.json", "raw", missing)


def test_a_demonstration_needs_its_answer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"support.json, line [0-9]: the column answer is None; it must be a text"):
        changed(tmp_path, "vl-icl", "operator_induction/support.json", "answer", [None, None, None])
