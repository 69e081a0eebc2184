"""The few-shot benchmarks: real formats, demonstrations that never give away the answer, several seeds at once."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmeval.data.demonstrations import POOL, Item, Pool, samples
from mmeval.evaluation import sweep
from mmeval.evaluation.rendering import render
from mmeval.models import Checkpoint, ModelOptions
from mmeval.models.constant import Constant
from mmeval.reporting import run_report
from mmeval.reporting import seeds as spread
from mmeval.reporting.table import counted
from mmeval.runs.run import Run, open_run
from mmeval.runs.schema import results_to_json
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.tasks.vl_icl import VL_ICL
from mmeval.types import Generation, Image, InputError, Record, Request, Response, Sample
from tests.evaluating import evaluate, results
from tests.mic.mic_folders import put
from tests.tasks.small_folders import call, jsonl, picture, run, value

Asked = tuple[int, int | str, str, str, Sequence[str]]
"""question_id, image_id, question, kind, answers."""

VAL: list[Asked] = [
    (421, 42, "Is it red?", "yes/no", ["yes"] * 10),
    (422, 42, "How many?", "number", ["2"] * 2 + ["3"] * 8),
    (71, 7, "What is it?", "other", ["the dog"] * 10),
]
TRAIN: list[Asked] = [(n * 10, n, f"Train {n}?", "other", [f"said {n}"] + ["else"] * 9) for n in range(100, 106)]
TRAIN.append((429, 42, "Train about a picture of val?", "other", ["leak"] * 10))


def answer(text: str, number: int) -> dict[str, Any]:
    return {"answer": text, "answer_confidence": "yes", "answer_id": number}


def vqa_files(folder: Path, questions: str, annotations: str, rows: Sequence[Asked], kind: str = "answer_type") -> None:
    """Write a split in VQA's format."""
    entries = [{"image_id": image, "question": question, "question_id": id} for id, image, question, _, _ in rows]
    annotated = [
        {
            "question_id": id,
            "image_id": image,
            "question_type": "what is",
            "multiple_choice_answer": answers[0],
            kind: name,
            "answers": [answer(text, number) for number, text in enumerate(answers, start=1)],
        }
        for id, image, _, name, answers in rows
    ]
    put(folder / questions, {"info": {}, "task_type": "Open-Ended", "questions": entries})
    put(folder / annotations, {"info": {}, "license": {}, "annotations": annotated})


@pytest.fixture
def vqav2(tmp_path: Path) -> Path:
    folder = tmp_path / "vqa"
    for part, rows in (("val", VAL), ("train", TRAIN)):
        vqa_files(
            folder, f"v2_OpenEnded_mscoco_{part}2014_questions.json", f"v2_mscoco_{part}2014_annotations.json", rows
        )
        for _, image, *_ in rows:
            picture(folder / f"{part}2014" / f"COCO_{part}2014_{image:012d}.jpg", int(image))
    return folder


def read(task: str, data: Path, shots: int | None, seed: int = 0) -> list[Sample]:
    few_shot = load_task(task).few_shot
    assert few_shot is not None
    return list(few_shot(str(data), shots or 0, seed))


def request_of(task: str, sample: Sample, prompt: str = "open-flamingo") -> Request:
    """Return the request that a model gets."""
    return render(load_task(task), sample, prompt)


# VQAv2


def test_vqav2_by_hand(vqav2: Path, tmp_path: Path) -> None:
    yes = run("vqav2", vqav2, tmp_path / "yes", "constant:Yes.", shots=4)
    assert (value(yes, "overall"), value(yes, "yes/no"), value(yes, "number")) == (pytest.approx(100 / 3), 100.0, 0.0)
    two = run("vqav2", vqav2, tmp_path / "two", "constant:two", shots=4)
    # two of ten said 2: for each of these one other did, for each of the eight two did
    assert value(two, "number") == pytest.approx(100 * (2 * 1 / 3 + 8 * 2 / 3) / 10)
    assert two.metrics["overall"].n == 3
    assert (two.counts.correct, two.counts.partly_correct) == (1, 1)
    assert counted(two.counts).startswith("3 samples: 1 correct (1 of them in part), 2 incorrect")
    assert not yes.counts.partly_correct


def test_vqav2_official_normalizes_references_only_where_they_differ(vqav2: Path, tmp_path: Path) -> None:
    scores = run("vqav2", vqav2, tmp_path / "run", "constant:the dog", shots=0)
    assert (value(scores, "other"), value(scores, "other", "strict")) == (0.0, 100.0)


def test_what_a_model_goes_on_with_is_cut_by_one_reading_only(vqav2: Path, tmp_path: Path) -> None:
    model = "constant:dog\nQuestion:What else?"
    by_reading = {}
    for reading in (None, "2021", "m4c", "open-flamingo"):
        scores = run("vqav2", vqav2, tmp_path / str(reading), model, shots=0, reading=reading)
        by_reading[reading] = value(scores, "other")
        assert f"read with '{reading or '2016'}'" in " ".join(scores.remarks)
    assert by_reading == {None: 0.0, "2021": 0.0, "m4c": 0.0, "open-flamingo": 100.0}


def test_vqa_has_no_letters_to_judge(vqav2: Path, tmp_path: Path) -> None:
    options = ("--task", "vqav2", "--data", vqav2, "--model", "constant", "--out", tmp_path / "run")
    result = call("run", *options, "--scoring", "likelihood")
    assert (result.exit_code, "not a multiple-choice task; remove --scoring\n" in result.stderr) == (2, True)
    result = call("run", *options, "--reading", "2020")
    assert (result.exit_code, "choose from 2016, m4c, 2021, open-flamingo" in result.stderr) == (2, True)


def test_an_empty_answer_is_unparsed_and_counts(vqav2: Path, tmp_path: Path) -> None:
    scores = run("vqav2", vqav2, tmp_path / "run", "constant:...", shots=0)
    assert (value(scores, "overall"), scores.counts.unparsed) == (0.0, 3)


def test_demonstrations_carry_their_pictures_and_never_the_querys(vqav2: Path) -> None:
    first, second, third = read("vqav2", vqav2, 6)
    # a train question is about the picture of the first two: it may be shown before the third only
    assert any("leak" in [shot.answer for shot in read("vqav2", vqav2, 6, seed)[2].shots] for seed in range(3))
    assert (first.groups, second.groups, third.groups) == ({"image": "42"}, {"image": "42"}, {"image": "7"})
    for sample in (first, second):
        assert sorted(shot.answer for shot in sample.shots) == [f"said {n}" for n in range(100, 106)]
        for shot in request_of("vqav2", sample).shots:
            image, text = shot.prompt
            number = shot.answer.removeprefix("said ")
            assert isinstance(image, Image)
            assert image.name == f"train2014/COCO_train2014_{int(number):012d}.jpg"
            assert text == f"Question:Train {number}? Short answer:"


def test_the_prompt_as_a_model_gets_it(vqav2: Path, tmp_path: Path) -> None:
    evaluate("constant", "vqav2", data=str(vqav2), out=tmp_path / "run", shots=1, seed=3)
    sent = next(record.sent for record in open_run(tmp_path / "run").records if record.id == "71")
    shot = request_of("vqav2", read("vqav2", vqav2, 1, 3)[2]).shots[0]
    assert sent == f"<picture>{shot.prompt[1]}{shot.answer}\n<picture>Question:What is it? Short answer:"


def test_zero_shot_is_two_demonstrations_in_words_or_bare(vqav2: Path) -> None:
    first, *_ = read("vqav2", vqav2, 0)
    request = request_of("vqav2", first)
    assert request.shots == ()
    words, image, question = request.prompt
    first_line, second_line, end = str(words).split("\n")
    assert (isinstance(image, Image), question, end) == (True, "Question:Is it red? Short answer:", "")
    for line in (first_line, second_line):
        number = line.split("Train ")[1].split("?")[0]
        assert line == f"Question:Train {number}? Short answer: said {number}"
    assert request_of("vqav2", first, "bare") == Request(first.id, (image, question))
    four = read("vqav2", vqav2, 4)[0]
    assert request_of("vqav2", four, "bare") == request_of("vqav2", four)
    assert len(request_of("vqav2", four).shots) == 4
    assert [sample.prompt[-1] for sample in read("vqav2", vqav2, None)] == ["Is it red?", "How many?", "What is it?"]


def test_zero_shot_needs_no_train_part_where_it_is_bare(vqav2: Path, tmp_path: Path) -> None:
    for path in vqav2.glob("*train2014_*.json"):
        path.unlink()
    scores = run("vqav2", vqav2, tmp_path / "bare", shots=0, prompt="bare")
    assert value(scores, "yes/no") == 100.0
    result = call("run", "--task", "vqav2", "--data", vqav2, "--model", "constant", "--out", tmp_path / "other")
    assert result.exit_code == 2
    assert "add the train part, or choose --prompt bare" in result.stderr


def test_a_dry_run_shows_the_demonstrations(vqav2: Path) -> None:
    options = ("--task", "vqav2", "--data", vqav2, "--model", "constant", "--shots", 2, "--dry-run")
    two_seeds = call("run", *options, "--seeds", "5,6").output
    assert two_seeds.count("Short answer:") == 18
    single = call("run", *options, "--seed", 5).output
    assert single.count("Short answer:") == 9
    assert two_seeds.startswith(single.removesuffix("\nDry run: nothing was asked and nothing written.\n"))


# OK-VQA and VizWiz


def test_okvqa_scores_stemmed_answers_and_says_what_raw_ones_give(tmp_path: Path) -> None:
    folder = tmp_path / "okvqa"
    for part in ("val", "train"):
        names = f"OpenEnded_mscoco_{part}2014_questions.json", f"mscoco_{part}2014_annotations.json"
        rows: list[Asked] = [(n, n, "What sport?", "four", ["ride"] * 10) for n in (1, 2)]
        vqa_files(folder / "annotations", *names, rows, kind="question_type")
        path = folder / "annotations" / names[1]
        path.write_text(path.read_text().replace('"answer": "ride"', '"answer": "ride", "raw_answer": "riding"'))
        for n in (1, 2):
            picture(folder / "images" / f"{part}2014" / f"COCO_{part}2014_{n:012d}.jpg", n)
    scores = run("okvqa", folder, tmp_path / "run", "constant:riding", shots=1)
    assert (value(scores, "four"), value(scores, "overall", "raw")) == (0.0, 100.0)
    assert "with the reading '2016', is 100.00" in scores.remarks[0]
    assert [shot.answer for sample in read("okvqa", folder, 1) for shot in sample.shots] == ["ride", "ride"]
    # one train question is about each picture of val: the other is shown
    assert [sample.tags["demonstrations"] for sample in read("okvqa", folder, 1)] == ["2", "1"]


@pytest.fixture
def vizwiz(tmp_path: Path) -> Path:
    folder = tmp_path / "vizwiz"
    for part in ("val", "train"):
        rows = [
            {
                "image": f"VizWiz_{part}_{n:08d}.jpg",
                "question": f"What is this? {n}",
                "answers": [
                    {"answer": text, "answer_confidence": "maybe"} for text in ["unanswerable"] * 8 + ["a", "b"]
                ],
                "answer_type": "unanswerable" if n else "other",
                "answerable": 0,
            }
            for n in range(3)
        ]
        put(folder / "Annotations" / f"{part}.json", rows)
        for row in rows:
            picture(folder / part / str(row["image"]))
    return folder


def test_vizwiz(vizwiz: Path, tmp_path: Path) -> None:
    scores = run("vizwiz", vizwiz, tmp_path / "run", "constant:unanswerable", shots=2)
    assert (value(scores, "overall"), value(scores, "unanswerable"), value(scores, "other")) == (100.0, 100.0, 100.0)
    assert scores.metrics["number"].reason == "none of its questions has an answer"


def test_vizwiz_in_vqas_form_is_the_same(vizwiz: Path, tmp_path: Path) -> None:
    def facts(samples: list[Sample]) -> list[Any]:
        return [(s.prompt[-1], s.targets, s.category, [shot.answer for shot in s.shots]) for s in samples]

    expected = facts(read("vizwiz", vizwiz, 2))
    for part in ("val", "train"):
        path = vizwiz / "Annotations" / f"{part}.json"
        rows = [
            (n, row["image"], row["question"], row["answer_type"], [answer["answer"] for answer in row["answers"]])
            for n, row in enumerate(json.loads(path.read_text()))
        ]
        path.unlink()
        names = f"{part}_questions_vqa_format.json", f"{part}_annotations_vqa_format.json"
        vqa_files(vizwiz, *names, rows, kind="question_type")
    assert facts(read("vizwiz", vizwiz, 2)) == expected


# Flickr30k


@pytest.fixture
def flickr(tmp_path: Path) -> Path:
    folder = tmp_path / "flickr"
    captions = {
        "1.jpg": ("test", "A brown dog runs over green grass."),
        "2.jpg": ("test", "Two men cook rice in some kitchen."),
        **{f"{n}.jpg": ("train", f"Train caption number {n}.") for n in range(3, 8)},
        "9.jpg": ("val", "Not asked."),
    }
    images = [
        {
            "filename": name,
            "split": split,
            "imgid": number,
            "sentids": [number],
            "sentences": [{"raw": f" {text}", "tokens": [], "imgid": number, "sentid": number}] * 5,
        }
        for number, (name, (split, text)) in enumerate(captions.items())
    ]
    put(folder / FLICKR, {"dataset": "flickr30k", "images": images})
    for number, name in enumerate(captions):
        picture(folder / "flickr30k-images" / name, number)
    return folder


FLICKR = "dataset_flickr30k.json"


def test_flickr30k_by_hand(flickr: Path, tmp_path: Path) -> None:
    # all the n-grams of one picture's captions, none of the other's: 10 and 0
    scores = run("flickr30k", flickr, tmp_path / "run", "constant:a brown dog runs over green grass", shots=4)
    assert value(scores, "cider") == pytest.approx(500.0)
    assert scores.counts.unscored == scores.metrics["cider"].n == 2
    sample = read("flickr30k", flickr, 4)[0]
    shots = request_of("flickr30k", sample).shots
    assert len(shots) == 4
    assert all(shot.prompt[1] == "Output:" and shot.answer.startswith("Train caption") for shot in shots)


def test_flickr30k_cuts_the_next_caption_for_one_scorer_only(flickr: Path, tmp_path: Path) -> None:
    model = "constant:A brown dog runs over green grass.\nOutput:Two men."
    scores = run("flickr30k", flickr, tmp_path / "run", model, shots=1)
    assert value(scores, "cider", "open-flamingo") == pytest.approx(500.0)
    assert 0 < value(scores, "cider") < 500


def test_an_empty_caption_is_worth_nothing(flickr: Path, tmp_path: Path) -> None:
    scores = run("flickr30k", flickr, tmp_path / "run", "constant: ", shots=0)
    assert (value(scores, "cider"), scores.counts.unparsed) == (0.0, 2)


# Hateful Memes


@pytest.fixture
def memes(tmp_path: Path) -> Path:
    folder = tmp_path / "memes"
    for part, first in (("train", 0), ("dev_seen", 10), ("test_seen", 20)):
        rows = [
            {"id": f"{n:05d}", "img": f"img/{n:05d}.png", "label": n % 2, "text": f"text {n}"}
            for n in range(first, first + 4)
        ]
        jsonl(folder / f"{part}.jsonl", rows)
        for row in rows:
            picture(folder / str(row["img"]), int(str(row["id"])))
    return folder


def test_hateful_memes_by_hand(memes: Path) -> None:
    task = load_task("hateful-memes")
    test_seen = [sample for sample in read("hateful-memes", memes, 2) if sample.category == "test_seen"]
    assert [sample.targets for sample in test_seen] == [("no",), ("yes",), ("no",), ("yes",)]
    assert task.prompts["bare"](test_seen[0])[1] == "is an image with: 'text 20' written on it. Is it hateful? Answer:"
    # odds of yes: 1.5 and 0 for no, 2 and 1 for yes: of four pairs three are in order
    records = [
        Record(s.id, s.targets, s.category, s.groups, s.tags, loglikelihoods=(odds - 3, -3.0, odds - 3, -3.0))
        for s, odds in zip(test_seen, (1.5, 2.0, 0.0, 1.0), strict=True)
    ]
    numbers = results(task, records).metrics
    assert numbers["test_seen"].value == pytest.approx(75.0)
    # 0 is a tie, which is no answer; 1.5 is wrong
    assert numbers["test_seen/accuracy"].value == 50.0
    assert numbers["dev_seen"].reason == "no meme of dev_seen has an answer"


def test_hateful_memes_of_a_model_that_finds_all_alike(memes: Path, tmp_path: Path) -> None:
    scores = run("hateful-memes", memes, tmp_path / "run", shots=4)
    assert value(scores, "test_seen") == value(scores, "dev_seen") == 50.0
    assert scores.counts.samples == scores.counts.unparsed == 8
    dev = run("hateful-memes", memes / "dev_seen.jsonl", tmp_path / "alone", shots=0)
    assert dev.counts.samples == 4


# What is drawn


def item(number: int, picture: int) -> Item:
    return Item(str(number), f"q{number}", (f"a{number}",), str(picture), (), "made up")


@given(
    train=st.lists(st.integers(0, 5), max_size=30),
    about=st.integers(0, 5),
    shots=st.integers(0, 8),
    seed=st.integers(0, 3),
)
def test_what_is_drawn(train: list[int], about: int, shots: int, seed: int) -> None:
    """No draw has the query's picture or a duplicate; k are the first of more, and the same in every draw."""
    pool = Pool([item(number, picture) for number, picture in enumerate(train)], seed)
    query = item(99, about)
    others = sum(picture != about for picture in train)
    assert pool.others(query) == others
    if others < shots:
        with pytest.raises(InputError, match="lower --shots"):
            pool.draw(query, shots)
        return
    drawn = pool.draw(query, shots)
    ids = [shot.id for shot in drawn]
    assert len(set(ids)) == shots
    assert all(shot.picture != query.picture for shot in drawn)
    assert ids == [
        shot.id for shot in Pool([item(n, picture) for n, picture in enumerate(train)], seed).draw(query, shots)
    ]
    assert ids[: shots // 2] == [shot.id for shot in pool.draw(query, shots // 2)]


def test_other_seeds_and_other_questions_draw_others() -> None:
    train = [item(number, number) for number in range(3000)]
    first, second = Pool(train, 0), Pool(train, 1)
    assert len(first.items) == POOL
    assert [shot.id for shot in first.draw(item(1, -1), 8)] != [shot.id for shot in second.draw(item(1, -1), 8)]
    assert [shot.id for shot in first.draw(item(1, -1), 8)] != [shot.id for shot in first.draw(item(2, -1), 8)]


def test_less_than_none_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="-1 demonstrations cannot be shown"):
        next(samples([item(1, 1)], [], tmp_path, -1, 0))


# Several seeds


@dataclass(frozen=True)
class Parrot(Constant):
    """Answers by the number in the first demonstration, so that it matters what is drawn."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in requests:
            even = int(request.shots[0].answer.removeprefix("said ")) % 2 == 0
            yield Response(request.id, text="yes" if even else "3")


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checkpoints that were loaded."""
    loaded: list[str] = []

    def load(checkpoint: Checkpoint, settings: ModelOptions) -> Parrot:
        loaded.append(checkpoint.name)
        return Parrot("", checkpoint.name)

    monkeypatch.setattr(sweep, "load_model", load)
    return loaded


def seeds(model: str, task: str, numbers: Sequence[int], out: Path, **fields: Any) -> list[Run]:
    """Run the task once per seed."""
    specs = [RunSpec(task=task, model=model, seed=seed, **fields) for seed in numbers]
    return sweep.evaluate_all(specs, out=out)


@pytest.mark.slow
def test_several_seeds_by_hand(vqav2: Path, tmp_path: Path, parrot: list[str]) -> None:
    for path in vqav2.glob("*train2014_*.json"):  # without the question whose answer is no number
        path.write_text(path.read_text().replace('"leak"', '"said 1"'))
    options: dict[str, Any] = {"data": str(vqav2), "shots": 1}
    runs = seeds("constant", "vqav2", (0, 1, 2, 3), out=tmp_path / "out", **options)
    assert parrot == ["constant"]  # loaded once
    assert [run.folder.name for run in runs] == ["seed0", "seed1", "seed2", "seed3"]
    values = [value(run.results, "overall") for run in runs]
    assert len(set(values)) > 1
    summary = spread.summary(runs)
    overall = summary["scorers"]["official"]["overall"]
    assert overall["mean"] == pytest.approx(sum(values) / 4)
    assert overall["sd"] == pytest.approx(statistics.stdev(values))
    assert (overall["min"], overall["max"]) == (min(values), max(values))
    assert [each["low"] for each in overall["runs"]] == [each.results.metrics["overall"].low for each in runs]
    assert set(summary["scorers"]) == {"official", "strict"}
    repeated = seeds("constant", "vqav2", (3, 4), out=tmp_path / "out", **options)
    assert len(parrot) == 2  # seed 3 was there
    assert spread.summary(repeated)["seeds"] == [3, 4]


def test_seeds_on_the_command_line(vqav2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_report, "write", lambda run, _: (None, [run.folder / "report.html"]))  # no figures
    command = ("run", "--task", "vqav2", "--data", vqav2, "--model", "constant", "--shots", 4)
    result = call(*command, "--seeds", "0,7")
    assert result.exit_code == 0, result.output
    assert "constant on VQAv2, 4 demonstrations: 2 seeds" in result.output
    row = next(line for line in result.output.splitlines() if line.startswith("Overall"))
    narrow = call(*command, "--seeds", "0,7", width=40).output
    assert next(line for line in narrow.splitlines() if line.startswith("Overall")) == row
    assert row.split()[1:6] == ["33.33", "0.00", "33.33", "33.33", "33.33"]
    assert sorted(path.name for path in Path("reports").glob("vqav2-constant-*")) == [
        "vqav2-constant-vqa-shots4",  # what --seed 0 alone would have made
        "vqav2-constant-vqa-shots4-seed7",
    ]
    assert "strict" not in result.output
    output = call(*command[:6], "constant:the dog", *command[7:], "--seeds", "0,7").output
    row = next(line for line in output.splitlines() if line.startswith("Overall, strict"))
    assert row.split()[2:4] == ["33.33", "0.00"]  # official has 0: references that agree keep their articles
    printed = json.loads(call(*command, "--seeds", "0,7", "--json").stdout)
    assert printed["scorers"]["official"]["yes/no"]["mean"] == 100.0
    assert printed["runs"] == ["reports/vqav2-constant-vqa-shots4", "reports/vqav2-constant-vqa-shots4-seed7"]
    single = json.loads(call(*command, "--seed", 7, "--json").stdout)
    assert single == results_to_json(open_run(printed["runs"][1]).results)


def test_one_seed_has_no_spread_and_a_number_without_value_says_why(vizwiz: Path, tmp_path: Path) -> None:
    runs = seeds("constant", "vizwiz", (5,), data=str(vizwiz), shots=1, out=tmp_path / "o")
    metrics = spread.summary(runs)["scorers"]["official"]
    assert (metrics["overall"]["mean"], metrics["overall"]["sd"]) == (0.0, None)
    assert metrics["number"]["mean"] is None
    assert metrics["number"]["reason"] == "seed 5: none of its questions has an answer"


@pytest.mark.slow
def test_seeds_that_draw_nothing_are_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_shot = VL_ICL.few_shot
    assert few_shot is not None
    unseeded = replace(VL_ICL, few_shot=lambda data, shots, seed: few_shot(data, shots, 0))
    monkeypatch.setattr("mmeval.tasks.vl_icl.VL_ICL", unseeded)
    options: dict[str, Any] = {"out": tmp_path / "out", "shots": 1, "limit": 2}
    assert spread.summary(seeds("constant", "vl-icl", (0, 1), **options))["remarks"] == [spread.SAME]


def test_runs_of_two_kinds_have_no_spread(vqav2: Path, tmp_path: Path) -> None:
    runs = [evaluate("constant", "vqav2", data=str(vqav2), shots=shots, out=tmp_path / str(shots)) for shots in (1, 2)]
    with pytest.raises(InputError, match="differ in more than the seed"):
        spread.summary(runs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seeds", "0,0"), "name each once"),
        (("--seeds", "0,x"), "not a list of whole numbers"),
        (("--seeds", "1,2", "--seed", "3"), "remove one of them"),
        (
            ("--seeds", "0,1", "--shots", "7"),
            "7 demonstrations are needed, but the train split has only 6 sampled items about other pictures, of 7",
        ),
    ],
)
def test_seeds_that_make_no_sense(vqav2: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    result = call("run", "--task", "vqav2", "--data", vqav2, "--model", "constant", "--out", tmp_path / "o", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_seeds_of_a_task_without_demonstrations_and_over_a_run(vqav2: Path, tmp_path: Path) -> None:
    result = call("run", "--task", "mme", "--model", "constant", "--seeds", "0,1", "--out", tmp_path / "o")
    assert "has no demonstrations to draw; remove --seeds" in result.stderr
    evaluate("constant", "vqav2", data=str(vqav2), out=tmp_path / "run")
    result = call(
        "run", "--task", "vqav2", "--data", vqav2, "--model", "constant", "--seeds", "1,2", "--out", tmp_path / "run"
    )
    assert result.exit_code == 2
    assert "choose another folder with --out" in result.stderr


# Bad input


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


QUESTIONS, ANNOTATIONS = "v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (ANNOTATIONS, '"question_id": 71', '"question_id": 72', "has no annotation of question 71"),
        (ANNOTATIONS, '"question_id": 71', '"question_id": 421', "a second annotation of question 421"),
        (ANNOTATIONS, ', {"answer": "yes", "answer_confidence": "yes", "answer_id": 10}', "", "9 answers, not 10"),
        (ANNOTATIONS, '"answer": "yes"', '"said": "yes"', "an object with a text as 'answer'"),
        (ANNOTATIONS, '"annotations"', '"annotation"', "no 'annotations' in it (did you mean 'annotation'"),
        (QUESTIONS, '"question": "Is it red?"', '"question": ""', "must be a text"),
        (QUESTIONS, '"image_id": 42', '"image_id": "../42"', "COCO's are numbers"),
        (QUESTIONS, '"image_id": 42', '"image_id": 43', "there is no picture"),
        (QUESTIONS, "{", "[", "not JSON"),
    ],
)
def test_bad_files_are_a_sentence(vqav2: Path, file: str, old: str, new: str, message: str) -> None:
    spoil(vqav2 / file, old, new)
    result = call("run", "--task", "vqav2", "--data", vqav2, "--model", "constant")
    assert result.exit_code == 2
    assert message in result.stderr
    assert file in result.stderr


@pytest.mark.parametrize(
    ("task", "where"),
    [
        ("vqav2", "visualqa.org"),
        ("okvqa", "okvqa.allenai.org"),
        ("vizwiz", "vizwiz.org"),
        ("flickr30k", "DenotationGraph"),
        ("hateful-memes", "gated, accept Meta's license"),
    ],
)
def test_a_set_that_is_not_there_says_where_to_get_it(task: str, where: str, tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "nowhere", "hub"):
        result = call("run", "--task", task, "--data", data, "--model", "constant")
        assert result.exit_code == 2
        assert where in result.stderr


@pytest.mark.parametrize("name", ["vqav2", "flickr", "memes", "vizwiz"])
def test_a_pool_smaller_than_k_is_a_sentence(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    task = {"flickr": "flickr30k", "memes": "hateful-memes"}.get(name, name)
    data = request.getfixturevalue(name)
    result = call("run", "--task", task, "--data", data, "--model", "constant", "--shots", 8, "--out", tmp_path / "o")
    assert result.exit_code == 2
    assert "8 demonstrations are needed" in result.stderr
    assert not (tmp_path / "o").exists()


def test_a_demonstration_without_its_picture_is_a_sentence(vqav2: Path) -> None:
    for path in (vqav2 / "train2014").iterdir():
        path.unlink()
    assert len(read("vqav2", vqav2, 0)) == 3  # in words they need none
    with pytest.raises(InputError, match=r"there is no picture .*train2014/COCO_train2014_"):
        read("vqav2", vqav2, 1)


def test_a_link_out_of_the_folder_leads_to_a_picture_or_is_refused(vizwiz: Path, tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside.jpg")
    inside = vizwiz / "val" / "VizWiz_val_00000000.jpg"
    inside.unlink()
    inside.symlink_to(outside)
    assert len(read("vizwiz", vizwiz, 0)) == 3
    outside.write_text("root:x:0:0")
    with pytest.raises(InputError, match="leads out of"):
        read("vizwiz", vizwiz, 0)


def test_memes_without_labels_and_with_odd_ones(memes: Path) -> None:
    spoil(memes / "dev_seen.jsonl", '"label": 0', '"label": 2')
    with pytest.raises(InputError, match=r"dev_seen.jsonl, line 1: the label is 2"):
        read("hateful-memes", memes, 0)
    spoil(memes / "dev_seen.jsonl", '"label": 2', '"labels": 2')
    with pytest.raises(InputError, match="has no label; get the release with labels"):
        read("hateful-memes", memes, 0)
    (memes / "train.jsonl").unlink()
    with pytest.raises(InputError, match=r"no train\.jsonl to draw demonstrations from"):
        read("hateful-memes", memes, 1)


@pytest.mark.parametrize(("old", "new"), [('"split": "test"', '"split": "tset"'), ('"raw": ', '"row": ')])
def test_flickrs_bad_rows(flickr: Path, old: str, new: str) -> None:
    spoil(flickr / FLICKR, old, new)
    with pytest.raises(InputError, match=f"{FLICKR}, item 1"):
        read("flickr30k", flickr, 0)


# The model that comes with the repository


@pytest.mark.parametrize("name", ["vqav2", "memes"])
def test_demonstrations_with_pictures_reach_a_real_model(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    data = request.getfixturevalue(name)
    task = {"memes": "hateful-memes"}.get(name, name)
    scores = run(task, data, tmp_path / "run", "mmicl-tiny", shots=4, device="cpu", limit=2)
    assert (scores.counts.samples, scores.counts.error) == (2, 0)
    assert all(record.sent.count("<image") >= 5 for record in open_run(tmp_path / "run").records)


@pytest.mark.slow
def test_sampled_answers_vary_with_the_seed_without_demonstrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from mmeval.models.constant import Constant\n\n\ndef load(options):\n    return Constant('yes')\n"
    (tmp_path / "own_sampler.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    runs = seeds("python:own_sampler:load", "mme", (0, 1), out=tmp_path / "out", temperature=0.7, limit=28)
    assert [run.folder.name for run in runs] == ["seed0", "seed1"]
    assert spread.summary(runs)["remarks"] == []
