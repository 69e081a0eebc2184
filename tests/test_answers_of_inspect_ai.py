"""Logs of inspect_ai: each is joined to the questions as other answers are, and a damaged one is a sentence."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import yaml

from mmeval.answers import score_answers
from mmeval.answers.joining import join
from mmeval.data import inspect_ai
from mmeval.runs.schema import Results
from mmeval.types import Image, InputError, Sample
from tests.mic.mic_folders import put
from tests.tasks.small_folders import call, jsonl, picture, value
from tests.test_sampled_runs import drawing

RECORDING = Path(__file__).parent / "recordings" / "inspect_ai.eval"
OPTIONS = ["a cat", "a dog", "a hen", "none"]
JSON = "samples/q0_epoch_1.json"


def write_card(folder: Path) -> Path:
    """Write a benchmark of the recorded questions; no answer to them needs the pictures."""
    fields = {"question": "ask", "answer": "right", "options": list("abcd"), "pictures": "photo", "id": "id"}
    content = {"about": "four pictures", "kind": "multiple choice", "files": "q.jsonl", "fields": fields}
    (folder / "own.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    options = dict(zip("abcd", OPTIONS, strict=True))
    rows = [{"id": f"q{n}", "ask": f"What is in picture {n}?", "right": "ABCD"[n], "photo": "0.png"} for n in range(4)]
    jsonl(folder / "q.jsonl", [row | options for row in rows])
    return folder / "own.yaml"


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_card(tmp_path_factory.mktemp("card"))


def sample(n: int = 0, answer: str = "ANSWER: A", epoch: int = 1, **keys: Any) -> dict[str, Any]:
    """A sample of the card, as inspect_ai logs it."""
    message = {
        "role": "user",
        "content": [{"type": "image", "image": "attachment://0"}, text(f"What is in picture {n}?")],
    }
    output = {"completion": answer, "choices": [{"message": {"role": "assistant", "content": answer}}]}
    known = {"id": f"q{n}", "epoch": epoch, "input": [message], "choices": OPTIONS, "target": "A", "output": output}
    return {**known, "attachments": {"0": "data:image/png;base64,"}, **keys}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def log(*samples: Any, shuffled: bool = False, **config: Any) -> dict[str, Any]:
    ids = list(dict.fromkeys(one["id"] for one in samples if isinstance(one, dict)))
    about = {"task": "t", "dataset": {"sample_ids": ids, "shuffled": shuffled}, "config": config}
    return {"version": 2, "status": "success", "eval": about, "results": {"total_samples": 1}, "samples": list(samples)}


def scored(card: Path, folder: Path, *samples: Any) -> Results:
    return score_answers(str(card), str(put(folder / "log.json", log(*samples))))[1]


def archive(
    path: Path, members: Mapping[str, bytes], change: Callable[[zipfile.ZipInfo], Any] = lambda item: None
) -> Path:
    """Write members compressed with Zstandard, which Python's zipfile cannot before 3.14; `change` the last one."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, pyarrow.Codec("zstd").compress(content, asbytes=True))
            item = file.infolist()[-1]
            item.compress_type, item.file_size, item.CRC = inspect_ai.ZSTANDARD, len(content), zlib.crc32(content)
        change(item)
    return path


def members(*samples: Any) -> dict[str, bytes]:
    parts = {f"samples/{one['id']}_epoch_{one['epoch']}.json": json.dumps(one).encode() for one in samples}
    return {"header.json": json.dumps({**log(*samples), "samples": None}).encode(), **parts}


def test_a_log_of_inspect_ai_has_its_accuracy(card: Path) -> None:
    scored, results = score_answers(str(card), str(RECORDING))
    assert value(results, "overall") == 62.5  # as inspect_ai: 3 of 4 in the first epoch, 2 of 4 in the second
    assert [record.samples for record in scored.records][3] == ("ANSWER: A", "ANSWER: B")
    assert (results.answered, results.counts.samples, results.marks) == (4, 8, [])
    assert "4 of 4 rows answer one of the 4 questions (output; joined by sample_id)" in results.remarks[0]
    low, high = results.metrics["overall"].low, results.metrics["overall"].high
    assert low is not None and high is not None and low < 62.5 < high


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, inspect_ai.ZSTANDARD, None])
def test_every_form_of_a_log(method: int | None, card: Path, tmp_path: Path) -> None:
    samples = [sample(n, f"ANSWER: {letter}") for n, letter in enumerate("ABDD")]
    if method is None:
        path = put(tmp_path / "log.json", log(*samples))
    elif method == inspect_ai.ZSTANDARD:
        path = archive(tmp_path / "log.eval", members(*samples))
    else:
        path = tmp_path / "log.eval"
        with zipfile.ZipFile(path, "w", method) as file:
            for name, content in members(*samples).items():
                file.writestr(
                    name.replace("_epoch_1.", "_epoch_1/sample.") if method == zipfile.ZIP_STORED else name, content
                )
    assert value(score_answers(str(card), str(path))[1], "overall") == 75


def test_metadata_names_the_question_where_the_ids_are_counted(card: Path, tmp_path: Path) -> None:
    metadata = [{"question_id": f"q{n}", "answer": "A", "prediction": "A", "text": "A"} for n in range(4)]
    results = scored(card, tmp_path, *(sample(n, "B", metadata=metadata[n]) | {"id": n + 1} for n in range(4)))
    assert value(results, "overall") == 25  # only the second is B: the answer is not in the metadata
    assert "joined by question_id" in results.remarks[0]


def test_samples_without_ids_are_in_the_order_of_the_data(card: Path, tmp_path: Path) -> None:
    """The log lists its samples as they ended; the ids of the data are in its order."""
    samples = [sample(n, f"ANSWER: {'ABCD'[n]}") | {"id": n + 1} for n in range(4)]
    document = log(*samples) | {"samples": [samples[3], samples[0], samples[1]]}  # stopped before the third ended
    results = score_answers(str(card), str(put(tmp_path / "log.json", document)))[1]
    assert (value(results, "overall"), results.answered) == (100, 3)
    assert results.marks[0] == "unfinished: 1 of 4 questions has no answer"


@pytest.mark.parametrize(
    "about", [{"shuffled": True}, {"sample_id": [8, 9]}, {"limit": [2, 4]}, {"sample_shuffle": 1}, {}]
)
def test_the_same_question_is_joined_by_its_place_only_if_that_is_known(about: dict[str, Any], tmp_path: Path) -> None:
    samples = [Sample(f"id-{n}", (Image(b""), "How many?"), ("A",)) for n in range(4)]
    logged = [sample(n, str(n), input="How many?") | {"id": n + 1} for n in range(4)]
    path = put(tmp_path / "log.json", log(*logged, **about) | {"samples": [logged[3], logged[1]]})
    if not about:
        assert [(record.id, record.text) for record in join(samples, path).records] == [("id-1", "1"), ("id-3", "3")]
    else:
        with pytest.raises(InputError, match="its questions are not in the order of the data"):
            join(samples, path)


def test_errors_are_errors_and_a_question_without_an_epoch_is_unanswered(card: Path, tmp_path: Path) -> None:
    results = scored(
        card,
        tmp_path,
        *(sample(n, "ANSWER: A", epoch) for n in (0, 1) for epoch in (1, 2)),
        sample(2, "ANSWER: C"),
        sample(2, "ANSWER: C", 2, error={"message": "CancelledError()", "traceback": ""}),
        sample(3, "ANSWER: D"),
    )
    assert (results.answered, results.counts.error, results.counts.correct) == (2, 2, 2)  # q0 is correct twice
    assert results.marks == ["unfinished: 1 of 4 questions has no answer", "1 of 4 answers is an error"]


def test_an_invalidated_sample_is_an_error(card: Path, tmp_path: Path) -> None:
    results = scored(card, tmp_path, sample(invalidation={"author": "x"}), *(sample(n) for n in (1, 2, 3)))
    assert (results.counts.error, results.counts.correct) == (1, 0)


def test_shuffled_options_are_refused(card: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"log.json, item 1: its options are in another order than in the data"):
        scored(card, tmp_path, sample(choices=OPTIONS[::-1]), *(sample(n) for n in (1, 2, 3)))


def test_long_texts_are_among_the_attachments(card: Path, tmp_path: Path) -> None:
    kept: dict[str, Any] = {"attachments": {"7": "ANSWER: A", "8": "What is in picture 0?"}, "input": "attachment://8"}
    assert value(scored(card, tmp_path, sample(answer="attachment://7", **kept)), "overall") == 100
    with pytest.raises(InputError, match=r"'attachment://9' is not among its attachments"):
        scored(card, tmp_path, sample(answer="attachment://9", **kept))


def test_another_question_is_not_joined(card: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"its question 'who wrote book 0' is not that of 'q0' in the data, 'what is in"
    ):
        scored(card, tmp_path, *(sample(n, input=f"Who wrote book {n}?") for n in range(4)))


def test_sampled_answers_of_a_run_score_as_the_run(card: Path, tmp_path: Path) -> None:
    """`samples` in records.jsonl is what epochs are in a log."""
    picture(card.parent / "0.png")
    run = drawing("A B C D", str(card), tmp_path / "run", 3)
    results = score_answers(str(card), str(run.folder / "records.jsonl"))[1]
    assert (results.metrics, results.counts) == (run.results.metrics, run.results.counts)
    assert results.counts.samples == 12


def flagged(item: zipfile.ZipInfo) -> None:
    item.flag_bits |= 1


BAD: dict[str, tuple[Any, str]] = {
    "not a zip": (b"{}", "not an .eval log, or damaged"),
    "no header": ({JSON: b"{}"}, r"no header.json in it; give a log of inspect_ai"),
    "a header of another program": ({"header.json": b'{"a": 1}', JSON: b"{}"}, "its header has no 'eval'"),
    "a header that is a list": ({"header.json": b"[]"}, "is not a JSON object"),
    "no samples": (members(), "no samples in the log"),
    "broken JSON": ({**members(), JSON: b'{"id": '}, rf"{JSON}: not JSON \(Expecting value"),
    "not UTF-8": ({**members(), JSON: b"\xff"}, rf"{JSON}: not JSON \('utf-8'"),
    "deep": ({**members(), JSON: b"[" * 100_000}, rf"{JSON}: not JSON \("),
    "a key twice": ({**members(), JSON: b'{"id": 1, "id": 2}'}, "'id' appears twice"),
    "NaN": ({**members(), JSON: b'{"id": NaN, "epoch": 1}'}, "a sample's id must be a text or a number"),
    "no epoch": ({**members(), JSON: b'{"id": 1, "epoch": "1"}'}, "its epoch a number"),
    "a sample twice": (members(sample()) | {"samples/x_epoch_1.json": json.dumps(sample()).encode()}, "appears twice"),
    "another type": (members(sample(output={"completion": {"A": 1}})), "its completion is not a text but {'A': 1}"),
    "a bomb": ({**members(), JSON: b"\0" * (1 << 26)}, "not JSON"),
    "a larger bomb": ({**members(), JSON: b"\0" * ((1 << 26) + 1)}, "unpacks to 67,108,865 bytes, more than 67"),
    "many bombs": (
        {**members(), **{f"samples/{n}_epoch_1.json": b" " * (1 << 26) for n in range(5)}},
        r"unpacks to 335,[0-9,]+ bytes, far more than its own size",
    ),
}  # fmt: skip
CHANGED: dict[str, tuple[Callable[[zipfile.ZipInfo], Any], str]] = {
    "a size that is too small": (lambda item: setattr(item, "file_size", 9), "damaged .*bad CRC-32"),
    "a size that is too large": (lambda item: setattr(item, "file_size", item.file_size + 9), "damaged .*bad CRC-32"),
    "another checksum": (lambda item: setattr(item, "CRC", 0), "damaged .*bad CRC-32"),
    "cut off": (lambda item: setattr(item, "compress_size", 1 << 40), "damaged .*encrypted or cut off"),
    "encrypted": (flagged, "damaged .*encrypted or cut off"),
    "bzip2": (lambda item: setattr(item, "compress_type", zipfile.ZIP_BZIP2), "damaged .*compressed with method 12"),
}


@pytest.mark.parametrize("name", [*BAD, *CHANGED])
def test_a_log_that_cannot_be_read_is_a_sentence(name: str, card: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    content, message = BAD[name] if name in BAD else (members(sample()), CHANGED[name][1])
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        archive(path, content, CHANGED[name][0] if name in CHANGED else lambda item: None)
    with pytest.raises(InputError, match=message):
        score_answers(str(card), str(path))
    result = call("score", "--task", card, "--answers", path)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("samples", "message"),
    [(None, "no samples in the log"), ("x", "neither a list nor a map"), ([1], "'1' is not a JSON object")],
)
def test_a_json_log_of_another_form_is_a_sentence(samples: Any, message: str, card: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        score_answers(str(card), str(put(tmp_path / "log.json", log() | {"samples": samples})))
