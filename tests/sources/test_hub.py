"""The hub is asked only for a pinned revision, and its absence is a sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from mmeval.sources import hub
from mmeval.types import InputError

PLACE = {"repo": "lmms-lab/MME", "revision": "d6c9023f017b", "split": "test"}


def instead(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    fake = SimpleNamespace(load_dataset=load, Image=lambda decode: decode)
    monkeypatch.setitem(sys.modules, "datasets", fake)


def test_rows_keep_their_pictures_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    values = {"question_id": "OCR/a.png", "image": {"bytes": b"png", "path": None}, "question": "a?", "answer": "Yes"}

    def load(repo: str, revision: str, split: str) -> Any:
        asked.append((repo, revision, split))
        return SimpleNamespace(cast_column=lambda column, decode: [values | {"category": "OCR"}] if not decode else [])

    instead(monkeypatch, load)
    (row,) = hub.rows(**PLACE)
    assert (row.picture, row.image.data) == ("a.png", b"png")
    assert asked == [tuple(PLACE.values())]


def test_real_datasets_give_the_columns_that_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    image = pa.array([{"bytes": b"png", "path": "a.png"}])
    columns = {"question_id": ["OCR/a.png"], "question": ["a?"], "answer": ["Yes"], "category": ["OCR"]}
    table = datasets.Dataset(pa.table({"image": image, **columns}))
    monkeypatch.setattr(datasets, "load_dataset", lambda repo, revision, split: table)
    (row,) = hub.rows(**PLACE)
    assert (row.subtask, row.image.data) == ("OCR", b"png")


def test_no_network_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(repo: str, revision: str, split: str) -> Any:
        raise ConnectionError("Couldn't reach the Hub\nand forty lines more")

    instead(monkeypatch, load)
    with pytest.raises(InputError, match=r"lmms-lab/MME at d6c9023f017b .*Couldn't reach the Hub\); check the network"):
        next(hub.rows(**PLACE))


def test_datasets_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"pip install 'mmeval-harness\[hf\]'"):
        next(hub.rows(**PLACE))
