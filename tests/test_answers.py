"""Answers from any source: written to a file of any format and read back, they score as in a run."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmeval.answers import score_answers, score_predictions
from mmeval.answers.joining import join
from mmeval.data.answers import FAILED
from mmeval.models.constant import Constant
from mmeval.runs.marks import SMALL
from mmeval.runs.run import Run
from mmeval.runs.schema import Results
from mmeval.task_loading import load_task
from mmeval.tasks import TASKS
from mmeval.types import Generation, Image, InputError, Record, Request, Response, Sample
from tests import mmbench_table
from tests.evaluating import evaluate
from tests.mic.mic_folders import put
from tests.mme_folder import make_release
from tests.tasks.small_folders import call, embedded, jsonl, parquet, picture, value
from tests.tasks.test_pairs_and_sources import mathvista
from tests.tasks.test_prompts import WRITERS
from tests.tasks.test_tier_two import EXPECTED, hallusion, mmstar, seed, textvqa, video_mme

TEXTS = ("A", "B", "C", "(B) it", "Yes", "no, not at all", "True", "The answer is A.", "3", "dog", "a dog", "what?", "")

NEED_PICTURES = ("mme", "vcr", "where2place")
"""Benchmarks that cut their pictures, whose release names no pictures in its questions, or whose keys are pictures."""


class Mixed(Constant):
    """Answers each question with one of `TEXTS`, chosen by its id."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        return (Response(request.id, text=random.Random(request.id).choice(TEXTS)) for request in requests)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        for request in requests:
            draw = random.Random(request.id)
            yield Response(request.id, loglikelihoods=tuple(-draw.random() for _ in request.candidates))


ONLY_3 = f"{SMALL} 3 of the benchmark's 1,500 questions"
"""The mark for a small MMStar."""


def mixed_run(task: str, data: Path | str, out: Path) -> Run:
    """Run a whole benchmark with `Mixed`."""
    return evaluate("constant", task, data=str(data), out=out, load=lambda checkpoint, options: Mixed("mixed"))


def row(record: Record) -> dict[str, Any]:
    """The answer in the form that docs/answers.md shows."""
    if record.loglikelihoods is not None:
        return {"id": record.id, "loglikelihoods": list(record.loglikelihoods)}
    return {"id": record.id, "answer": record.text}


def assert_scores_as(results: Results, run: Run) -> None:
    """Assert that a file scores as the run does."""
    for name in ("metrics", "others", "counts", "parts"):
        assert getattr(results, name) == getattr(run.results, name)
    assert (results.answered, results.planned) == (run.samples_planned, run.samples_planned)
    assert results.marks == run.marks  # of data that is only part of the benchmark, too


def scored(task: str, path: Path, data: Path, **options: Any) -> Results:
    return score_answers(task, str(path), data=str(data), **options)[1]


def public(run: Run, folder: Path) -> Iterator[Path]:
    """The answers of a run as four public tools write them, with the benchmark's ids or its rows' numbers."""
    numbered = list(enumerate(run.records))
    llava = [
        {"question_id": record.id, "prompt": record.question, "text": record.text, "answer_id": "x"}
        for _, record in numbered
    ]
    yield jsonl(folder / "merge.jsonl", llava)
    table = [
        {"index": record.id, "question": record.question, "answer": "A", "prediction": record.text}
        for _, record in numbered
    ]
    KINDS["xlsx"](pd.DataFrame(table), folder / "model_Task.xlsx")
    yield folder / "model_Task.xlsx"
    log: list[dict[str, Any]] = [
        {"doc_id": n, "input": record.question, "target": "A", "resps": [[record.text]]} for n, record in numbered
    ]
    yield jsonl(folder / "1_samples_task.jsonl", [{**entry, "filtered_resps": entry["resps"][0]} for entry in log])
    log = [{**entry, "doc": {"question": entry["input"]}, "filter": "none", "filtered_resps": ["A"]} for entry in log]
    yield jsonl(folder / "samples_task_1.jsonl", log)


def likelihoods(run: Run, folder: Path) -> Iterator[Path]:
    """The log-likelihoods of a run as lm-evaluation-harness writes them: as texts, each with whether it is greedy."""
    log = [
        {"doc_id": n, "doc": {"question": record.question}, "resps": [[[str(value), "False"]] for value in values]}
        for n, record in enumerate(run.records)
        if (values := record.loglikelihoods)
    ]
    yield jsonl(folder / "samples_task_1.jsonl", log)


def without_media(folder: Path) -> None:
    """Delete all pictures and videos."""
    for path in folder.rglob("*"):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".mp4", ".avi", ".mkv", ".webm"):
            path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TASKS))
def test_the_answers_of_a_run_score_as_the_run(name: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    data = tmp_path / "data" / (WRITERS[name](tmp_path / "data") or "")
    run = mixed_run(name, data, tmp_path / "run")
    if name not in NEED_PICTURES:
        without_media(tmp_path / "data")
    assert_scores_as(
        scored(name, jsonl(tmp_path / "answers.jsonl", [row(record) for record in reversed(run.records)]), data), run
    )
    assert_scores_as(scored(name, tmp_path / "run" / "records.jsonl", data), run)
    paths = islice(public(run, tmp_path), list(TASKS).index(name) % 2, None, 2)  # two of the four tools
    for path in likelihoods(run, tmp_path) if load_task(name).candidates else paths:
        assert_scores_as(scored(name, path, data), run)


def test_a_cards_data_is_beside_it(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    jsonl(tmp_path / "q.jsonl", [{"ask": "Is it?", "right": "yes", "photo": "a.png", "name": "x"}])
    fields = "{question: ask, answer: right, pictures: photo, id: name}"
    (tmp_path / "own.yaml").write_text(f"about: one question\nkind: yes/no\nfiles: q.jsonl\nfields: {fields}\n")
    path = jsonl(tmp_path / "a.jsonl", [{"id": "x", "output": "Yes."}])
    result = call("score", "--task", tmp_path / "own.yaml", "--answers", path, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["metrics"]["overall"]["value"] == 100


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pope", "mmbench", "iq50"])
def test_an_embedded_suite_is_read_as_in_a_run(name: str, tmp_path: Path) -> None:
    run = mixed_run(name, "embedded", tmp_path / "run")
    path = jsonl(tmp_path / "answers.jsonl", [row(record) for record in run.records])
    results = score_answers(name, str(path))[1]
    assert_scores_as(results, run)
    assert results.marks == run.marks


KINDS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "csv": lambda table, path: table.to_csv(path, index=False),
    "tsv": lambda table, path: table.to_csv(path, index=False, sep="\t"),
    "json": lambda table, path: table.to_json(path, orient="records"),
    "jsonl": lambda table, path: table.to_json(path, orient="records", lines=True),
    "parquet": lambda table, path: table.to_parquet(path),
    "xlsx": lambda table, path: table.to_excel(path, index=False),
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("task", ["mmstar", "winoground"])
def test_every_kind_of_file(kind: str, task: str, tmp_path: Path) -> None:
    WRITERS[task](tmp_path / "data")
    run = mixed_run(task, tmp_path / "data", tmp_path / "run")
    rows = [row(record) for record in run.records]
    if kind in ("csv", "tsv", "xlsx"):
        rows = [{name: str(cell) for name, cell in values.items()} for values in rows]
    KINDS[kind](pd.DataFrame(rows), tmp_path / f"answers.{kind}")
    assert_scores_as(scored(task, tmp_path / f"answers.{kind}", tmp_path / "data"), run)


# MMStar's three questions are answered C, A, C; so are these, in the forms of public tools and of its own
THREE = ("C", "B", "C")
QUESTION = "Which?\nOptions: A: a cat, B: a dog, C: a hen, D: none"
PROMPT = f"{QUESTION}\nAnswer with the option's letter from the given choices directly."


def lmms_eval(folder: Path) -> Path:
    """Logs without the documents; the metrics' own dictionaries name them."""
    metric = [{"question_id": n, "category": "math", "answer": "C", "pred": "A"} for n in range(3)]
    rows = [
        {
            "doc_id": n,
            "target": "C",
            "filtered_resps": [text],
            **({"resps": [[f"<think>A?</think>{text}"]]} if n == 1 else {}),
            "doc_hash": "74234e98",
            "average": metric[n],
            "input": PROMPT,
        }
        for n, text in enumerate(THREE)
    ]
    return jsonl(folder / "20261101_samples_mmstar.jsonl", rows)


def lmms_eval_logs(folder: Path) -> Path:
    """Logs of its first versions, one JSON document."""
    rows = [
        {"doc_id": n, "doc": {"index": n, "question": QUESTION, "answer": "C"}, "target": "C", "resps": [[text]]}
        for n, text in enumerate(THREE)
    ]
    put(folder / "mmstar.json", {"args": {}, "logs": rows, "time": "1"})
    return folder / "mmstar.json"


def lm_eval(folder: Path) -> Path:
    """Several filters are several rows of one document, whose answer is the same."""
    rows = [
        {
            "doc_id": n,
            "doc": {"index": n, "question": QUESTION, "answer": "C"},
            "target": "C",
            "arguments": {"gen_args_0": {"arg_0": PROMPT, "arg_1": {"until": []}}},
            "resps": [[text]],
            "filtered_resps": ["A"],
            "filter": name,
            "exact_match": 0.0,
        }
        for name in ("strict-match", "flexible-extract")
        for n, text in enumerate(THREE)
    ]
    return jsonl(folder / "samples_mmstar_2026-11-01.jsonl", rows)


def vlmevalkit(folder: Path, kind: str = "xlsx") -> Path:
    """Options stand in columns of their own, and not in the question; `answer` is the right one."""
    rows = [
        {"index": n, "question": "Which?", "A": "a cat", "B": "a dog", "C": "a hen", "answer": "A", "prediction": text}
        for n, text in enumerate(THREE)
    ]
    KINDS[kind](pd.DataFrame(rows), folder / f"model_MMStar.{kind}")
    return folder / f"model_MMStar.{kind}"


def llava(folder: Path) -> Path:
    rows = [
        {"question_id": n, "prompt": PROMPT, "text": text, "answer_id": f"x{n}", "model_id": "llava", "metadata": {}}
        for n, text in enumerate(THREE)
    ]
    return jsonl(folder / "merge.jsonl", rows)


def in_order(folder: Path) -> Path:
    """Rows without ids, in the order of the questions."""
    put(folder / "answers.json", [{"question": QUESTION, "response": text} for text in THREE])
    return folder / "answers.json"


def map_of_ids(folder: Path) -> Path:
    put(folder / "answers.json", dict(enumerate(THREE)))
    return folder / "answers.json"


FORMS = [lmms_eval, lmms_eval_logs, lm_eval, vlmevalkit, lambda f: vlmevalkit(f, "tsv"), llava, in_order, map_of_ids]


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_public_tools(form: Callable[[Path], Path], tmp_path: Path) -> None:
    mmstar(tmp_path / "data")
    results = scored("mmstar", form(tmp_path), tmp_path / "data")
    assert value(results, "overall") == pytest.approx(200 / 3)
    assert (results.answered, results.planned, results.marks) == (3, 3, [ONLY_3])


def test_an_order_is_not_believed_where_the_questions_are_others(tmp_path: Path) -> None:
    mmstar(tmp_path / "data")
    jsonl(tmp_path / "a.jsonl", [{"doc_id": 0, "input": "Where is it?", "resps": [["A"]]}])
    with pytest.raises(InputError, match=r"no column with ids .* add one with ids such as '0'"):
        scored("mmstar", tmp_path / "a.jsonl", tmp_path / "data")


def pope(folder: Path) -> list[dict[str, Any]]:
    """Three splits that share a question; returns the rows in another order of the splits."""
    splits = []
    for split, nouns in (("random", "dc"), ("popular", "db"), ("adversarial", "da")):
        rows = [
            {"question_id": n, "image": "1.jpg", "text": f"Is there a {noun} in the image?", "label": label}
            for n, (noun, label) in enumerate(zip(nouns, ("yes", "no"), strict=True), 1)
        ]
        jsonl(folder / f"coco_pope_{split}.json", rows)
        splits.append(rows)
    picture(folder / "val2014" / "1.jpg")
    return [question for rows in reversed(splits) for question in rows]


@pytest.mark.parametrize("ids", [lambda n: {}, lambda n: {"question_id": n}, lambda n: {"question_id": n % 2 + 1}])
def test_popes_splits_in_any_order(ids: Callable[[int], dict[str, int]], tmp_path: Path) -> None:
    """POPE's own file has no ids, LLaVA counts through the splits, and lmms-lab's copy has each id three times."""
    answers = [
        {**ids(n), "question": question["text"], "answer": "no" if "a b in" in question["text"] else "yes"}
        for n, question in enumerate(pope(tmp_path / "data"))
    ]
    results = scored("pope", jsonl(tmp_path / "answers.jsonl", answers), tmp_path / "data")
    assert [value(results, f"{split}/accuracy") for split in ("random", "popular", "adversarial")] == [50, 100, 50]
    assert "joined by their order" in results.remarks[0]


def test_mme_as_two_public_tools_write_it(tmp_path: Path) -> None:
    """The id is that of a picture with two questions: the row's question tells which."""
    make_release(tmp_path / "data", pictures=1)
    run = mixed_run("mme", tmp_path / "data", tmp_path / "run")
    llava = [
        {
            "question_id": record.groups["image"],
            "prompt": f"{record.question}\nAnswer with a word.",
            "text": record.text,
        }
        for record in run.records
    ]
    assert_scores_as(scored("mme", jsonl(tmp_path / "llava.jsonl", llava), tmp_path / "data"), run)
    table = [
        {"index": n, "image_path": record.groups["image"], "question": record.question, "prediction": record.text}
        for n, record in enumerate(run.records)
    ]
    KINDS["xlsx"](pd.DataFrame(table), tmp_path / "model_MME.xlsx")
    assert_scores_as(scored("mme", tmp_path / "model_MME.xlsx", tmp_path / "data"), run)


def test_mathvista_as_lmms_eval_logs_it_in_words_of_its_own(tmp_path: Path) -> None:
    mathvista(tmp_path / "data")
    samples = list(load_task("mathvista").samples(str(tmp_path / "data")))
    prompt = "Which?\nA. 9\nB. 18\nC. 12\nD. 18\nAnswer with the option's letter from the given choices directly."
    results = [{"question_id": sample.id, "query": sample.prompt[-1], "true_false": True} for sample in samples]
    rows = [
        {
            "doc_id": n,
            "target": "18",
            "filtered_resps": "B",
            "llm_as_judge_eval": judgement,
            "submission": judgement,
            "input": prompt,
        }
        for n, judgement in enumerate(results)
    ]
    joined = join(iter(samples), jsonl(tmp_path / "a.jsonl", rows))
    assert len(joined.records) == 4
    assert "joined by question_id" in joined.remarks[0]


def test_textvqa_as_llava_names_it_by_its_picture(tmp_path: Path) -> None:
    textvqa(tmp_path / "data")
    rows = [("003a8ae2ef43b901", "What brand?", "Nokia"), ("1", "And this?", "samsung")]
    answers = [
        {"question_id": id, "prompt": f"{question}\nReference OCR token: x", "text": text}
        for id, question, text in rows
    ]
    results = scored("textvqa", jsonl(tmp_path / "a.jsonl", answers), tmp_path / "data")
    assert results.counts.samples == 2
    assert value(results, "overall") > 90


def test_mmbench_turns_by_index_and_by_round(tmp_path: Path) -> None:
    line = mmbench_table.line(241, ["a cat", "a dog"], "B")
    mmbench_table.write(tmp_path / "dev.tsv", [line])
    table = pd.DataFrame({"index": [241, 1000241], "prediction": ["B", "A"]})
    KINDS["tsv"](table, tmp_path / "model.tsv")
    results = scored("mmbench", tmp_path / "model.tsv", tmp_path / "dev.tsv", reading="2026-08", partial=True)
    assert value(results, "circular") == 100
    assert "read with '2026-08'" in results.remarks[-1]
    rounds = [{"question_id": 241, "round_id": n, "text": letter} for n, letter in enumerate("BA")]
    assert value(scored("mmbench", jsonl(tmp_path / "a.jsonl", rounds), tmp_path / "dev.tsv"), "circular") == 100


def test_the_benchmarks_own_forms(tmp_path: Path) -> None:
    def number(task: str, path: Path, data: Path, name: str = "overall", scorer: str | None = None) -> Any:
        results = scored(task, path, data)
        assert [mark for mark in results.marks if not mark.startswith(SMALL)] == []
        return value(results, name, scorer)

    WRITERS["scienceqa"](tmp_path / "sqa")
    put(tmp_path / "sqa.json", {"acc": 0, "results": {"7": 1}, "outputs": {"7": "The answer is A."}})
    assert number("scienceqa", tmp_path / "sqa.json", tmp_path / "sqa") == 100
    put(tmp_path / "places.json", {"acc": 0, "results": {"7": 1}})
    assert number("scienceqa", tmp_path / "places.json", tmp_path / "sqa", scorer="strict") == 0  # the second option

    WRITERS["nlvr2"](tmp_path / "nlvr2")
    (tmp_path / "nlvr2.csv").write_text("test1-0-0-0,True\ntest1-9-0-0,False\n")
    assert number("nlvr2", tmp_path / "nlvr2.csv", tmp_path / "nlvr2", "accuracy") == 100
    (tmp_path / "named.csv").write_text("nr,reply\ntest1-0-0-0,True\n")  # a header, though of unknown names
    with pytest.raises(InputError, match=r"no column with answers .* it has: nr, reply"):
        number("nlvr2", tmp_path / "named.csv", tmp_path / "nlvr2", "accuracy")

    hallusion(tmp_path / "h")
    rows = json.loads((tmp_path / "h" / "HallusionBench.json").read_text())
    put(
        tmp_path / "h.json",
        [{**question, "model_prediction": "Yes." if n else "No."} for n, question in enumerate(rows)],
    )
    assert number("hallusionbench", tmp_path / "h.json", tmp_path / "h") == pytest.approx(400 / 6)

    (tmp_path / "vizwiz").mkdir()
    WRITERS["vizwiz"](tmp_path / "vizwiz")
    put(tmp_path / "vizwiz.json", [{"image": "VizWiz_val_0.jpg", "answer": "a can"}])
    assert number("vizwiz", tmp_path / "vizwiz.json", tmp_path / "vizwiz", scorer="strict") == 100

    WRITERS["vqav2"](tmp_path / "vqa")
    put(tmp_path / "vqa.json", [{"question_id": 10, "answer": "a dog"}])
    assert number("vqav2", tmp_path / "vqa.json", tmp_path / "vqa", scorer="strict") == 100

    seed(tmp_path / "seed")
    lines = [
        {"question_id": "101670", "prediction": "B", "gt_answer": "B"},
        {"question_id": "101669", "prediction": "A"},
    ]
    (tmp_path / "seed.json").write_text("".join(json.dumps(prediction) + ",\n" for prediction in lines))
    assert number("seed-bench", tmp_path / "seed.json", tmp_path / "seed", "5") == 100

    WRITERS["blink"](tmp_path / "blink")
    put(tmp_path / "blink.json", {f"val_{name}_1": "(A)" for name in load_task("blink").axes})
    assert number("blink", tmp_path / "blink.json", tmp_path / "blink") == pytest.approx(100)

    WRITERS["vl-icl"](tmp_path / "icl")
    put(tmp_path / "icl.json", [{"question": "What is it?", "answer": 12, "operator": "x", "prediction": "12"}])
    assert number("vl-icl", tmp_path / "icl.json", tmp_path / "icl", "operator_induction") == 100

    WRITERS["flickr30k"](tmp_path / "flickr")
    put(tmp_path / "flickr.json", [{"image_id": 0, "caption": "A brown dog runs."}])
    assert number("flickr30k", tmp_path / "flickr.json", tmp_path / "flickr", "cider") == 0  # of one picture alone

    WRITERS["hateful-memes"](tmp_path / "memes")
    (tmp_path / "memes.csv").write_text("id,proba,label\n20,0.1,0\n21,0.0,0\n10,0.2,0\n11,1.0,1\n")
    assert number("hateful-memes", tmp_path / "memes.csv", tmp_path / "memes", "test_seen") == 0
    assert number("hateful-memes", tmp_path / "memes.csv", tmp_path / "memes", "dev_seen") == 100


def test_questions_that_share_an_id_have_their_rows_in_turn(tmp_path: Path) -> None:
    """Like 49914 in SEED-Bench, whose second question has its row's number in its id."""
    picture = Image(b"")
    samples = [Sample(id, (picture, "How many?"), ("A",)) for id in ("7", "49914", "49914 (row 3)")]
    rows = [("49914", "B"), ("7", "A"), ("49914", "C")]
    path = jsonl(tmp_path / "a.jsonl", [{"question_id": id, "prediction": text} for id, text in rows])
    assert [record.text for record in join(samples, path).records] == ["A", "B", "C"]


def test_rows_that_are_counted_stand_in_any_order(tmp_path: Path) -> None:
    samples = [Sample(f"id-{n}", (Image(b""), f"What is {n}?"), ("A",)) for n in range(3)]
    rows = [{"doc_id": n, "input": f"<image>What is {n}?\nAnswer!", "filtered_resps": [str(n)]} for n in (2, 0, 1)]
    assert [record.text for record in join(samples, jsonl(tmp_path / "a.jsonl", rows)).records] == ["0", "1", "2"]


def test_video_benchmarks_own_forms(tmp_path: Path) -> None:
    WRITERS["nextqa"](tmp_path / "next")
    put(tmp_path / "next.json", {"77_6": {"prediction": 0, "answer": 0}})
    assert value(scored("nextqa", tmp_path / "next.json", tmp_path / "next"), "overall") == 100

    video_mme(tmp_path / "mme")
    questions = [{"question_id": f"001-{n}", "question": "When?", "answer": "C", "response": "C"} for n in range(3)]
    put(tmp_path / "mme.json", [{"video_id": "001", "duration": "short", "questions": questions}])
    assert value(scored("video-mme", tmp_path / "mme.json", tmp_path / "mme"), "overall") == pytest.approx(200 / 3)


def test_what_is_unknown_missing_or_twice_is_counted_and_reported(tmp_path: Path) -> None:
    mmstar(tmp_path / "data")
    rows = [{"id": 0, "answer": "A"}, {"id": 0, "answer": "C"}, {"id": 2, "answer": "C"}, {"id": 9, "answer": "C"}]
    path = jsonl(tmp_path / "a.jsonl", rows)
    result = call("score", "--task", "mmstar", "--data", tmp_path / "data", "--answers", path)
    assert result.exit_code == 1
    for message in (
        "2 of 3 questions answered",
        "unfinished: 1 of 3 questions has no answer",
        "3 of 4 rows answer one of the 3 questions (answer; joined by id)",
        "Rows that match no question and do not count: 1, such as '9'",
        "1 question occurs more than once, such as 0; the last answer counts",
    ):
        assert message in result.output
    results = json.loads(
        call("score", "--task", "mmstar", "--data", tmp_path / "data", "--answers", path, "--json").output
    )
    assert (results["metrics"]["overall"]["value"], results["counts"]["samples"]) == (100, 2)


def test_an_error_is_no_answer(tmp_path: Path) -> None:
    mmstar(tmp_path / "data")
    rows: list[dict[str, Any]] = [
        {"id": 0, "text": "C"},
        {"id": 1, "text": None, "error": "out of memory"},
        {"id": 2, "text": FAILED},
    ]
    results = scored("mmstar", jsonl(tmp_path / "a.jsonl", rows), tmp_path / "data")
    assert (results.answered, results.marks) == (1, ["2 of 3 answers are errors", ONLY_3])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"prediction": "A"}', r"a.jsonl.*no column with ids \(id, question_id, index, idx, ...\)"),
        ("a.jsonl", '{"id": 0, "said": "A"}', r"no column with answers \(.*\); it has: id, said"),
        ("a.jsonl", '{"question_id": 0, "image": "x.jpg", "text": "Which?"}', "no column with answers"),
        (
            "a.jsonl",
            '{"id": "x-7", "answer": "A"}',
            r"its ids are like 'x-7' \(id\), the benchmark's like '0'",
        ),
        ("a.jsonl", '{"id": "0", "question": "Why?", "answer": "A"}', r"'why' is not that of '0' in the data, 'which"),
        ("a.jsonl", "", "no rows"),
        ("a.json", "[]", "no rows"),
        ("a.json", "[1", "not JSON"),
        ("a.json", "[1]", "'1' is not a JSON object"),
        ("a.json", '[{"questions": [1]}]', "'1' is not a JSON object"),
        ("a.json", '{"id": 0, "prediction": "A"},\n{"id": 1', "not one JSON object and a comma per line"),
        ("a.jsonl", '{"id": 0, "prediction": {"A": 1}}', "the column prediction is not a text"),
        ("a.csv", "id,answer\n", "no rows"),
        ("a.pkl", "x", r"not .jsonl, .json, .csv, .tsv, .xlsx, .eval or .parquet; save it as one of these"),
        ("a.xlsx", "x", "not an .xlsx file, or damaged"),
        ("a.jsonl", '{"id": 0, "resps": [[[-1.5, false]]]}', "the column resps is not a text"),
        (
            "a.jsonl",
            '{"id": "x-7", "question": "Whose?", "answer": "A"}',
            r"\(id\), the benchmark's like '0', and its questions are not in the order of the data; give",
        ),
        ("nowhere.csv", None, "no such file"),
    ],
)
def test_a_file_that_cannot_be_scored_is_a_sentence(
    name: str, content: str | None, message: str, tmp_path: Path
) -> None:
    mmstar(tmp_path / "data")
    if content is not None:
        (tmp_path / name).write_text(content)
    result = call("score", "--task", "mmstar", "--data", tmp_path / "data", "--answers", tmp_path / name)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("mmeval: ")
    assert result.stderr.count("\n") == 1
    with pytest.raises(InputError, match=message):
        scored("mmstar", tmp_path / name, tmp_path / "data")


def test_bytes_are_no_answer(tmp_path: Path) -> None:
    mmstar(tmp_path / "data")
    pd.DataFrame([{"index": 0, "prediction": b"A"}]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.parquet, row 1: the column prediction is not a text but b'A'"):
        scored("mmstar", tmp_path / "a.parquet", tmp_path / "data")


def test_a_formula_is_no_answer(tmp_path: Path) -> None:
    mmstar(tmp_path / "data")
    KINDS["xlsx"](pd.DataFrame([{"index": 0, "prediction": '=CONCAT("A")'}]), tmp_path / "a.xlsx")
    with pytest.raises(InputError, match=r"a.xlsx, line 2, column prediction: '=CONCAT.*' is a formula"):
        scored("mmstar", tmp_path / "a.xlsx", tmp_path / "data")


@pytest.mark.parametrize("column", ["resps", "filtered_resps"])
def test_a_likelihood_is_no_text(column: str, tmp_path: Path) -> None:
    pairs = [["-0.1", "False"], ["-0.5", "True"]]  # as lm-eval 0.4.13 logs `multiple_choice`, and our own export
    row = {"index": 0, column: [[pair] for pair in pairs] if column == "resps" else pairs}
    mmstar(tmp_path / "data")
    jsonl(tmp_path / "a.jsonl", [row])
    with pytest.raises(InputError, match=r"line 1: its answer is 2 log-likelihoods, but this benchmark reads texts"):
        scored("mmstar", tmp_path / "a.jsonl", tmp_path / "data")


def test_a_text_is_no_likelihood(tmp_path: Path) -> None:
    WRITERS["winoground"](tmp_path / "data")
    jsonl(tmp_path / "a.jsonl", [{"id": "0/00", "answer": "yes"}])
    with pytest.raises(InputError, match=r"the column loglikelihoods must hold the 4 log-likelihoods"):
        scored("winoground", tmp_path / "a.jsonl", tmp_path / "data")


def test_rows_that_are_counted_from_0_are_not_those_counted_from_1(tmp_path: Path) -> None:
    EXPECTED["vsr"][0](tmp_path / "data")
    jsonl(tmp_path / "a.jsonl", [{"index": n, "prediction": "yes"} for n in range(5)])
    with pytest.raises(InputError, match="its ids are like '0'"):
        scored("vsr", tmp_path / "a.jsonl", tmp_path / "data")


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    for arguments in (
        ("--answers", "a.jsonl"),
        ("--task", "mme", "--answers", "a", "--predictions", "b"),
        ("--task", "mme", "--predictions", "b", "--data", "c"),
        (tmp_path, "--task", "mme", "--answers", "a"),
        (tmp_path, "--data", "c"),
    ):
        assert call("score", *arguments).exit_code == 2


def predictions(folder: Path, repeat: int = 1, pictures: int = 1) -> Path:
    """Write MME's results folder, with every line `repeat` times."""
    from mmeval.tasks.mme import SUBTASKS

    folder.mkdir()
    for subtask in SUBTASKS:
        lines = [f"{n}.jpg\tIs it {word}?\t{word}\tYes\n" for n in range(pictures) for word in ("Yes", "No")]
        (folder / f"{subtask}.txt").write_text("".join(lines * repeat))
    return folder


def test_a_results_folder_that_is_not_whole_is_reported(tmp_path: Path) -> None:
    result = call("score", "--task", "mme", "--predictions", predictions(tmp_path / "few"))
    assert result.exit_code == 1
    assert "28 of 2,374 questions answered" in result.output
    assert "unfinished: 2,346 of 2,374 questions have no answer" in result.output


def test_a_results_folder_twice_over_counts_once(tmp_path: Path) -> None:
    once = score_predictions("mme", str(predictions(tmp_path / "once", pictures=3)))[1]
    twice = score_predictions("mme", str(predictions(tmp_path / "twice", repeat=2, pictures=3)))[1]
    assert twice.metrics == once.metrics
    assert "84 questions occur more than once, such as" in twice.remarks[0]


def test_blinks_missing_predictions_are_wrong_and_reported(tmp_path: Path) -> None:
    put(tmp_path / "blink.json", {"val_Art_Style_1": "(A)"})
    results = score_predictions("blink", str(tmp_path / "blink.json"))[1]
    assert (results.answered, results.planned, results.counts.samples) == (1, 1901, 1901)
    assert results.marks == ["unfinished: 1,900 of 1,901 questions have no answer"]


@pytest.mark.parametrize("start", [0, 1])
def test_a_row_number_that_counts_from_0_is_a_place_if_all_questions_are_the_same(start: int, tmp_path: Path) -> None:
    keys = [str(2 + n % 4) for n in range(30)]
    question = {"task": "Nested Squares", "prompt": "Count the squares."}
    parquet(
        tmp_path / "valid-0.parquet", [{**question, "groundtruth": key, "image": embedded(int(key))} for key in keys]
    )
    rows = [
        {"index": n, "question": question["prompt"], "prediction": f"{{{key}}}"} for n, key in enumerate(keys, start)
    ]
    jsonl(tmp_path / "answers.jsonl", rows)
    results = scored("vlms-are-blind", tmp_path / "answers.jsonl", tmp_path)
    assert (value(results, "questions"), results.answered) == (100, 30)


def test_many_blank_lines_are_read_at_once(tmp_path: Path) -> None:
    mmstar(tmp_path / "data")
    (tmp_path / "a.json").write_text('{"id": 0}' + "\n" * 20_000 + "{")
    start = time.perf_counter()
    with pytest.raises(InputError, match="no column with answers"):
        scored("mmstar", tmp_path / "a.json", tmp_path / "data")
    assert time.perf_counter() - start < 5
