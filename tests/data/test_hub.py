"""The hub is asked only for a pinned revision, and a missing hub is reported in a sentence."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from httpx2 import HTTPError, ReadTimeout

from mmeval.data import hub
from mmeval.types import InputError

PLACE = {"repo": "lmms-lab/MME", "revision": "d6c9023f017b", "split": "test"}


@dataclass
class Picture:
    decode: bool = True


@dataclass
class Several:
    feature: object


class DatasetsError(Exception):
    """The base class of the package's own errors; it is neither an OSError nor a ValueError."""


class Table(list[dict[str, Any]]):
    """Rows that remember which columns were cast, and to what."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, object]) -> None:
        super().__init__(rows)
        self.features = features

    def cast_column(self, name: str, kind: object) -> Table:
        return Table(self[:], {**self.features, name: kind})

    def __iter__(self) -> Any:
        assert self.features["image"] == Picture(decode=False)
        assert self.features.get("image_list", Several(Picture(False))) == Several(Picture(False))
        return super().__iter__()


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_answers", lambda: True)
    hub._table.cache_clear()


def put_fake_datasets(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    exceptions = SimpleNamespace(DatasetsError=DatasetsError)
    fake = SimpleNamespace(load_dataset=load, Image=Picture, List=Several, exceptions=exceptions)
    monkeypatch.setitem(sys.modules, "datasets", fake)


def test_rows_keep_their_pictures_encoded_and_the_hub_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[tuple[str, str, str]] = []
    values = {"question_id": "OCR/a.png", "image": {"bytes": b"png", "path": None}, "question": "a?", "answer": "Yes"}

    def load(repo: str, revision: str, split: str) -> Any:
        requested.append((repo, revision, split))
        return Table([values | {"category": "OCR"}], {"image": Picture(), "image_list": Several(Picture())})

    put_fake_datasets(monkeypatch, load)
    ((row, where),) = hub.values(**PLACE)
    assert [*hub.values(**PLACE)] == [(row, where)]
    assert (row["question_id"], row["image"]["bytes"], where) == ("OCR/a.png", b"png", "lmms-lab/MME, row 1")
    assert requested == [tuple(PLACE.values())]


def test_real_datasets_give_the_columns_that_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    image = pa.array([{"bytes": b"png", "path": "a.png"}])
    columns = {"question_id": ["OCR/a.png"], "question": ["a?"], "answer": ["Yes"], "category": ["OCR"]}
    table = datasets.Dataset(pa.table({"image": image, **columns}))
    monkeypatch.setattr(datasets, "load_dataset", lambda repo, revision, split: table)
    ((row, _),) = hub.values(**PLACE)
    assert (row["category"], row["image"]["bytes"]) == ("OCR", b"png")


def test_a_gated_data_set_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(repo: str, revision: str, split: str) -> Any:
        raise FileNotFoundError(f"Dataset '{repo}' is a gated dataset on the Hub. You must be authenticated.")

    put_fake_datasets(monkeypatch, load)
    with pytest.raises(InputError, match=r"accept its conditions at huggingface.co/datasets/lmms-lab/MME, then run"):
        next(hub.values(**PLACE))


def test_no_network_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(repo: str, revision: str, split: str) -> Any:
        raise ConnectionError("Couldn't reach the Hub\nand forty lines more")

    put_fake_datasets(monkeypatch, load)
    with pytest.raises(InputError, match=r"lmms-lab/MME at d6c9023f017b .*Couldn't reach the Hub\); check the network"):
        next(hub.values(**PLACE))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DatasetsError("An error occurred while generating the dataset"), "An error occurred while generating"),
        (RuntimeError("Task error: CAS Client Error: status 404"), "Task error: CAS Client Error"),  # of hf_xet
        (ReadTimeout(""), r"ReadTimeout\)"),
    ],
)
def test_whatever_breaks_while_loading_is_a_sentence(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(repo: str, revision: str, split: str) -> Any:
        raise error

    put_fake_datasets(monkeypatch, load)
    with pytest.raises(InputError, match=rf"cannot be loaded from the hub \({sentence}"):
        next(hub.values(**PLACE))


def test_the_errors_of_the_hubs_client_are_those_that_are_caught() -> None:
    from huggingface_hub import get_session
    from huggingface_hub.errors import HfHubHTTPError

    assert issubclass(HfHubHTTPError, HTTPError)  # of httpx, not httpx2, before huggingface_hub 2
    with pytest.raises(HTTPError):
        get_session().get("http://127.0.0.1:9")


def test_a_hub_that_does_not_answer_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    from huggingface_hub import constants

    monkeypatch.undo()  # `_answers` itself is asked
    requested: list[object] = []

    def load(repo: str, **options: str) -> Any:
        requested.append((constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE))
        raise ConnectionError("OfflineModeIsEnabled")

    def head(address: str, timeout: float) -> Any:
        requested.append((address, timeout))
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr("huggingface_hub.get_session", lambda: SimpleNamespace(head=head))
    original = constants.HF_HUB_OFFLINE
    with pytest.raises(InputError, match=r"cannot be loaded from the hub \(it does not answer\); check the network"):
        next(hub.values(**PLACE))
    assert requested == [(constants.ENDPOINT, hub.SECONDS), (True, True)]
    assert original == constants.HF_HUB_OFFLINE


def test_the_hubs_retries_are_not_printed(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def load(repo: str, revision: str, split: str) -> Any:
        logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 1s [Retry 1/5].")
        raise ConnectionError("Couldn't reach the Hub")

    put_fake_datasets(monkeypatch, load)
    with pytest.raises(InputError, match="check the network"):
        next(hub.values(**PLACE))
    assert not caplog.records


def test_datasets_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"pip install 'mmeval-harness\[hf\]'"):
        next(hub.values(**PLACE))
