"""MVBench, MLVU and others about videos: small folders as they are published, and their scripts' rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.configuration import configure
from mmeval.runs.run import open_run
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.tasks import mvbench as parts
from mmeval.tasks.tempcompass import LABELS, strict_match
from mmeval.types import InputError, Record, images
from tests.mic.mic_folders import clip, put
from tests.tasks.small_folders import call, jsonl, parquet, run, value


def mvbench(folder: Path) -> None:
    pytest.importorskip("av")
    moving = {"video": "P1SIV.mp4", "question": "What happened after he sat down?", "start": 1.0, "end": 2.5}
    put(
        folder / "json" / "action_sequence.json",
        [
            {**moving, "candidates": ["Threw the bag.", "Took the cup."], "answer": "Took the cup."},
            {**moving, "candidates": ["Left.", "Came.", "Sat."], "answer": "Left.", "start": 0, "end": 2},
        ],
    )
    count = {"video": "video_1.mp4", "question": "How often?", "candidates": ["2", "3", "1"], "answer": "1"}
    put(folder / "json" / "action_count.json", [count])
    scene_question = {
        "video": "friends_s01",
        "subtitle": "",
        "question": "Who came in?",
        "candidates": ["Ross", "Joey", "Monica"],
    }
    put(folder / "json" / "episodic_reasoning.json", [{**scene_question, "answer": "Joey", "start": 1, "end": 3.0}])
    clip(folder / "video" / "star" / "Charades_v1_480" / "P1SIV.mp4", seconds=3, rate=9)
    clip(folder / "video" / "data0613" / "perception" / "videos" / "video_1.mp4", seconds=2)
    frames = folder / "video" / "tvqa" / "frames_fps3_hq" / "friends_s01"
    frames.mkdir(parents=True)
    for index in range(12):
        PILImage.new("RGB", (40, 30), (20 * index,) * 3).save(frames / f"{index + 1:05}.jpg")


def mlvu(folder: Path) -> None:
    pytest.importorskip("av")
    fields = {"video": "a.mp4", "duration": 3.0, "question": "What color is it?"}
    four = ["Red", "Blue", "Green", "Red"]
    rows = [
        ("1_plotQA", four, "Red"),
        ("1_plotQA", four, "Blue"),
        ("2_needle", four, "Grey"),
        ("4_count", [""] * 4, ""),
    ]
    for name, candidates, answer in rows:
        path = folder / "MLVU" / "json" / f"{name}.json"
        earlier = json.loads(path.read_text()) if path.exists() else []
        row = {**fields, "candidates": candidates, "answer": answer, "question_type": name}
        put(path, [*earlier, row | ({} if answer else {"question": ""})])
        clip(folder / "MLVU" / "video" / name / "a.mp4")


def tempcompass(folder: Path) -> None:
    pytest.importorskip("av")
    cooking = "What is the man doing?\nA. dancing\nB. cooking\n C. running "
    spinning = "Which way does it spin?\nA. clockwise\nB. anticlockwise"
    questions = [(cooking, "B. cooking"), (cooking, "A. dancing")]
    rows = [{"question": question, "answer": answer} for question, answer in questions]
    turned = [{"question": spinning, "answer": "B. anticlockwise"}]
    put(folder / "questions" / "multi-choice.json", {"1034": {"action": rows}, "77_reverse": {"direction": turned}})
    rows = [{"question": "Is the man cooking?", "answer": "yes"}, {"question": "Is he dancing?", "answer": "no"}]
    put(folder / "questions" / "yes_no.json", {"1034": {"action": rows, "order": rows[:1]}})
    forms = [("Option 1", "Option 2"), ("Sentence A", "Sentence B"), ("Caption A", "Caption B")]
    rows = [
        {"question": f"Which fits?\n{first}: A man cooks.\n{second}: A man runs.", "answer": f"{second}: A man runs."}
        for first, second in forms
    ]
    put(folder / "questions" / "caption_matching.json", {"1034": {"speed": rows}})
    for name in ("1034", "77_reverse"):
        clip(folder / "videos" / f"{name}.mp4")


def longvideobench(folder: Path) -> None:
    pytest.importorskip("av")
    row: dict[str, Any] = {
        "video_id": "soNQYQXrx_A",
        "question": "What happens to his clothes?",
        "question_wo_referring_query": "What happens?",
        "candidates": ["He puts on a jacket.", "He is shirtless.", "They are wet.", "Nothing."],
        "correct_choice": 1,
        "position": [4030, 7571],
        "topic_category": "MR-Movie-Recaps",
        "question_category": "TAA",
        "level": "L2-Relation",
        "video_path": "soNQYQXrx_A.mp4",
        "subtitle_path": "soNQYQXrx_A_en.json",
        "duration_group": 600,
        "starting_timestamp_for_subtitles": 0,
        "duration": 563.37,
        "view_count": 93803,
    }
    second = {**row, "id": "soNQYQXrx_A_1", "duration_group": 15, "correct_choice": 4}
    first = {**row, "id": "soNQYQXrx_A_0"}
    put(folder / "lvb_val.json", [first, {**second, "candidates": [*row["candidates"], "All of it."]}])
    clip(folder / "videos" / "soNQYQXrx_A.mp4")


def egoschema(folder: Path) -> None:
    pytest.importorskip("av")
    fields = {
        "question_idx": "0",
        "question": "What is C doing?",
        "option": [f"{letter}. it {letter}" for letter in "ABCDE"],
    }
    names = ("0074f737-11cb", "00b9a0de-c59e")
    rows = [{**fields, "video_idx": name, "answer": answer} for name, answer in zip(names, ("4", "0"), strict=True)]
    parquet(folder / "Subset" / "test-00000-of-00001.parquet", rows)
    for name in names:
        clip(folder / "videos" / f"{name}.mp4")


def lvbench(folder: Path) -> None:
    pytest.importorskip("av")
    fields = {"question": "What year is it?\n(A) 1636\n(B) 1366\n(C) 1363\n(D) 1633", "time_reference": "00:15-00:19"}
    kinds = [["key information retrieval"], ["reasoning", "event understanding"], ["reasoning"]]
    qa = [{**fields, "uid": str(n), "answer": "ADA"[n], "question_type": kind} for n, kind in enumerate(kinds)]
    facts = {"type": "cartoon", "video_info": {"duration_minutes": 60, "fps": 24.0}}
    rows = [{"key": "Cm73ma6Ibcs", **facts, "qa": qa[:2]}, {"key": "q01CUy_gwdU", **facts, "qa": qa[2:]}]
    jsonl(folder / "video_info.meta.jsonl", rows)
    for row in rows:
        clip(folder / "videos" / f"{row['key']}.mp4")


@pytest.mark.parametrize("write", [mvbench, mlvu, lvbench, longvideobench, egoschema, tempcompass])
def test_every_benchmark_says_how_many_frames_were_shown(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path / "data")
    scores = run(write.__name__, tmp_path / "data", tmp_path / "run", frames=1, sampler="ends")
    remark = "1 frame of each video is shown, chosen by the sampler ends; the records have the times."
    assert remark in scores.remarks


def test_which_frames_the_model_of_existing_answers_saw_is_not_known(tmp_path: Path) -> None:
    mvbench(tmp_path / "data")
    answers = jsonl(tmp_path / "theirs.jsonl", [{"id": "action_count/0", "answer": "(C)"}])
    result = call("score", "--task", "mvbench", "--data", tmp_path / "data", "--answers", answers)
    assert result.exit_code == 1 and "1 of 4 questions answered" in result.output
    assert "shown" not in result.output


def test_lvbench_by_hand(tmp_path: Path) -> None:
    lvbench(tmp_path / "data")
    scores = run("lvbench", tmp_path / "data", tmp_path / "D", "constant:(D) 1633", frames=2)
    names = ("overall", "key information retrieval", "event understanding", "reasoning")
    assert [value(scores, name) for name in names] == [pytest.approx(100 / 3), 0.0, 100.0, 50.0]
    assert [value(scores, name, "strict") for name in names] == [value(scores, name) for name in names]
    assert scores.metrics["overall"].chance == 25.0
    assert scores.metrics["summarization"].reason == "no question of this type has an answer"
    first, *_ = load_task("lvbench").samples(str(tmp_path / "data" / "video_info.meta.jsonl"))
    assert (first.id, first.groups, first.targets) == ("0", {"video": "Cm73ma6Ibcs"}, ("A",))


def test_lvbench_with_a_question_in_a_row(tmp_path: Path) -> None:
    lvbench(tmp_path)
    nested = list(load_task("lvbench").samples(str(tmp_path)))
    lines = [json.loads(line) for line in (tmp_path / "video_info.meta.jsonl").read_text().splitlines()]
    rows = [
        {"key": line["key"], "video_path": f"{line['key']}.mp4", **question}
        for line in lines
        for question in line["qa"]
    ]
    (tmp_path / "video_info.meta.jsonl").unlink()
    parquet(tmp_path / "data" / "train-00000-of-00001.parquet", rows)
    flat = list(load_task("lvbench").samples(str(tmp_path)))
    assert [sample.id for sample in nested] == ["0", "1", "2"] and len(flat) == 3
    for first, second in zip(nested, flat, strict=True):
        assert (first.prompt[-1], first.targets, first.tags) == (second.prompt[-1], second.targets, second.tags)
    for row in rows:  # lmms-eval's later table has the options in a column of their own
        row["question"], *row["options"] = re.split(r"\n\([A-D]\) ", row["question"])
    parquet(tmp_path / "data" / "train-00000-of-00001.parquet", rows)
    later = list(load_task("lvbench").samples(str(tmp_path)))
    assert [sample.prompt[-1] for sample in later] == [sample.prompt[-1] for sample in nested]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": "E"}, "line 1, question 1: the answer 'E' is not one of its options"),
        ({"question_type": ["resoning"]}, "line 1, question 1: unknown type 'resoning' (did you mean 'reasoning'?)"),
        (
            {"question_type": "reasoning"},
            "line 1, question 1: the column question_type is 'reasoning'; it must be a",
        ),
        (None, "line 1: the column qa is not a list of questions; download the file again"),
    ],
)
def test_lvbench_a_row_that_cannot_be_used(row: dict[str, Any] | None, message: str, tmp_path: Path) -> None:
    lvbench(tmp_path)
    path = tmp_path / "video_info.meta.jsonl"
    line = json.loads(path.read_text().splitlines()[0])
    line["qa"] = [{**line["qa"][0], **row}] if row else "none"
    jsonl(path, [line])
    result = call("run", "--task", "lvbench", "--data", tmp_path, "--model", "constant", "--out", tmp_path / "never")
    assert result.exit_code == 2 and message in result.output, result.output


def test_tempcompass_by_hand(tmp_path: Path) -> None:
    tempcompass(tmp_path / "data")
    scores = run("tempcompass", tmp_path / "data", tmp_path / "B", "constant:B) it", frames=2)
    names = ("overall", "action", "direction")
    assert [value(scores, name) for name in names] == [pytest.approx(200 / 3), 50.0, 100.0]
    assert scores.metrics["overall"].chance == pytest.approx(100 * (1 / 3 + 1 / 3 + 1 / 2) / 3)
    scores = run("tempcompass-yes-no", tmp_path / "data", tmp_path / "no", "constant:Not really", frames=2)
    assert [value(scores, name) for name in ("overall", "action", "order")] == [pytest.approx(100 / 3), 50.0, 0.0]
    assert (scores.metrics["overall"].chance, value(scores, "overall", "strict")) == (50.0, 0.0)
    scores = run("tempcompass-captions", tmp_path / "data", tmp_path / "2", "constant:2.", frames=2)
    assert (value(scores, "overall"), value(scores, "speed", "strict")) == (pytest.approx(100 / 3), 100.0)
    path = tmp_path / "data" / "questions" / "multi-choice.json"
    first, second, third = load_task("tempcompass").samples(str(path))
    assert (first.id, second.targets, third.id) == ("1034/action/0", ("A",), "77_reverse/direction/0")
    assert first.choices == (("dancing",), ("cooking",), ("running",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "not a map; download the file again"),
        ({"1034": {"action": {}}}, ", 1034, action: not a list of questions; download the file again"),
        ({"1034": {"acton": []}}, ", 1034, acton: unknown aspect 'acton' (did you mean 'action'?)"),
        ({"1034": {"action": ["?"]}}, ", 1034, action, item 1: not a map"),
        (
            {"1034": {"action": [{"question": "What?\nA. this\nB. that", "answer": "C. all"}]}},
            ", 1034, action, item 1: the answer 'C. all' is not one of the options in its question; fix it",
        ),
        (
            {"1034": {"action": [{"question": "What?\nB. this\nA. that", "answer": "B. this"}]}},
            ", 1034, action, item 1: the options are not in the lines after the first, in order; download",
        ),
        (
            {"99": {"action": [{"question": "What?\nA. this", "answer": "A. this"}]}},
            ", 99, action, item 1: there is no",
        ),
    ],
)
def test_tempcompass_bad_files(content: Any, message: str, tmp_path: Path) -> None:
    tempcompass(tmp_path)
    put(tmp_path / "questions" / "multi-choice.json", content)
    result = call(
        "run", "--task", "tempcompass", "--data", tmp_path, "--model", "constant", "--out", tmp_path / "never"
    )
    assert result.exit_code == 2 and f"multi-choice.json{':' if message[0] != ',' else ''}" in result.output
    assert message in result.output and result.output.count("\n") == 1


def test_mvbench_by_hand(tmp_path: Path) -> None:
    mvbench(tmp_path / "data")
    scores = run("mvbench", tmp_path / "data", tmp_path / "B", "constant:(B)", frames=2, sampler="ends")
    tasks = ("action_sequence", "action_count", "episodic_reasoning")
    assert [value(scores, name) for name in ("overall", *tasks)] == [50.0, 50.0, 0.0, 100.0]
    assert value(scores, "overall", "strict") == 50.0
    assert scores.metrics["overall"].chance == pytest.approx(100 * (1 / 2 + 3 / 3) / 4)
    assert scores.metrics["fine_grained_pose"].reason
    records = {record.id: record for record in open_run(tmp_path / "B").records}
    assert records["action_sequence/0"].tags["times"] == "0.00 1.44"  # 1 s and 2.44 s of the video
    assert records["action_sequence/1"].tags["times"] == "0.00 2.00"
    assert records["episodic_reasoning/0"].tags["times"] == "0.00 2.00"


def test_mvbench_repeats_frames_of_short_parts_and_says_so(tmp_path: Path) -> None:
    mvbench(tmp_path / "data")
    scores = run("mvbench", tmp_path / "data", tmp_path / "run", "constant:B")
    assert scores.counts.error == 0
    assert scores.remarks[:2] == [
        "16 frames of each video are shown, chosen by the sampler uniform; the records have the times.",
        "2 of 4 questions are about videos with fewer frames; some are shown twice or more.",
    ]


def test_mvbench_shows_the_frames_of_the_part(tmp_path: Path) -> None:
    mvbench(tmp_path)
    task = configure(load_task("mvbench"), RunSpec("mvbench", frames=3, sampler="ends"))
    pixels = {
        sample.id: [image.decode().getpixel((5, 5)) for image in images(sample.prompt)]
        for sample in task.samples(str(tmp_path))
    }
    assert [pixel[0] for pixel in pixels["episodic_reasoning/0"]] == pytest.approx([60, 120, 180], abs=4)  # type: ignore[index]
    assert [pixel[0] for pixel in pixels["action_sequence/0"]] == pytest.approx([27, 45, 66], abs=4)  # type: ignore[index]
    assert [pixel[0] for pixel in pixels["action_count/0"]] == pytest.approx([0, 24, 51], abs=4)  # type: ignore[index]
    samples = list(task.samples(str(tmp_path / "json" / "action_count.json")))
    assert [sample.id for sample in samples] == ["action_count/0"]


def test_mlvu_by_hand(tmp_path: Path) -> None:
    mlvu(tmp_path / "data")
    scores = run("mlvu", tmp_path / "data", tmp_path / "D", "constant:(D) Red", frames=2)
    names = ("overall", "plotQA", "needle", "count")  # of two equal options the last is right; Grey is none of them
    assert [value(scores, name) for name in names] == [pytest.approx((50 + 0 + 100) / 3), 50.0, 0.0, 100.0]
    assert scores.metrics["overall"].chance == pytest.approx((25 + 0 + 25) / 3)
    first = value(run("mlvu", tmp_path / "data", tmp_path / "A", "constant:A", frames=2), "plotQA")
    assert first == 0.0
    path = tmp_path / "data" / "MLVU" / "json" / "2_needle.json"
    assert [s.targets for s in load_task("mlvu").samples(str(path))] == [(parts.NO_OPTION,)]


@pytest.mark.parametrize(
    ("task", "text", "target", "expected"),
    [
        # the values are the scripts' own
        ("mvbench", "B", "B", 1.0),
        ("mvbench", "b", "B", 1.0),
        ("mvbench", "(B) dog", "B", 1.0),
        ("mvbench", "B.) dog", "B", 1.0),
        ("mvbench", "[B] dog", "B", 0.0),
        ("mvbench", "B: dog", "B", 0.0),
        ("mvbench", "B) dog\nnot A", "B", 1.0),
        ("mvbench", "The answer is B", "B", 0.0),
        ("mvbench", "Best option:(B) dog", "B", 0.0),
        ("mvbench", "A(B)", "B", 1.0),
        ("mvbench", "", "B", 1.0),  # an open bracket is a part of every key
        ("mvbench", ".", "B", 1.0),
        ("lvbench", "B", "B", 1.0),
        ("lvbench", "(B) it", "B", 1.0),
        ("lvbench", "I think (B) it", "B", 1.0),
        ("lvbench", "B. it (A)", "B", 0.0),  # the bracket counts
        ("lvbench", "Because of it, A", "B", 1.0),  # the first character
        ("lvbench", "The answer is B", "B", 0.0),
        ("lvbench", "b", "B", 0.0),
        ("lvbench", "", "B", 0.0),
        ("mlvu", "B", "B", 1.0),
        ("mlvu", "B) dog", "B", 1.0),
        ("mlvu", "The answer is (B).", "B", 1.0),
        ("mlvu", "b", "B", 0.0),
        ("mlvu", "B.", "B", 0.0),
        ("mlvu", " B", "B", 0.0),
        ("mlvu", "(A) or (B)", "B", 0.0),
        ("mlvu", ")B", "B", 0.0),
        ("mlvu", "", "B", 0.0),
    ],
)
def test_worked_examples(task: str, text: str, target: str, expected: float) -> None:
    score = load_task(task).scorers["official"]
    assert score(Record("1", (target,), choices=("cat", "dog", "cow"), text=text)).value == expected


CAPTIONS = ("A man cooks.", "A man runs: fast.")


@pytest.mark.parametrize(
    ("task", "text", "target", "expected"),
    [
        ("tempcompass", "B", "B", 1.0),
        ("tempcompass", " B. cooking</s>", "B", 1.0),
        ("tempcompass", "B) dancing", "B", 1.0),
        ("tempcompass", "B: cooking", "B", 0.0),
        ("tempcompass", "(B) cooking", "B", 0.0),
        ("tempcompass", "cooking", "B", 0.0),
        ("tempcompass", "b", "B", 0.0),
        ("tempcompass-yes-no", "Yes, he is", "yes", 1.0),
        ("tempcompass-yes-no", "Nothing", "no", 1.0),
        ("tempcompass-yes-no", "He is, yes", "yes", 0.0),
        ("tempcompass-captions", "Option 2: A man runs: fast.", "B", 1.0),
        ("tempcompass-captions", "Option 2.", "B", 1.0),
        ("tempcompass-captions", "2", "B", 1.0),
        ("tempcompass-captions", "A man runs", "B", 1.0),  # what stands between two colons
        ("tempcompass-captions", "(2) A man runs", "B", 1.0),
        ("tempcompass-captions", "A man runs: fast.", "B", 0.0),
        ("tempcompass-captions", "option 2", "B", 0.0),
        ("tempcompass-captions", "Option 2: A man runs", "B", 0.0),
        ("tempcompass-captions", "B", "B", 0.0),
    ],
)
def test_tempcompass_worked_examples(task: str, text: str, target: str, expected: float) -> None:
    options = {"tempcompass": ("dancing", "cooking"), "tempcompass-captions": CAPTIONS}.get(task, ())
    record = Record("1", (target,), choices=options, tags={LABELS: "Option 1\nOption 2"}, text=text)
    assert load_task(task).scorers["official"](record).value == expected


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("2", "B"),
        ("(1)", "A"),
        ("Option 2", "B"),
        ("The answer is option 1.", "A"),
        ("Sentence B", "B"),
        ("12", None),
        ("Caption B: A man runs.", "B"),
        ("In this sentence a man runs", None),
    ],
)
def test_tempcompass_captions_are_read_strictly(text: str, letter: str | None) -> None:
    assert strict_match(text, CAPTIONS) == letter


def test_what_is_not_accepted_is_read_where_it_names_a_letter() -> None:
    scores = [
        load_task(task).scorers["official"](Record("1", ("A",), choices=("cat", "dog"), text=text))
        for task, text in (("mvbench", "(B) dog"), ("mvbench", "dog"), ("mlvu", "B"), ("mlvu", "dog"))
    ]
    assert [(score.answer, score.outcome) for score in scores] == [("B", "incorrect"), (None, "unparsed")] * 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"candidates": ["one"]}, "a question must have 2 to 26 candidates; this one has 1"),
        ({"start": 3, "end": 2}, "the part of the video ends at 2 s, before it starts"),
        ({"video": "other.mp4"}, "there is no video "),
        ({"video": "../../../outside.mp4"}, "'star/Charades_v1_480/../../../outside.mp4' leads out of"),
        ({"candidates": "Left. Right."}, "the column candidates is 'Left. Right.'; it must be a list of texts"),
    ],
)
def test_mvbench_a_row_that_cannot_be_used(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    mvbench(tmp_path)
    path = tmp_path / "json" / "action_sequence.json"
    put(path, [{**json.loads(path.read_text())[0], **row}])
    result = call("run", "--task", "mvbench", "--data", tmp_path, "--model", "constant", "--out", tmp_path / "never")
    assert result.exit_code == 2 and f"{path}, item 1: {message}" in result.output, result.output


def test_mvbench_without_its_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds none of action_sequence\.json, .* more; get them from https://hugg"):
        list(load_task("mvbench").samples(str(tmp_path)))
    put(tmp_path / "other.json", [])
    with pytest.raises(InputError, match=r"other\.json: not a file of MVBench; its files are action_sequence"):
        list(load_task("mvbench").samples(str(tmp_path / "other.json")))
    mvbench(tmp_path / "data")
    (tmp_path / "data" / "video" / "tvqa" / "frames_fps3_hq" / "friends_s01").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"there is no folder of frames .*friends_s01"):
        list(load_task("mvbench").samples(str(tmp_path / "data")))
