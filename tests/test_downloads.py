"""What huggingface_hub, transformers and datasets really do: a hub of the tests, then its cache without a hub."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmeval.data import hub
from mmeval.mmicl.training.shards import open_source, rows_of
from mmeval.models import find_model, load_model
from mmeval.types import Generation, InputError, Request
from tests.fake_hub import COMMIT, NAME, serving
from tests.mmicl import mmicl_small
from tests.models import chat_zoo


@pytest.mark.slow
@pytest.mark.parametrize("adapter", ["chat", "blip2"])
def test_a_model_that_was_downloaded_is_opened_without_a_network(
    adapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, checkpoint = tmp_path / "repository", find_model(f"{adapter}:{NAME}")
    if adapter == "chat":
        chat_zoo.save("llava", folder)
    else:
        mmicl_small.write(folder, "t5", "blip-2")
    with serving(folder, tmp_path / "cache", monkeypatch):
        model = load_model(checkpoint)
        (expected,) = model.generate([Request("q", ("a cat ?",))], Generation(3))
        with pytest.raises(InputError, match=r"owner/other: .*(no such model|cannot be fetched)"):
            load_model(find_model(f"{adapter}:owner/other"))
    assert expected.error is None
    (answer,) = load_model(checkpoint).generate([Request("q", ("a cat ?",))], Generation(3))
    assert answer.text == expected.text


@pytest.mark.slow
def test_a_table_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"question": f"{number} ?", "image": {"bytes": b"png", "path": f"{number}.png"}} for number in range(250)]
    file = tmp_path / "repository" / "data" / "test-00000-of-00001.parquet"
    file.parent.mkdir(parents=True)
    features = (
        '{"info": {"features": {"question": {"dtype": "string", "_type": "Value"}, "image": {"_type": "Image"}}}}'
    )
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": features})
    pq.write_table(table, file, row_group_size=100)
    with serving(tmp_path / "repository", tmp_path / "cache", monkeypatch):
        assert [row for row, _ in hub.values(NAME, COMMIT, "test")] == rows
    hub._table.cache_clear()
    assert [row for row, _ in hub.values(NAME, COMMIT, "test")] == rows


def test_a_stream_of_training_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "repository" / "train"
    folder.mkdir(parents=True)
    published = [{"input_text": f"what is {number} ?", "output_text": "red"} for number in range(250)]
    pq.write_table(pa.Table.from_pylist(published), folder / "a.parquet", row_group_size=100)
    examples = [{"id": str(number), "turns": [{"ask": ["a ?"], "answer": "b"}]} for number in range(50)]
    (folder / "b.jsonl").write_text("".join(f"{json.dumps(example)}\n" for example in examples))
    with serving(tmp_path / "repository", tmp_path / "cache", monkeypatch):
        units = open_source(f"hf://datasets/{NAME}").units
        rows = [row for unit in units for _, _, row in rows_of(unit)]
    assert sorted(map(str, rows)) == sorted(map(str, [*published, *examples]))
