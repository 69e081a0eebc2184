"""Videos: the frames shown and their times, and the four suites on small folders in their real formats."""

from __future__ import annotations

import csv
import itertools
import json
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PILImage

from mmeval.data import container, video
from mmeval.data.samplers import SAMPLERS, Span
from mmeval.mic import pictures
from mmeval.models import Checkpoint, ModelOptions
from mmeval.models.constant import Constant
from mmeval.models.turns import films
from mmeval.runs.run import open_run
from mmeval.task_loading import load_task
from mmeval.types import Image, InputError, Model, RunMismatch, Sample, Unsupported, images
from tests.evaluating import evaluate
from tests.mic.mic_folders import clip, put
from tests.tasks.small_folders import call, run, value

pytest.importorskip("av")

OPTIONS = ["left", "right", "up", "down", "nowhere"]


def table(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def brightness(image: Image) -> int:
    pixel = image.decode().getpixel((30, 20))
    assert isinstance(pixel, tuple)
    return int(pixel[0])


def read(task: str, data: Path, frames: int = video.FRAMES, sampler: str = video.SAMPLER) -> list[Sample]:
    watch = load_task(task).video
    assert watch is not None
    return list(watch(str(data), frames, sampler))


# samplers


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(n, 5000), st.just(n))), st.sampled_from([*SAMPLERS]))
def test_every_sampler_takes_that_many_different_frames_in_order(counts: tuple[int, int], name: str) -> None:
    available, count = counts
    indices = SAMPLERS[name](available, count)
    assert len(indices) == count
    assert all(0 <= index < available for index in indices)
    assert all(first < second for first, second in itertools.pairwise(indices))


def test_samplers_by_hand() -> None:
    assert SAMPLERS["inner"](27, 8) == [3, 6, 9, 12, 15, 18, 21, 24]
    assert SAMPLERS["uniform"](16, 8) == [1, 3, 5, 7, 9, 11, 13, 15]
    assert SAMPLERS["ends"](9, 3) == [0, 4, 8]
    assert SAMPLERS["ends"](9, 1) == [0]


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_frames_are_those_of_their_times(suffix: str, tmp_path: Path) -> None:
    clip(tmp_path / f"a{suffix}", seconds=3, rate=9)  # frame k, at k / 9 s, is as bright as 3 k
    frames, tags = video.frames(tmp_path, [f"a{suffix}"], "row 1", 3, "uniform")
    assert tags == {"frames": "3", "sampler": "uniform"}
    assert video.times(frames) == {"times": "0.44 1.44 2.44"}
    for image, index in zip(frames, (4, 13, 22), strict=True):
        assert abs(brightness(image) - 3 * index) <= 4


@pytest.mark.slow
@given(st.integers(1, 18), st.sampled_from([*SAMPLERS]))
def test_times_increase_and_lie_inside(tmp_path_factory: pytest.TempPathFactory, count: int, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "clip"
    if not folder.exists():
        clip(folder / "a.mp4", seconds=2, rate=9)
    frames, _ = video.frames(folder, ["a.mp4"], "row 1", count, name)
    times = [float(time) for time in video.times(frames)["times"].split()]
    assert len(times) == len(frames) == count
    assert times == sorted(set(times))
    assert 0 <= times[0] <= times[-1] <= 17 / 9 + 0.01


@pytest.mark.parametrize("name", [*SAMPLERS])
@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
@pytest.mark.parametrize(
    ("span", "first", "last"),  # the first and the last of the 27 frames, at k / 9 s, that lie inside
    [(Span(1, 2), 9, 18), (Span(1.05, 1.99), 10, 17), (Span(None, 1), 0, 9), (Span(2.2), 20, 26), (Span(0, 99), 0, 26)],
)
def test_frames_of_a_part_are_those_of_a_video_that_is_only_this_part(
    span: Span, first: int, last: int, suffix: str, name: str, tmp_path: Path
) -> None:
    clip(tmp_path / f"a{suffix}", seconds=3, rate=9)
    frames, _ = video.frames(tmp_path, [f"a{suffix}"], "row 1", 3, name, span)
    indices = [first + index for index in SAMPLERS[name](last - first + 1, 3)]
    assert all(first <= index <= last for index in indices)
    assert all(abs(brightness(image) - 3 * index) <= 4 for image, index in zip(frames, indices, strict=True))
    times = [index / 9 - (span.start or 0) for index in indices]  # as if the video began with the part
    assert [image.seconds for image in frames] == pytest.approx(times, abs=2e-3)


def test_parts_of_a_video_are_different_pictures(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", seconds=3)
    spans = (Span(), Span(0, 3), Span(1, 3), Span(1, 2), Span(1))
    digests = {image.digest for span in spans for image in video.frames(tmp_path, ["a.mp4"], "r", 2, "ends", span)[0]}
    assert len(digests) == 2 * len(spans)


def test_a_part_with_fewer_frames_than_are_shown(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", seconds=3, rate=9)
    for span, message in (
        (Span(1, 1.5), "has 5 frames from 1 to 1.5 s, fewer than the 8"),
        (Span(7), "has 0 frames from 7 s, fewer"),
    ):
        frames, _ = video.frames(tmp_path, ["a.mp4"], "row 1", 8, "inner", span)
        with pytest.raises(InputError, match=message):
            frames[0].decode()
        assert frames[0].seconds is None


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_frames_of_a_short_part_may_be_repeated(suffix: str, tmp_path: Path) -> None:
    clip(tmp_path / f"a{suffix}", seconds=3, rate=9)
    cases = [(name, span) for name in SAMPLERS for span in (Span(1, 1.2), Span(2.8), Span(0, 0))]
    for name, span in cases:
        frames, _ = video.frames(tmp_path, [f"a{suffix}"], "row 1", 5, name, span, repeat=True)
        times = [image.seconds or 0.0 for image in frames]
        assert times == sorted(times) and len({*times}) < 5
        moments = [brightness(image) / 3 / 9 for image in frames]
        assert all((span.start or 0) - 0.15 <= time <= (span.end or 3) + 0.15 for time in moments)
        assert len(films(frames)) == 1
    missing, _ = video.frames(tmp_path, [f"a{suffix}"], "row 1", 5, "ends", Span(4, 5), repeat=True)
    with pytest.raises(InputError, match="has 0 frames from 4 to 5 s; replace it, or fix its part"):
        missing[0].decode()


def stills(folder: Path, count: int = 12) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        PILImage.new("RGB", (40, 30), (20 * number,) * 3).save(folder / f"{number + 1:05}.jpg")
    return folder


def test_a_folder_of_frames_is_a_video_with_a_rate(tmp_path: Path) -> None:
    stills(tmp_path / "a")
    (tmp_path / "a" / "._00001.jpg").write_bytes(b"left by macOS")
    frames, tags = video.frames(tmp_path, ["a"], "row 1", 3, "uniform", Span(1, 3), rate=3)
    assert tags == {"frames": "3", "sampler": "uniform"}
    assert [round(image.decode().getpixel((5, 5))[0] / 20) for image in frames] == [4, 6, 8]  # type: ignore[index]
    assert video.times(frames) == {"times": "0.33 1.00 1.67"}
    assert len({image.digest for image in frames}) == 3
    (tmp_path / "a" / "00001.jpg").write_bytes(b"")
    replaced, _ = video.frames(tmp_path, ["a"], "row 1", 3, "uniform", Span(1, 3), rate=3)
    assert {image.digest for image in replaced}.isdisjoint(image.digest for image in frames)


def test_a_folder_of_frames_that_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 1: there is no folder of frames .*b; put it there"):
        video.frames(tmp_path, ["b"], "row 1", 3, "uniform", rate=3)
    (stills(tmp_path / "a") / "00002.jpg").write_bytes(b"no picture")
    frames, _ = video.frames(tmp_path, ["a"], "row 1", 12, "uniform", rate=3)
    with pytest.raises(InputError, match=r"a/00002\.jpg"):
        frames[0].decode()
    too_few, _ = video.frames(tmp_path, ["a"], "row 1", 13, "uniform", rate=3)
    with pytest.raises(InputError, match="the video a has 12 frames, fewer than the 13 to be shown"):
        too_few[0].decode()
    (tmp_path / "a" / "00001.jpg").unlink()
    (tmp_path / "a" / "00001.jpg").symlink_to(__file__)
    with pytest.raises(InputError, match="leads out of"):
        video.frames(tmp_path, ["a"], "row 1", 12, "uniform", rate=3)[0][0].decode()


def test_the_default_shows_what_mmicl_was_trained_on(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", seconds=9, rate=9)
    frames, _ = video.frames(tmp_path, ["a.mp4"], "row 1", video.FRAMES, video.SAMPLER)
    trained = pictures.frames(tmp_path / "a.mp4", "a.mp4", 10**6)
    assert [image.decode().tobytes() for image in frames] == [frame.tobytes() for frame in trained]


def test_a_video_held_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    import av

    flat = PILImage.new("RGB", (64, 48), "black")
    flat.paste("white", (0, 0, 32, 24))  # at the top on the left; turned clockwise, at the top on the right
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=9)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_image(flat)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # after version and flags, times, track, duration, layer, volume
    for index, number in enumerate((0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)):
        content[matrix + 4 * index : matrix + 4 * index + 4] = number.to_bytes(4, "big", signed=True)
    (tmp_path / "a.mp4").write_bytes(content)
    frames, _ = video.frames(tmp_path, ["a.mp4"], "row 1", 1, "inner")
    upright = frames[0].decode().convert("L")
    assert upright.size == (48, 64)
    corners = [upright.crop((x - 2, y - 2, x + 2, y + 2)).getextrema() for y in (8, 56) for x in (8, 40)]
    assert [extremes[0] > 128 for extremes in corners] == [False, True, False, False]  # type: ignore[operator]


def test_questions_about_one_video_share_its_frames_until_the_file_is_another(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", seconds=1)
    first, _ = video.frames(tmp_path, ["a.mp4"], "row 1", 2, "ends")
    again, _ = video.frames(tmp_path, ["a.mp4"], "row 2", 2, "ends")
    assert [image.digest for image in first] == [image.digest for image in again]
    assert all(image.decode() is same.decode() for image, same in zip(first, again, strict=True))
    clip(tmp_path / "a.mp4", seconds=2)
    later, _ = video.frames(tmp_path, ["a.mp4"], "row 3", 2, "ends")
    assert {image.digest for image in later}.isdisjoint(image.digest for image in first)
    assert video.times(later) == {"times": "0.00 1.89"}


def test_a_video_is_known_by_its_content_and_which_frames_are_shown(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", seconds=2)
    (tmp_path / "b.mp4").write_bytes((tmp_path / "a.mp4").read_bytes())

    def digests(name: str, count: int = 2, sampler: str = "ends") -> list[str]:
        return [image.digest for image in video.frames(tmp_path, [name], "row 1", count, sampler)[0]]

    assert digests("a.mp4") == digests("b.mp4")
    assert len({*digests("a.mp4"), *digests("a.mp4", 3), *digests("a.mp4", 2, "inner")}) == 2 + 3 + 2


def test_a_large_video_is_known_by_parts_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "WHOLE", 1 << 10)
    monkeypatch.setattr(video, "BLOCK", 1 << 6)
    path, content = tmp_path / "a.mp4", bytearray(bytes(range(256)) * 40)
    digests = set()
    for number, position in enumerate((None, 0, len(content) - 1)):
        if position is not None:
            content[position] ^= 1
        path.write_bytes(content)
        digests.add(video.file_digest(path, (number, len(content))))
    path.write_bytes(content[:-1])
    digests.add(video.file_digest(path, (3, len(content) - 1)))
    assert len(digests) == 4


def test_frames_of_one_video_are_decoded_once_by_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(tmp_path / "a.mp4", seconds=2)
    opened = list[str]()
    original = container.moments

    def moments(path: Path, name: str, choose: container.Choose) -> list[container.Moment]:
        opened.append(name)
        return original(path, name, choose)

    monkeypatch.setattr(container, "moments", moments)
    frames, _ = video.frames(tmp_path, ["a.mp4"], "row 1", 8, "uniform")
    with ThreadPoolExecutor(8) as pool:
        pixels = [picture.tobytes() for picture in pool.map(Image.decode, frames)]
    assert len({*pixels}) == 8 and opened == ["a.mp4"]


def test_memory_holds_the_frames_of_few_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "HELD", 2 * 64 * 48 * 3)
    frames = list[Image]()
    for name in ("a", "b", "c"):
        clip(tmp_path / f"{name}.mp4", seconds=1)
        frames += video.frames(tmp_path, [f"{name}.mp4"], "row 1", 1, "inner")[0]
    first = weakref.ref(frames[0].decode())
    frames[1].decode()
    assert first() is not None
    frames[2].decode()
    assert first() is None


# parts of videos in a card

PARTS: dict[str, Any] = {
    "about": "what happens in a part of a video",
    "kind": "short answer",
    "files": "questions.jsonl",
    "fields": {"question": "ask", "answer": "right", "video": "video", "start": "from", "end": "to"},
}


def parts(folder: Path, rows: Sequence[Mapping[str, Any]], **card: Any) -> Path:
    folder.mkdir(exist_ok=True)
    questions = [{"ask": "What?", "right": "a", "video": "a.mp4", **row} for row in rows]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions), encoding="utf-8")
    return put(folder / "parts.yaml", {**PARTS, **card})


def test_a_card_shows_the_part_between_two_columns(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"from": 1, "to": 2.0},
        {"from": "1.5", "to": ""},
        {"from": None, "to": "1"},
        {"from": "", "to": ""},
        {"from": 1e-5, "to": 1},
    ]
    path = parts(tmp_path / "data", rows)
    clip(tmp_path / "data" / "a.mp4", seconds=3, rate=9)
    run(path, tmp_path / "data", tmp_path / "run", "constant:a", frames=2, sampler="ends")
    records = {record.id: record for record in open_run(tmp_path / "run").records}
    times = ["0.00 1.00", "0.06 1.39", "0.00 1.00", "0.00 2.89", "0.00 1.00"]
    assert [records[str(number)].tags["times"] for number in range(1, 6)] == times
    first, second = read(str(path), tmp_path / "data", 2, "ends")[:2]
    assert [brightness(image) for image in images(first.prompt)] == pytest.approx([27, 54], abs=4)
    assert [brightness(image) for image in images(second.prompt)] == pytest.approx([42, 78], abs=4)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"from": 3, "to": 2}, "line 1: the part of the video ends at 2 s, before it starts; fix the row"),
        ({"from": "0:31", "to": 40}, "line 1: the column from is '0:31'; it must be a number of seconds"),
        ({"from": -1, "to": 40}, "line 1: the column from is '-1'; it must be a number of seconds"),
        ({"from": 1, "to": "inf"}, "line 1: the column to is 'inf'; it must be a number of seconds"),
        ({"from": 1}, "line 1: no column 'to'"),
    ],
)
def test_a_part_that_is_invalid(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = parts(tmp_path / "data", [row])
    clip(tmp_path / "data" / "a.mp4")
    assert message in refused("--task", path)


def test_a_part_of_no_video(tmp_path: Path) -> None:
    fields = {key: column for key, column in PARTS["fields"].items() if key != "video"}
    path = parts(tmp_path / "data", [{"from": 1, "to": 2}], fields=fields)
    assert "start and end are those of a part of a video; name its column in fields: video" in refused("--task", path)


# MSVD-QA, MSRVTT-QA


@pytest.fixture
def msvd(tmp_path: Path) -> Path:
    folder = tmp_path / "MSVD-QA"
    rows = [
        {"answer": "cat", "id": 0, "question": "what is eating?", "video_id": 1},
        {"answer": "cat", "id": 1, "question": "who eats?", "video_id": 1},
        {"answer": "two", "id": 2, "question": "how many dogs run?", "video_id": 2},
    ]
    put(folder / "test_qa.json", rows)
    (folder / "youtube_mapping.txt").write_text("xyz_1_9 vid1\n-4wsuPCjDBc_5_15 vid2\n", encoding="utf-8")
    clip(folder / "video" / "vid1.avi")
    clip(folder / "YouTubeClips" / "-4wsuPCjDBc_5_15.avi", seconds=2)
    return folder


def test_msvd_by_hand(msvd: Path, tmp_path: Path) -> None:
    scores = run("msvd-qa", msvd, tmp_path / "cat", "constant:cat")
    assert value(scores, "overall") == pytest.approx(200 / 3)
    assert [value(scores, kind) for kind in ("what", "who", "how")] == [100.0, 100.0, 0.0]
    assert scores.metrics["where"].reason == "none of its questions has an answer"
    assert scores.metrics["overall"].chance is None
    assert scores.remarks == [
        "8 frames of each video are shown, chosen by the sampler inner; the records have the times."
    ]


def test_official_compares_letter_by_letter_and_strict_does_not(msvd: Path, tmp_path: Path) -> None:
    scores = run("msvd-qa", msvd, tmp_path / "run", "constant:The answer is 2.")
    assert (value(scores, "how"), value(scores, "how", "strict")) == (0.0, 100.0)
    scores = run("msvd-qa", msvd, tmp_path / "part", "constant:cats")  # a part of a word is no answer
    assert (value(scores, "overall"), value(scores, "overall", "strict")) == (0.0, 0.0)
    scores = run("msvd-qa", msvd, tmp_path / "empty", "constant: ")
    assert (value(scores, "overall"), scores.counts.unparsed) == (0.0, 3)


def test_times_and_frames_are_recorded(msvd: Path, tmp_path: Path) -> None:
    command = ("run", "--task", "msvd-qa", "--model", "constant", "--data", msvd, "--out", tmp_path / "r")
    result = call(*command, "--frames", 3, "--sampler", "ends")
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in (tmp_path / "r" / "records.jsonl").read_text().splitlines()]
    by_id = {record["id"]: record for record in records}
    assert by_id["0"]["tags"] == {"frames": "3", "sampler": "ends", "times": "0.00 1.44 2.89"}
    assert by_id["2"]["tags"]["times"] == "0.00 0.89 1.89"
    assert by_id["0"]["images"] == by_id["1"]["images"] != by_id["2"]["images"]
    assert [len(record["images"]) for record in records] == [3, 3, 3]
    assert by_id["0"]["groups"] == {"video": "vid1"}
    assert by_id["0"]["sent"].endswith("<picture><picture><picture>Question: what is eating? Short Answer:")


def test_a_dry_run_shows_as_many(msvd: Path) -> None:
    result = call("run", "--task", "msvd-qa", "--model", "constant", "--data", msvd, "--frames", 2, "--dry-run")
    assert (result.exit_code, result.output.count("<picture>")) == (0, 2 * 3)


def test_frames_and_sampler_are_part_of_what_a_run_is(msvd: Path, tmp_path: Path) -> None:
    first = evaluate("constant", "msvd-qa", data=str(msvd), out=tmp_path / "run")
    assert {"frames": 8, "sampler": "inner"}.items() <= first.identity.items()
    with pytest.raises(RunMismatch):
        evaluate("constant", "msvd-qa", data=str(msvd), out=tmp_path / "run", sampler="uniform")
    with pytest.raises(RunMismatch):
        evaluate("constant", "msvd-qa", data=str(msvd), out=tmp_path / "run", frames=4)
    assert open_run(tmp_path / "run").complete


@pytest.mark.parametrize("subfolder", ["video", "TestVideo", "videos/all", ""])
def test_msrvtt_by_hand(subfolder: str, tmp_path: Path) -> None:
    folder = tmp_path / "msrvtt"
    put(
        folder / "test_qa.json",
        [
            {"answer": "band", "category_id": 14, "id": 158581, "question": "who is playing?", "video_id": 7010},
            {"answer": "red", "category_id": 3, "id": 158582, "question": "what color is it?", "video_id": 7010},
        ],
    )
    clip(folder / subfolder / "video7010.mp4")
    scores = run("msrvtt-qa", folder, tmp_path / "run", "constant:band")
    assert (value(scores, "who"), value(scores, "what"), value(scores, "overall")) == (100.0, 0.0, 50.0)
    first, second = read("msrvtt-qa", folder)
    assert (first.id, first.groups, second.category) == ("158581", {"video": "video7010"}, "what")
    assert load_task("msrvtt-qa").prompts["mmicl"](first)[-1] == (
        "Watch the provided images carefully and answer the following question briefly based on your understanding of "
        "the images content. Question: who is playing?"
    )


def test_laviss_copy_is_read_too(tmp_path: Path) -> None:
    put(tmp_path / "qa_test.json", [{"video": "video7.mp4", "question": "who sings?", "answer": "man"}])
    clip(tmp_path / "videos" / "video7.mp4")
    assert [(s.id, s.targets, s.groups["video"]) for s in read("msrvtt-qa", tmp_path)] == [("1", ("man",), "video7")]


# iVQA


def ivqa_row(answers: Sequence[str], question: str = "what is cut?") -> dict[str, Any]:
    columns = {f"answer{number}": answer for number, answer in enumerate(answers, start=1)}
    return {"video_id": "-I_EXNB0fSg", "start": 28, "end": 31, "question": question, **columns}


@pytest.fixture
def ivqa(tmp_path: Path) -> Path:
    folder = tmp_path / "iVQA"
    rows = [
        ivqa_row(["an apple", "apple", "apple", "a knife", "wood"]),
        ivqa_row(["knife", "apple", "board", "board", "wood"]),
    ]
    table(folder / "test.csv", rows)
    clip(folder / "video" / "-I_EXNB0fSg_28_31.mp4")
    return folder


def test_ivqa_is_half_right_where_one_person_agrees(ivqa: Path, tmp_path: Path) -> None:
    apple = run("ivqa", ivqa, tmp_path / "apple", "constant:apple")
    assert value(apple, "overall") == (100 + 50) / 2
    board = run("ivqa", ivqa, tmp_path / "board", "constant:board")
    assert value(board, "overall") == (0 + 100) / 2
    knife = run("ivqa", ivqa, tmp_path / "knife", "constant:Knife")
    assert (value(knife, "overall"), value(knife, "overall", "strict")) == (0.0, (50 + 50) / 2)
    assert knife.metrics["overall"].n == 2


@pytest.mark.parametrize("answers", [["a", "b", "c", "d"], ["a", "b", "c", "d", ""], ["a", "b", "c", "d", "e", "f"]])
def test_ivqa_more_or_fewer_answers_than_people(answers: list[str], ivqa: Path) -> None:
    table(ivqa / "test.csv", [ivqa_row(answers)])
    with pytest.raises(InputError, match=r"test.csv, line 2: [46] answers instead of 5; download the file again"):
        read("ivqa", ivqa)


# NExT-QA


def nextqa_row(qid: int, kind: str, answer: int, video_id: int = 4010069381) -> dict[str, Any]:
    size = {"frame_count": 27, "width": 64, "height": 48}
    fields = {"question": f"where does {qid} go", "answer": answer, "qid": qid, "type": kind}
    return {"video": video_id, **size, **fields, **{f"a{index}": option for index, option in enumerate(OPTIONS)}}


NEXTQA = [
    nextqa_row(6, "CH", 0),
    nextqa_row(1, "CW", 1),
    nextqa_row(7, "TP", 0),
    nextqa_row(8, "TN", 2),
    nextqa_row(9, "TC", 0, video_id=77),
    nextqa_row(4, "DL", 4, video_id=77),
]


@pytest.fixture
def nextqa(tmp_path: Path) -> Path:
    folder = tmp_path / "NExT-QA"
    table(folder / "dataset" / "nextqa" / "val.csv", NEXTQA)
    put(folder / "dataset" / "nextqa" / "map_vid_vidorID.json", {"4010069381": "0101/4010069381"})
    clip(folder / "NExTVideo" / "0101" / "4010069381.mp4")
    clip(folder / "NExTVideo" / "77.mp4", seconds=2)  # not in the map: looked for by its name
    return folder


def test_nextqa_by_hand(nextqa: Path, tmp_path: Path) -> None:
    scores = run("nextqa", nextqa, tmp_path / "a", "constant:A")
    assert value(scores, "overall") == 50.0
    assert (value(scores, "C"), value(scores, "T"), value(scores, "D")) == (50.0, pytest.approx(200 / 3), 0.0)
    assert value(scores, "TN") == 50.0  # what comes before is counted with what comes after
    assert "TP" not in scores.metrics
    assert scores.metrics["overall"].chance == 20.0
    assert value(run("nextqa", nextqa, tmp_path / "words", "constant:left"), "overall") == 50.0


def test_nextqa_a_letter_somewhere_is_no_official_answer(nextqa: Path, tmp_path: Path) -> None:
    scores = run("nextqa", nextqa, tmp_path / "run", "constant:The answer is (A).")
    assert (value(scores, "overall"), value(scores, "overall", "strict")) == (0.0, 50.0)
    article = run("nextqa", nextqa, tmp_path / "article", "constant:A dog")  # lmms-eval finds "A " in it
    assert (value(article, "overall"), value(article, "overall", "strict")) == (0.0, 0.0)
    assert article.counts.unparsed == 6  # and draws no letter where there is none


def test_nextqa_the_prompt(nextqa: Path) -> None:
    first = read("nextqa", nextqa, 3)[0]
    assert (first.id, first.tags["type"], first.groups) == ("4010069381_6", "CH", {"video": "4010069381"})
    *frames, question = load_task("nextqa").prompts["letter"](first)
    assert len(frames) == len(images(first.prompt)) == 3
    assert str(question).startswith("where does 6 go?\nA. left\nB. right\n")


def test_nextqa_scores_the_authors_file(nextqa: Path) -> None:
    predictions = {f"{row['video']}_{row['qid']}": {"prediction": 0, "answer": row["answer"]} for row in NEXTQA}
    predictions["4010069381_1"]["prediction"] = 1
    path = put(nextqa / "results" / "HGA-val.json", predictions)
    result = call("score", "--task", "nextqa", "--predictions", path, "--json")
    assert result.exit_code == 0, result.output
    scores = json.loads(result.output)
    values = {name: metric["value"] for name, metric in scores["metrics"].items()}
    assert values["overall"] == pytest.approx(400 / 6)
    assert (values["C"], values["D"]) == (100.0, 0.0)
    assert scores["metrics"] == scores["strict"]

    put(path, {**predictions, "77_4": {"prediction": 5, "answer": 4}})
    assert "77_4: the prediction is 5" in call("score", "--task", "nextqa", "--predictions", path).output
    put(path, {**predictions, "77_4": {"prediction": 4, "answer": 0}})
    assert "77_4: its answer is 0, but 4 in" in call("score", "--task", "nextqa", "--predictions", path).output
    del predictions["77_4"]
    put(path, predictions)
    result = call("score", "--task", "nextqa", "--predictions", path)
    assert (result.exit_code, "no prediction for question 77_4" in result.output) == (2, True)


@pytest.mark.slow
def test_the_embedded_kind_runs_with_the_tiny_model(tmp_path: Path) -> None:
    scores = run("nextqa", "embedded", tmp_path / "run", "mmicl-tiny", limit=4, prompt="bare")
    assert scores.counts.samples == 4
    assert scores.remarks == [
        "3 frames of each video are shown, chosen by the sampler inner; the records have the times."
    ]
    opened = open_run(tmp_path / "run")
    assert opened.identity["frames"] == 3
    assert all(len(record.images) == 3 for record in opened.records)


# bad input


def refused(*arguments: object) -> str:
    result = call("run", "--model", "constant", "--out", "never", *arguments)
    assert result.exit_code == 2, result.output
    assert not Path("never").exists()
    assert result.output.count("\n") == 1
    return result.output


@pytest.mark.parametrize(
    "content",
    [b"404 Not Found" * 100, b"", b"#EXTM3U\n#EXTINF:1,\nhttp://example.org/secret.ts\n"],  # the last is not followed
)
def test_a_damaged_video_is_an_error_of_its_own_questions(content: bytes, msvd: Path, tmp_path: Path) -> None:
    (msvd / "video" / "vid1.avi").unlink()
    (msvd / "video" / "vid1.avi").write_bytes(content)
    evaluated = evaluate("mmicl-tiny", "msvd-qa", data=str(msvd), out=tmp_path / "run", frames=2)
    errors = {record.error for record in evaluated.records if record.error}
    assert len(errors) == 1 and "vid1.avi: broken video (" in errors.pop()
    assert any(record.error is None for record in evaluated.records)
    assert not evaluated.complete


def test_a_video_that_is_missing(msvd: Path) -> None:
    (msvd / "video" / "vid1.avi").unlink()
    output = refused("--task", "msvd-qa", "--data", msvd)
    assert f"{msvd / 'test_qa.json'}, item 1: there is no video" in output


def test_fewer_frames_than_are_asked_for_are_an_error_of_that_question(msvd: Path, tmp_path: Path) -> None:
    evaluated = evaluate("mmicl-tiny", "msvd-qa", data=str(msvd), out=tmp_path / "run", frames=20, context="plain")
    assert [record.error for record in evaluated.records if record.id == "2"] == [
        "the video YouTubeClips/-4wsuPCjDBc_5_15.avi has 18 frames, fewer than the 20 to be shown; "
        "ask for fewer with --frames, or replace it"
    ]
    assert all(record.error is None for record in evaluated.records if record.id != "2")


def test_frames_that_are_too_large(msvd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_PIXELS", 1000)
    evaluated = evaluate("mmicl-tiny", "msvd-qa", data=str(msvd), out=tmp_path / "run", limit=1, frames=2)
    errors = [record.error for record in evaluated.records]
    assert errors[0] == "video/vid1.avi: 64 x 48 pixels, more than 1,000; scale it down"


def test_a_limit_opens_no_other_video(msvd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = set[str]()
    digest = video.file_digest

    def digested(path: Path, version: tuple[int, int]) -> str:
        opened.add(path.name)
        return digest(path, version)

    monkeypatch.setattr(video, "file_digest", digested)
    evaluate("constant", "msvd-qa", data=str(msvd), out=tmp_path / "run", limit=1)
    assert opened == {"vid1.avi"}


def test_an_unknown_sampler(msvd: Path) -> None:
    output = refused("--task", "msvd-qa", "--data", msvd, "--sampler", "unifrom")
    assert "unknown sampler 'unifrom' (did you mean 'uniform'?); choose from: inner, uniform, ends" in output


def test_frames_where_there_is_no_video() -> None:
    assert "the task 'pope' shows no videos" in refused("--task", "pope", "--frames", 4)
    assert "the task 'mme' shows no videos" in refused("--task", "mme", "--sampler", "ends")


def test_a_video_outside_the_folder_is_not_read(msvd: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.avi"
    clip(outside)
    (msvd / "video" / "vid1.avi").unlink()
    (msvd / "video" / "vid1.avi").symlink_to(outside)
    assert "leads out of" in refused("--task", "msvd-qa", "--data", msvd)
    (msvd / "youtube_mapping.txt").write_text("../../outside vid1\n")
    (msvd / "video" / "vid1.avi").unlink()
    assert "leads out of" in refused("--task", "msvd-qa", "--data", msvd)


def test_where_pyav_is_missing_the_extra_is_named(msvd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert "pip install 'mmeval-harness[video]'" in refused("--task", "msvd-qa", "--data", msvd)


def test_a_model_that_takes_fewer_pictures_than_frames_is_asked_nothing(msvd: Path, tmp_path: Path) -> None:
    def load(checkpoint: Checkpoint, settings: ModelOptions) -> Model:
        return Constant("cat", max_images=4)

    with pytest.raises(Unsupported, match="takes 4 picture"):
        evaluate("constant", "msvd-qa", data=str(msvd), out=tmp_path / "run", load=load)
    assert not (tmp_path / "run").exists()
    assert evaluate("constant", "msvd-qa", data=str(msvd), out=tmp_path / "run", frames=4, load=load).complete


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": 5}, "the answer is '5'"),
        ({"type": "XX"}, "unknown type 'XX'"),
        ({"a4": ""}, "the column a4 is ''"),
        ({"video": 12}, "there is no video"),
    ],
)
def test_nextqa_a_row_that_cannot_be_used(row: dict[str, Any], message: str, nextqa: Path) -> None:
    table(nextqa / "dataset" / "nextqa" / "val.csv", [{**NEXTQA[0], **row}])
    output = refused("--task", "nextqa", "--data", nextqa)
    assert "val.csv, line 2: " in output
    assert message in output


@pytest.mark.parametrize("task", ["msvd-qa", "msrvtt-qa", "ivqa", "nextqa"])
def test_a_folder_without_the_files_says_where_they_are(task: str, tmp_path: Path) -> None:
    assert "github.com" in refused("--task", task, "--data", tmp_path)


def test_reading_videos_loads_no_torch() -> None:
    code = "import sys, mmeval.tasks.video_qa, mmeval.tasks.nextqa; print(*{'torch', 'av'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []
