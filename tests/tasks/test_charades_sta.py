"""Charades-STA: a span of time in a video, read as lmms-eval's script does and strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmeval.scoring.readings import moments
from mmeval.task_loading import load_task
from mmeval.types import InputError, Record, images
from tests.mic.mic_folders import clip
from tests.tasks.small_folders import parquet, run, value

LINES = "3MSZA 0.5 2.5##person turn a light on.\n3MSZA 0.0 1.0##person sits\n3MSZA 0.5 2.5##person turn a light on.\n"


def charades_sta(folder: Path) -> None:
    pytest.importorskip("av")
    (folder / "charades_sta_test.txt").write_text(LINES)
    clip(folder / "Charades_v1_480" / "3MSZA.mp4")


def test_the_overlap_of_spans_of_time(tmp_path: Path) -> None:
    charades_sta(tmp_path)
    scores = run("charades-sta", tmp_path, tmp_path / "run", "constant:It happens in 0.5 - 1.5 seconds.", frames=2)
    values = {name: value(scores, name) for name in ("R1@0.3", "R1@0.5", "R1@0.7", "mIoU")}
    # 1/2 for the first and 1/3 for the second; the third row is the first again and counts once
    assert values == pytest.approx({"R1@0.3": 100, "R1@0.5": 50, "R1@0.7": 0, "mIoU": 100 * (1 / 2 + 1 / 3) / 2})
    assert (scores.metrics["mIoU"].n, scores.counts.samples) == (2, 3)
    always = scores.baselines["majority"]
    assert always.answer == "0.5 - 2.5" and always.values["mIoU"] == pytest.approx(100 * (1 + 0.5 / 2.5) / 2)
    unread = run("charades-sta", tmp_path, tmp_path / "other", "constant:It does not happen.", frames=2)
    assert (value(unread, "mIoU"), value(unread, "mIoU", "strict")) == (0, 0)


def test_both_files_are_read(tmp_path: Path) -> None:
    charades_sta(tmp_path)
    first, *_ = load_task("charades-sta").samples(str(tmp_path / "charades_sta_test.txt"))
    assert (first.id, first.prompt[-1], first.targets) == ("3MSZA/1", "person turn a light on", ("0.5 - 2.5",))
    (tmp_path / "charades_sta_test.txt").unlink()
    row = {"video": "3MSZA.mp4", "caption": "person turn a light on", "timestamp": [0.5, 2.5]}
    parquet(tmp_path / "data" / "test-00000-of-00001.parquet", [row])
    (again,) = load_task("charades-sta").samples(str(tmp_path))
    assert (again.id, again.prompt[-1], again.targets) == (first.id, first.prompt[-1], first.targets)
    assert len(images(again.prompt)) == len(images(first.prompt)) == 8
    parquet(tmp_path / "data" / "test-00000-of-00001.parquet", [row | {"timestamp": [0.5]}])
    with pytest.raises(InputError, match=r"the timestamp is .*; it must be two times"):
        list(load_task("charades-sta").samples(str(tmp_path)))


def test_a_line_that_is_not_one_is_a_sentence(tmp_path: Path) -> None:
    charades_sta(tmp_path)
    (tmp_path / "charades_sta_test.txt").write_text(LINES + "3MSZA 0.5##person\n")
    with pytest.raises(InputError, match="line 4: not a video, two times, ## and a sentence; download the file again"):
        list(load_task("charades-sta").samples(str(tmp_path)))


@pytest.mark.parametrize(
    ("text", "official", "strict"),
    [
        ("The event happens in the 24.3 - 30.4 seconds.", (24.3, 30.4), (24.3, 30.4)),
        ("from 3 to 7.5", (3, 7.5), (3, 7.5)),
        ("It starts at 00:00:18 and ends at 0:23.", (18, 23), (18, 23)),
        ("Start: 3.2\nEnd: 7", (3.2, 7), (3.2, 7)),
        ("The start is 3.2 and the end 7.", None, (3.2, 7)),  # officially only a sentence's first number counts
        ("7 - 3", (3, 7), None),
        ("1 - 2, then 5 - 6", (1, 2), None),
        ("3 - 4\nIt happens in 5 - 6.", (5, 6), None),
        ("from 1 to 2 minutes", (1, 2), None),
        ("frames 3 to 9 frames", (3, 9), None),
        ("Frames 3 - 9", (3, 9), None),
        ("It starts at 5 s and lasts 8 s.", None, None),
        ("It starts at 5 s of the 30-second clip.", None, None),
        ("It lasts 4 seconds, from 3 to 7.", (3, 7), (3, 7)),
        ("at 5 seconds", None, None),
        ("", None, None),
    ],
)
def test_readings(text: str, official: moments.Moment | None, strict: moments.Moment | None) -> None:
    assert (moments.lmms_eval(text), moments.strict(text)) == (official, strict)


def test_a_target_that_is_not_two_times_is_a_sentence() -> None:
    with pytest.raises(InputError, match="record 7: its target is not two times; restore the file"):
        load_task("charades-sta").scorers["official"](Record("7", ("1",), text="1 - 2"))
