"""Each benchmark that is only a card: a small folder in its real format, and numbers worked out by hand."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.cards.facts import facts
from mmeval.cards.rows import OWN_ID
from mmeval.configuration import configure
from mmeval.data import video
from mmeval.evaluation.survey import check_pictures, data_remarks, survey
from mmeval.models import load_model
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.tasks import LEFT_OUT, TASKS
from mmeval.types import SPARE, Image, InputError, Unsupported, images
from tests.mic.mic_folders import clip
from tests.tasks.small_folders import call, embedded, jsonl, parquet, picture, png, run, value
from tests.tasks.test_spatial import embspatial_bench, seed_bench_2_plus, visulogic
from tests.tasks.test_video_choice import egoschema, longvideobench

CARDS = sorted(name for name in TASKS if "fields" in facts(name) and name != "vsi-bench")
FOUR = dict(zip(("choice_a", "choice_b", "choice_c", "choice_d"), "wxyz", strict=True))


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def mantis(folder: Path) -> None:
    options = ["(A) the first", "(B) the second"]
    rows = [
        ("multi-choice", "<image> and <image>: which is older?", options, "B"),
        ("multi-choice", "<image> <image> Which is newer?", options, "A"),
        ("short-answer", "<image> <image> How many birds are in both?", [], "two"),
    ]
    parquet(
        folder / "mantis_eval" / "test-00000-of-00001.parquet",
        [
            {
                "id": f"mantis_eval_{n}",
                "question_type": kind,
                "question": question,
                "options": offered,
                "answer": answer,
                "images": [embedded(2 * n), embedded(2 * n + 1)],
            }
            for n, (kind, question, offered, answer) in enumerate(rows)
        ],
    )


def seed(folder: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question_id": "101669", "question_type_id": 5, "answer": "A", "data_id": "1454426_2591111986"},
        {"question_id": "101670", "question_type_id": 1, "answer": "B ", "data_id": "7_8"},
    ]
    rows = [{"data_type": "image", "question": "How many?", **FOUR, **row} for row in rows]
    video = {**rows[0], "data_type": "video", "data_id": "94328.webm", "question_id": "v1", "question_type_id": 10}
    write(folder / "SEED-Bench.json", {"questions": [*rows, video], "question_type": {"Instances Counting": 5}})
    for n, row in enumerate(rows):
        picture(folder / "SEED-Bench-image" / row["data_id"], n)


def seed_2(folder: Path) -> None:
    pair = ["task17/1.png", "task17/2.png"]
    interleaved = "<img>: They wear blue. <img>: She wears red."
    rows = [
        ("5_0", 5, "L1", "A", "1454426_2591111986", "How many?"),
        ("17_0", 17, "L1", "B", pair, "What differs?"),
        ("23_0", 23, "L2", "B", pair, interleaved),
        ("25_0", 25, "L3", "A", pair, "Which picture fits?"),
    ]
    names = ("question_id", "question_type_id", "level", "answer", "data_id", "question")
    questions = [{**dict(zip(names, row, strict=True)), **FOUR} for row in rows]
    write(folder / "SEED-Bench_v2_level1_2_3.json", {"questions": questions})
    picture(folder / "cc3m-image" / "1454426_2591111986")
    for n, name in enumerate(pair):
        picture(folder / "SEED-Bench-2-image" / name, n + 1)


def mmstar(folder: Path) -> None:
    question = "Which?\nOptions: A: a cat, B: a dog, C: a hen, D: none"
    rows = [
        {"index": n, "question": question, "image": embedded(n), "answer": answer, "category": category}
        for n, (answer, category) in enumerate([("C", "math"), ("A", "math"), ("C", "coarse perception")])
    ]
    parquet(folder / "mmstar.parquet", rows)


def hallusion(folder: Path) -> None:
    rows: list[dict[str, str | None]] = []
    for kind, figure, question, answer in [
        ("VD", "0", "0", "1"),
        ("VD", "0", "1", "1"),
        ("VD", "1", "0", "0"),
        ("VD", "1", "1", "1"),
        ("VS", "0", "0", "1"),
        ("VS", "1", "0", "1"),
    ]:
        file = f"./{kind}/ocr/0_{figure}.png" if (kind, figure) != ("VS", "0") else None
        if file:
            picture(folder / "hallusion_bench" / file, len(rows))
        rows.append(
            {
                "category": kind,
                "subcategory": "ocr",
                "visual_input": "1" if file else "0",
                "set_id": "0",
                "figure_id": figure,
                "question_id": question,
                "question": "Is it so?",
                "gt_answer": answer,
                "gt_answer_details": "",
                "filename": file,
            }
        )
    write(folder / "HallusionBench.json", rows)


def natural(folder: Path) -> None:
    answers = [("yes_no", "Yes"), ("yes_no", "Yes"), ("yes_no", "Yes"), ("yes_no", "No")]
    answers += [("multiple_choice", letter) for letter in "ABBA"]
    rows = [
        {
            "Index": n,
            "Image": embedded(2 * (n // 4) + n % 2),
            "Question": "Is it?" if kind == "yes_no" else "Where is it? Option: A: here; B: there",
            "Answer": answer,
            "Question_Type": kind,
        }
        for n, (kind, answer) in enumerate(answers)
    ]
    parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def gqa(folder: Path) -> None:
    rows = {
        "201307251": {"imageId": "n161313", "question": "Is it overcast?", "answer": "no", "isBalanced": True},
        "201640614": {"imageId": "n235859", "question": "Who wears the dress?", "answer": "woman", "isBalanced": True},
    }
    write(folder / "testdev_balanced_questions.json", rows)
    for n, row in enumerate(rows.values()):
        picture(folder / "images" / f"{row['imageId']}.jpg", n)


def vsr(folder: Path) -> None:
    rows = [
        {"image": f"{n}.jpg", "image_link": "http://x/", "caption": "The cat is on the mat.", "label": label}
        for n, label in enumerate((1, 0, 0, 1, 1))
    ]
    jsonl(folder / "test.jsonl", rows)
    for row in rows:
        picture(folder / "images" / str(row["image"]))


def iconqa(folder: Path) -> None:
    chosen = {"question": "How likely is it?", "choices": ["certain", "unlikely", "likely"], "answer": 1}
    drawn = {"question": "Which is alike?", "choices": ["choice_0.png", "choice_1.png"], "answer": 1}
    filled = {"question": "How many squares?", "answer": "8"}
    for index in range(2):
        picture(folder / "test" / "choose_img" / "3" / f"choice_{index}.png", index)
    for number, kind, row in ((12, "choose_txt", chosen), (3, "choose_img", drawn), (7, "fill_in_blank", filled)):
        write(folder / "test" / kind / str(number) / "data.json", {**row, "ques_type": kind, "grade": "grade1"})
        picture(folder / "test" / kind / str(number) / "image.png", number)


def textvqa(folder: Path) -> None:
    rows = [
        {"question": "What brand?", "image_id": "003a8ae2ef43b901", "question_id": 34602, "answers": ["nokia"] * 10},
        {"question": "And this?", "image_id": "1", "question_id": 34603, "answers": ["nokia"] * 2 + ["samsung"] * 8},
    ]
    write(folder / "TextVQA_0.5.1_val.json", {"dataset_type": "val", "data": rows})
    for row in rows:
        picture(folder / "train_images" / f"{row['image_id']}.jpg")


def websrc(folder: Path) -> None:
    out = io.BytesIO()
    PILImage.frombytes("RGB", (16, 16), random.Random(0).randbytes(768)).save(out, "PNG")
    encoded = base64.b64encode(out.getvalue()).decode()
    rows = [
        {"id": f"{n}", "page_id": "0000001", "domain": domain, "question": "Price?", "answer": answer, "image": encoded}
        for n, (domain, answer) in enumerate([("auto", "$ 27,500"), ("book", "The Fox"), ("book", "a fox")])
    ]
    parquet(folder / "dev-00000-of-00001.parquet", rows)


def mmiu(folder: Path) -> None:
    rows = [
        ("spot_the_diff", "A: left\nB: right\nC: both", "A"),
        ("spot_the_diff", "A. left B. right", "b"),
        ("person_reid", "A: 1\nB: 2\nC: 3\nD: 4", "A"),
    ]
    entries = [
        {
            "task": task,
            "question": "Which?",
            "context": f"Select from the following choices.\n{options}",
            "options": options,
            "output": answer,
            "input_image_path": ["./Low-level-semantic/0.jpg", "./Low-level-semantic/1.jpg"],
        }
        for task, options, answer in rows
    ]
    parquet(folder / "all.parquet", entries)
    for n in range(2):
        picture(folder / "Low-level-semantic" / f"{n}.jpg", n)


def mirb(folder: Path) -> None:
    subsets = list(load_task("mirb").axes)
    answers = {"codeu": "A", "food": "B", "image_jigsaw": "A"}
    rows = [
        {
            "question_id": n,
            "subset": subset,
            "questions": "What follows?",
            "answers": answers.get(subset, "3"),
            "image_list": [embedded(n), embedded(n + 20)],
        }
        for n, subset in enumerate(subsets)
    ]
    parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def q_bench(folder: Path) -> None:
    options = ("first", "second", "N/A", "N/A")
    rows = [
        {
            "id": n,
            "image1": embedded(n),
            "image2": embedded(n + 5),
            "question": "Which is sharper?",
            **{f"option{k}": option for k, option in enumerate(options)},
            "question_type": 1,
            "question_concern": 0,
            "correct_choice": answer,
        }
        for n, answer in enumerate("ABB")
    ]
    parquet(folder / "data" / "dev-00000-of-00001.parquet", rows)


def video_mme(folder: Path) -> None:
    pytest.importorskip("av")
    rows = [
        {
            "video_id": "001",
            "videoID": "fFjv93ACGo8",
            "duration": duration,
            "question_id": f"001-{n}",
            "question": "When?",
            "options": ["A. Now.", "B. Then.", "C. Never.", "D. Always."],
            "answer": answer,
        }
        for n, (duration, answer) in enumerate([("short", "C"), ("short", "A"), ("long", "C")])
    ]
    parquet(folder / "videomme" / "test-00000-of-00001.parquet", rows)
    (folder / "data").mkdir()
    clip(folder / "data" / "fFjv93ACGo8.mp4", seconds=9, rate=2)


def charts(folder: Path) -> None:
    rows = [("human_test", "14"), ("human_test", "Yes"), ("augmented_test", "0.57")]
    entries = [
        {"type": kind, "question": "How many?", "answer": answer, "image": embedded(n)}
        for n, (kind, answer) in enumerate(rows)
    ]
    parquet(folder / "data" / "test-00000-of-00001.parquet", entries)


def documents(folder: Path) -> None:
    rows = [
        {"questionId": f"{n}", "question": "What date?", "question_types": ["form"], "image": embedded(0),
         "docId": 5, "ucsf_document_id": "abc", "ucsf_document_page_no": "1", "answers": answers, "data_split": "val"}
        for n, answers in enumerate([["1/8/93", "January 8"], ["1/8/1993"], ["none"]])
    ]  # fmt: skip
    parquet(folder / "validation-00000-of-00001.parquet", rows)


def ocr(folder: Path) -> None:
    rows = [
        {"dataset": data, "question": "what is written in the image?", "question_type": kind, "answer": answers,
         "image": embedded(n)}
        for n, (data, kind, answers) in enumerate([
            ("IIIT5K", "Regular Text Recognition", ["CENTRE"]), ("svt", "Regular Text Recognition", ["center"]),
            ("HME100k", "Handwritten Mathematical Expression Recognition", ["c e n t r e \n"]),
        ])
    ]  # fmt: skip
    parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def ai2d(folder: Path) -> None:
    rows = [
        {"question": "Which is the root?", "options": ["A", "B", "C", "D"], "answer": answer, "image": embedded(n // 2)}
        for n, answer in enumerate(("1", "1", "3"))
    ]
    parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def realworldqa(folder: Path) -> None:
    letter = "Please answer directly with only the letter of the correct option and nothing else."
    word = "Please answer directly with a single word or number."
    rows = [
        (f"Where is it?\nA. Left\nB. Right\n{letter}", "B"),
        (f"Which is nearer?\nA. The car\nB. The van\nC. The bus\n{letter}", "C"),
        (f"Is there a van?\n\n{word}", "No"),
        (f"How many?\n{word}", "3"),
    ]
    entries = [{"image": embedded(n), "question": text, "answer": answer} for n, (text, answer) in enumerate(rows)]
    parquet(folder / "data" / "test-00000-of-00001.parquet", entries)


def vstar(folder: Path) -> None:
    end = "Answer with the option's letter from the given choices directly."
    rows = [
        ("direct_attributes/sa_1.jpg", "What color is it?\n(A) red\n(B) blue\n(C) green\n(D) white", "B"),
        ("relative_position/sa_2.jpg", "Is it on the left or right side?\n(A) left\n(B) right", "A"),
    ]
    entries = [
        {"image": name, "text": f"{text}\n{end}", "category": name.split("/")[0], "label": key, "question_id": str(n)}
        for n, (name, text, key) in enumerate(rows)
    ]
    jsonl(folder / "test_questions.jsonl", entries)
    for n, (name, _, _) in enumerate(rows):
        picture(folder / name, n)


def hr_bench(size: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        options = ("red", "blue", "green", "white")
        lines = ["index\tquestion\tanswer\tcategory\tA\tB\tC\tD\tcycle_category\timage"]
        for n in range(8):  # two questions, each in four rotations
            turned = "\t".join(options[(n + k) % 4] for k in range(4))
            encoded = base64.b64encode(png(n // 4, size=64)).decode()
            kind = ("single", "cross")[n // 4]
            lines.append(f"{n}\tWhat color?\t{'ADCB'[n % 4]}\t{kind}\t{turned}\t{n % 4}\t{encoded}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"hr_bench_{size}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return make


def countbenchqa(folder: Path) -> None:
    rows = [
        {"image": embedded(n), "text": "Seven cups.", "question": "How many cups are there?", "number": number}
        for n, number in enumerate((7, 2, 7))
    ]
    parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


EXPECTED: dict[str, tuple[Callable[[Path], None], str, dict[str, float], float | None]] = {
    # who writes the folder; the answer to every question; the numbers; what guessing gives overall
    "mantis-eval": (mantis, "Final Answer: B", {"overall": 100 / 3}, None),
    "seed-bench": (seed, "A", {"overall": 50, "5": 100, "1": 0}, 25),
    "seed-bench-2": (seed_2, "B", {"overall": 200 / 3, "5": 0, "17": 100, "23": 100}, 25),
    "mmstar": (mmstar, "C", {"overall": 200 / 3, "math": 50, "coarse perception": 100}, 25),
    "hallusionbench": (
        hallusion,
        "yes",
        {"overall": 500 / 6, "qAcc": 200 / 3, "fAcc": 200 / 3, "VD": 75, "VS": 100, "yes_ratio": 100},
        50,
    ),
    "naturalbench": (natural, "yes", {"overall": 300 / 8, "Q-Acc": 25, "I-Acc": 25, "G-Acc": 0}, 50),
    "gqa": (gqa, "Woman.", {"overall": 50}, None),
    "countbenchqa": (countbenchqa, "7", {"overall": 200 / 3}, None),
    "vsr": (vsr, "Yes.", {"overall": 60, "yes_ratio": 100, "f1": 75}, 50),
    "iconqa": (iconqa, "B", {"overall": 200 / 3, "choose_txt": 100, "choose_img": 100, "fill_in_blank": 0}, None),
    # of the second, each of ten people left out in turn: twice one of the others agrees, eight times two
    "textvqa": (textvqa, "Nokia", {"overall": 100 * (1 + (2 * 1 / 3 + 8 * 2 / 3) / 10) / 2}, None),
    "websrc": (websrc, "fox", {"overall": 200 / 3, "auto": 0, "book": 100}, None),
    "mmiu": (mmiu, "A", {"overall": 75}, 100 * ((1 / 3 + 1 / 2) / 2 + 1 / 4) / 2),
    "mirb": (mirb, "A", {"overall": (25 + 100 / 3) / 4, "Reasoning": 25, "codeu": 100, "food": 0, "count": 0}, None),
    "video-mme": (video_mme, "C", {"overall": 200 / 3, "short": 50, "long": 100}, 25),
    "q-bench2": (q_bench, "A", {"overall": 100 / 3}, 50),
    "chartqa": (charts, "14.5", {"overall": 100 / 3, "human_test": 50, "augmented_test": 0}, None),
    "docvqa": (documents, "1/8/93", {"overall": 100 * (1 + 6 / 8) / 3}, None),
    "infographicvqa": (documents, "1/8/93", {"overall": 100 * (1 + 6 / 8) / 3}, None),
    "ocrbench": (ocr, "the centre", {"overall": 200 / 3, "Regular Text Recognition": 50}, None),
    "ai2d": (ai2d, "(b)", {"overall": 200 / 3}, 25),
    "realworldqa": (realworldqa, "Bus", {"overall": 25}, None),
    "vstar": (vstar, "blue", {"overall": 50, "direct_attributes": 100, "relative_position": 0}, 37.5),
    "hr-bench-4k": (hr_bench("4k"), "red", {"overall": 100, "single": 100, "cross": 100}, 25),
    "hr-bench-8k": (hr_bench("8k"), "A", {"overall": 25, "single": 25, "cross": 25}, 25),
    "longvideobench": (longvideobench, "Best option: (B)", {"overall": 50, "15": 0, "600": 100}, 22.5),
    "egoschema": (egoschema, "E. then A.", {"overall": 50}, 20),
    "embspatial-bench": (embspatial_bench, "(b) it", {"overall": 200 / 3, "close": 50, "under": 100}, 25),
    "seed-bench-2-plus": (seed_bench_2_plus, "D", {"overall": 200 / 3, "chart": 50, "map": 100}, 25),
    "visulogic": (visulogic, "So it is \\boxed{B}", {"overall": 200 / 3, "Spatial Reasoning": 50, "Other": 100}, 25),
}


def test_every_card_is_here() -> None:
    assert sorted(EXPECTED) == CARDS


@pytest.mark.slow
@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_true_folder_to_the_numbers(name: str, tmp_path: Path) -> None:
    make, answer, expected, chance = EXPECTED[name]
    make(tmp_path / "data")
    scores = run(name, tmp_path / "data", tmp_path / "run", f"constant:{answer}")
    assert {metric: value(scores, metric) for metric in expected} == pytest.approx(expected)
    guessing = scores.metrics["overall"].chance
    assert guessing is None if chance is None else guessing == pytest.approx(chance)
    assert scores.counts.error == 0


def test_official_and_strict_stand_side_by_side(tmp_path: Path) -> None:
    gqa(tmp_path / "data")
    scores = run("gqa", tmp_path / "data", tmp_path / "run", "constant:The woman.")
    assert (value(scores, "overall"), value(scores, "overall", "strict")) == (0.0, 50.0)


def test_an_id_that_stands_twice_is_two_questions_and_a_key_with_a_blank_is_no_letter(tmp_path: Path) -> None:
    seed(tmp_path)
    path = tmp_path / "SEED-Bench.json"
    path.write_text(path.read_text(encoding="utf-8").replace("101670", "101669"), encoding="utf-8")
    first, second = load_task("seed-bench").samples(str(tmp_path))
    assert (first.id, second.id, second.tags[OWN_ID]) == ("101669", "101669 (row 2)", "101669")
    scores = run("seed-bench", tmp_path, tmp_path / "run", "constant:B")
    assert scores.counts.samples == 2
    assert (value(scores, "1"), value(scores, "1", "strict")) == (0.0, 100.0)
    assert "Rows that share an id are distinguished by their numbers: 101669." in scores.remarks


def test_anls_is_called_so() -> None:
    assert (load_task("docvqa").axes, load_task("chartqa").axes["human_test"]) == (
        {"overall": "ANLS"},
        "Written by people",
    )
    assert load_task("realworldqa").axes == {"overall": "Accuracy"}


def test_a_judge_that_was_not_asked_is_reported(tmp_path: Path) -> None:
    sentence = (
        "Officially a language model judges every answer. That was not done here, so these are not the official scores."
    )
    hallusion(tmp_path / "data")
    assert sentence in run("hallusionbench", tmp_path / "data", tmp_path / "run", "constant:yes").remarks
    EXPECTED["hr-bench-4k"][0](tmp_path / "hr")
    remarks = run("hr-bench-4k", tmp_path / "hr", tmp_path / "read", "constant:B", reading="2025-08").remarks
    assert sentence in remarks and not any("strict reading" in remark for remark in remarks)


@pytest.mark.parametrize("name", CARDS)
def test_a_folder_without_the_files_is_a_sentence(name: str, tmp_path: Path) -> None:
    result = call("run", "--task", name, "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code == 2
    files = load_task(name).card["files"]
    assert (files if isinstance(files, str) else files[0]) in result.stderr


def prompt_of(name: str, tmp_path: Path, number: int = 0, prompt: str | None = None) -> tuple[list[str], str]:
    """Return the kinds of the parts of a prompt, and its words."""
    EXPECTED[name][0](tmp_path)
    task = load_task(name)
    sample = list(task.samples(str(tmp_path)))[number]
    parts = task.prompts[prompt or next(iter(task.prompts))](sample)
    return [type(part).__name__ for part in parts], "".join(part for part in parts if isinstance(part, str))


def test_options_are_not_lettered_twice(tmp_path: Path) -> None:
    kinds, text = prompt_of("mantis-eval", tmp_path)
    assert kinds == ["Image", "str", "Image", "str"]
    assert text.endswith(
        "which is older?\n(A) the first\n(B) the second\n"
        "Answer with the option's letter from the given choices directly."
    )


def test_a_wording_may_differ_by_kind(tmp_path: Path) -> None:
    assert prompt_of("mantis-eval", tmp_path, 2, "reasoned")[1].startswith(
        "Given the images, answer the following short"
    )
    assert prompt_of("naturalbench", tmp_path, 0)[1] == "Is it? Please answer Yes or No."
    assert prompt_of("naturalbench", tmp_path, 4)[1].endswith(
        " Please output the letter corresponding to the correct option."
    )


def test_mirb_asks_each_subset_in_the_words_of_its_script(tmp_path: Path) -> None:
    mirb(tmp_path)
    task = load_task("mirb")
    by_subset = {sample.category: sample for sample in task.samples(str(tmp_path))}
    instruction, *pictures, question = task.prompts["release"](by_subset["3d_scene"])
    assert (len(pictures), question) == (2, "What follows?")
    assert instruction == (
        "The following images are different views of the same 3D scene. Answer with a single number.\n"
    )
    assert task.prompts["release"](by_subset["arxiv"])[0] == "Answer with the paper title.\n"
    assert task.prompts["internvl"](by_subset["codeu"])[2] == "What follows?\nAnswer with the option symbol."
    assert all(task.prompts["release"](sample)[0] for sample in by_subset.values())


def test_pictures_stand_where_they_are_marked_and_first_where_nothing_is(tmp_path: Path) -> None:
    assert prompt_of("seed-bench-2", tmp_path, 2)[0] == ["Image", "str", "Image", "str"]
    kinds, text = prompt_of("seed-bench-2", tmp_path, 1)
    assert kinds == ["Image", "Image", "str"]
    assert text.startswith("What differs?\nA. w\n")


def test_a_picture_that_no_mark_names_is_left_out_and_counted(tmp_path: Path) -> None:
    seed_2(tmp_path)
    path = tmp_path / "SEED-Bench_v2_level1_2_3.json"
    path.write_text(path.read_text(encoding="utf-8").replace(" <img>: She", " She"), encoding="utf-8")
    samples = list(load_task("seed-bench-2").samples(str(tmp_path)))
    assert [sample.tags.get(SPARE) for sample in samples].count("1") == 1
    assert "1 left out for lack of a mark in the question" in data_remarks(survey(lambda: samples).pictures)[0]


def test_options_that_are_drawings_are_shown_under_their_letters(tmp_path: Path) -> None:
    kinds, text = prompt_of("iconqa", tmp_path)
    assert kinds == ["Image", "str", "Image", "str", "Image", "str"]
    assert text == "Which is alike?\nA. \nB. \nAnswer with the option's letter."


def test_choices_that_are_pictures_are_refused_for_a_model_that_takes_one(tmp_path: Path) -> None:
    iconqa(tmp_path)
    plan = survey(lambda: load_task("iconqa").samples(str(tmp_path)))
    assert plan.widest == (3, "1")
    with pytest.raises(Unsupported, match="constant takes 1 picture"):
        check_pictures(dataclasses.replace(load_model("constant"), max_images=1), plan)  # type: ignore[type-var]


def test_frames_of_a_video_are_shown_and_their_times_kept(tmp_path: Path) -> None:
    video_mme(tmp_path)
    task = configure(load_task("video-mme"), RunSpec("video-mme", frames=3, sampler="uniform"))
    first = next(iter(task.samples(str(tmp_path))))
    assert [isinstance(part, Image) for part in task.prompts["release"](first)] == [True, True, True, False]
    assert (first.tags["frames"], first.tags["sampler"]) == ("3", "uniform")
    assert video.times(images(first.prompt)) == {"times": "1.50 4.50 7.50"}
    assert first.choices[0] == ("Now.",)
    (tmp_path / "data" / "fFjv93ACGo8.mp4").unlink()
    with pytest.raises(InputError, match=r"there is no video .*fFjv93ACGo8\.mp4"):
        next(iter(task.samples(str(tmp_path))))


def test_options_in_a_text_are_counted(tmp_path: Path) -> None:
    mmiu(tmp_path)
    first, second, _ = load_task("mmiu").samples(str(tmp_path))
    assert (first.choices, second.choices) == ((("left",), ("right",), ("both",)), (("left",), ("right",)))
    assert second.targets == ("B",)


def test_a_missing_figure_is_in_no_group(tmp_path: Path) -> None:
    hallusion(tmp_path)
    samples = list(load_task("hallusionbench").samples(str(tmp_path)))
    assert [images(sample.prompt) == () for sample in samples] == [False] * 4 + [True, False]
    assert "fAcc" not in samples[4].groups
    assert len({sample.groups["fAcc"] for sample in samples if "fAcc" in sample.groups}) == 3
    assert len({sample.groups["qAcc"] for sample in samples}) == 3


def test_a_picture_in_base64_is_that_picture(tmp_path: Path) -> None:
    websrc(tmp_path)
    image = next(iter(load_task("websrc").samples(str(tmp_path)))).prompt[0]
    assert isinstance(image, Image)
    assert image.decode().size == (16, 16)


def test_what_is_not_included_is_reported_with_the_reason() -> None:
    output = call("tasks").output
    for name, reason in LEFT_OUT.items():
        assert f"not included: {name}: {reason}" in output
    assert "Bongard-HOI" in LEFT_OUT


@pytest.mark.slow
def test_the_list_of_tasks_is_a_line_each_by_title() -> None:
    lines = call("tasks").output.splitlines()
    for name in TASKS:
        assert "title" in load_task(name).card
        (line,) = [line for line in lines if line[2:].startswith(f"{name} ")]
        assert load_task(name).title in line


@pytest.mark.parametrize("name", ["mme", "vcr", "gqa"])
def test_the_facts_of_a_task_are_a_line_each(name: str) -> None:
    lines = call("tasks", name).output.splitlines()
    facts = [line.split()[0] for line in lines[1:] if line.split()[0] in ("size", "license", "source", "scoring")]
    assert facts == ["size", "license", "source", "scoring"]
    assert any(line.split() == ["evidence", *load_task(name).card["evidence"].split()] for line in lines)


@pytest.mark.parametrize(
    "name", ["vcr", "vqav2", "gqa", "nlvr2", "okvqa", "flickr30k", "msrvtt-qa", "textvqa", "vsr", "iconqa", "vl-icl"]
)
def test_what_mmicl_was_trained_on_is_reported(name: str) -> None:
    held_in = load_task(name).card["held_in"]
    assert "MMICL" in held_in
    output = " ".join(call("tasks", name, width=400).output.split())
    assert f"held in {' '.join(held_in.split())}" in output
