"""What a model is asked, word for word: every benchmark's first questions in each of its named prompts.

`MMEVAL_RECORD=1` records the prompts of the selected tests in `tests/recordings/prompts.json`; read what changed before
it is committed.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmeval import RunSpec, load_task
from mmeval.evaluation import plan
from mmeval.models.constant import Constant
from mmeval.tasks import TASKS
from mmeval.types import Request
from tests import mmbench_table
from tests.mic.mic_folders import clip, put
from tests.mme_folder import make_release
from tests.tasks import grounding_folders, test_mmmu
from tests.tasks.small_folders import embedded, jsonl, parquet, picture
from tests.tasks.test_charades_sta import charades_sta
from tests.tasks.test_graded import charxiv, mm_vet
from tests.tasks.test_logicvista import logicvista
from tests.tasks.test_mathematics import mathverse, mathvision, mathvision_testmini
from tests.tasks.test_mmlongbench_doc import mmlongbench_doc
from tests.tasks.test_mmt_bench import mmt_bench, mmt_bench_mi
from tests.tasks.test_mmvu import mmvu
from tests.tasks.test_mtvqa import mtvqa
from tests.tasks.test_pairs_and_sources import cv_bench, mathvista, mme_realworld, mme_realworld_cn, mmvp
from tests.tasks.test_parts_of_problems import dynamath, we_math
from tests.tasks.test_pointing import refspatial_bench, robospatial_home, where2place
from tests.tasks.test_simplevqa import simplevqa
from tests.tasks.test_spatial import erqa, visual_puzzles, vlms_are_blind, vsi_bench
from tests.tasks.test_tier_two import EXPECTED
from tests.tasks.test_video_choice import lvbench, mlvu, mvbench, tempcompass
from tests.tasks.test_video_mmmu import video_mmmu
from tests.tasks.test_zerobench import zerobench

RECORDING = Path(__file__).parents[1] / "recordings" / "prompts.json"


def table(path: Path, row: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)


def mme(folder: Path) -> None:
    make_release(folder, pictures=1)


def mmbench(folder: Path) -> str:
    line = mmbench_table.line(1, ["a cat", "a dog", "a bird"], "B", hint="It barks.")
    mmbench_table.write(folder / "MMBench_DEV_EN.tsv", [line])
    return "MMBench_DEV_EN.tsv"


def ccbench(folder: Path) -> str:
    line = mmbench_table.line(1, ["甲", "乙", "丙", "丁"], "B", category="sketch_reasoning", question="图中是什么？")
    mmbench_table.write(folder / "CCBench.tsv", [line])
    return "CCBench.tsv"


def blink(folder: Path) -> None:
    for subtask in load_task("blink").axes:
        row = {
            "idx": f"val_{subtask}_1",
            "sub_task": subtask,
            "question": "Which is larger?",
            "prompt": "Which is larger?\nSelect from the following choices.\n(A) this\n(B) that",
            "choices": ["this", "that"],
            "answer": "(A)",
            **{f"image_{n}": embedded(n) if n < 3 else None for n in range(1, 5)},
        }
        parquet(folder / subtask / "val-00000-of-00001.parquet", [row])


def muirbench(folder: Path) -> None:
    row = {
        "idx": "1",
        "task": "Counting",
        "image_relation": "Multiview",
        "question": "<image> Which is like it?",
        "options": ["<image>", "<image>", "None"],
        "answer": "B",
        "image_list": [embedded(n) for n in range(3)],
    }
    rows = [{**row, "counterpart_idx": "2"}, {**row, "idx": "2", "counterpart_idx": "1", "answer": "C"}]
    parquet(folder / "test-00000-of-00001.parquet", rows)


def scienceqa(folder: Path) -> None:
    facts = {"grade": "grade2", "topic": "biology", "subject": "natural science", "split": "test", "image": "image.png"}
    question = {"question": "Which is a mammal?", "choices": ["bat", "bee"], "answer": 0, "hint": "It flies."}
    put(folder / "problems.json", {"7": {**question, **facts}})
    picture(folder / "images" / "test" / "7" / "image.png")


def nlvr2(folder: Path) -> None:
    jsonl(folder / "test1.json", [{"identifier": "test1-0-0-0", "sentence": "There are two dogs.", "label": "True"}])
    for side in (0, 1):
        picture(folder / "test1" / f"test1-0-0-img{side}.png", side)


def winoground(folder: Path) -> None:
    row = {"id": 0, "caption_0": "a dog on a cat", "caption_1": "a cat on a dog", "collapsed_tag": "Object"}
    jsonl(folder / "examples.jsonl", [{**row, "image_0": "ex_0_img_0", "image_1": "ex_0_img_1"}])
    for side in (0, 1):
        picture(folder / "images" / f"ex_0_img_{side}.png", side)


def iq50(folder: Path) -> None:
    names = [f"{n}.png" for n in range(9)]
    jsonl(folder / "iq50.jsonl", [{"id": "a", "images": names[:3], "options": names[3:], "answer": 4}])
    for number, name in enumerate(names):
        picture(folder / name, number)


def raven(folder: Path) -> None:
    from mmeval.tasks.raven import CONFIGURATIONS

    for name in CONFIGURATIONS:
        (folder / name).mkdir(parents=True)
        np.savez(folder / name / "RAVEN_8_test.npz", image=np.zeros((16, 8, 8), np.uint8), target=0)


def vcr(folder: Path) -> None:
    row = {
        "annot_id": "val-0",
        "img_fn": "film/still.jpg",
        "metadata_fn": "film/still.json",
        "objects": ["person", "person", "cup"],
        "question": ["Why", "is", [0, 2], "here", "?"],
        "answer_choices": [["Because", "of", [2], "."], ["No", "reason", "."], ["It", "is", [0], "."], ["So", "."]],
        "answer_label": 2,
        "rationale_choices": [["One", "."], ["Two", "."], ["Three", "."], ["Four", "."]],
        "rationale_label": 1,
    }
    jsonl(folder / "val.jsonl", [row])
    picture(folder / "vcr1images" / "film" / "still.jpg", size=20)
    boxes = [[0, 0, 10, 10, 0.9], [1, 1, 5, 5, 0.8], [5, 5, 30, 12, 0.7]]
    put(folder / "vcr1images" / "film" / "still.json", {"boxes": boxes})


def vl_icl(folder: Path) -> None:
    names = [[f"pictures/{n}.png"] for n in range(6)]
    for number, (name,) in enumerate(names):
        picture(folder / name, number)
    support = [{"image": names[n], "question": "What is it?", "answer": [n, -n, n * n]} for n in range(4)]
    jsonl(folder / "operator_induction" / "support.json", support)
    query = {"image": names[5], "question": "What is it?", "answer": 12, "operator": "x"}
    jsonl(folder / "operator_induction" / "query.json", [query])


def vqa(folder: Path, questions: str, annotations: str, pictures: str) -> None:
    """Write a question that is asked, and two to demonstrate with."""
    for part, numbers in (("val", [1]), ("train", [2, 3])):
        rows = [{"image_id": n, "question": f"What is {n}?", "question_id": 10 * n} for n in numbers]
        answers = [{"answer": "a dog", "answer_confidence": "yes", "answer_id": n} for n in range(1, 11)]
        known = {"question_type": "what is", "answer_type": "other", "multiple_choice_answer": "a dog"}
        put(folder / questions.format(part), {"task_type": "Open-Ended", "questions": rows})
        put(folder / annotations.format(part), {"annotations": [{**r, **known, "answers": answers} for r in rows]})
        for number in numbers:
            picture(folder / pictures.format(part, number), number)


def vqav2(folder: Path) -> None:
    vqa(
        folder,
        "v2_OpenEnded_mscoco_{}2014_questions.json",
        "v2_mscoco_{}2014_annotations.json",
        "{0}2014/COCO_{0}2014_{1:012d}.jpg",
    )


def okvqa(folder: Path) -> None:
    vqa(
        folder,
        "OpenEnded_mscoco_{}2014_questions.json",
        "mscoco_{}2014_annotations.json",
        "{0}2014/COCO_{0}2014_{1:012d}.jpg",
    )


def vizwiz(folder: Path) -> None:
    answers = [{"answer": "a can", "answer_confidence": "yes"}] * 10
    for part, count in (("val", 1), ("train", 2)):
        rows = [
            {"image": f"VizWiz_{part}_{n}.jpg", "question": f"What is this, {part} {n}?", "answers": answers}
            for n in range(count)
        ]
        put(folder / "Annotations" / f"{part}.json", [{**r, "answer_type": "other", "answerable": 1} for r in rows])
        for row in rows:
            picture(folder / part / str(row["image"]))


def flickr30k(folder: Path) -> None:
    captions = [("test", "A brown dog runs."), ("train", "Two men cook rice."), ("train", "A boy sleeps.")]
    images = []
    for number, (split, text) in enumerate(captions):
        sentences = [{"raw": text, "tokens": [], "imgid": number, "sentid": number}] * 5
        name = f"{number}.jpg"
        images.append({"filename": name, "split": split, "imgid": number, "sentids": [number], "sentences": sentences})
        picture(folder / "flickr30k-images" / name, number)
    put(folder / "dataset_flickr30k.json", {"dataset": "flickr30k", "images": images})


def hateful_memes(folder: Path) -> None:
    for first, part in enumerate(("train", "dev_seen", "test_seen")):
        rows = [{"id": f"{first}{n}", "img": f"img/{first}{n}.png", "label": n, "text": f"words {n}"} for n in (0, 1)]
        jsonl(folder / f"{part}.jsonl", rows)
        for row in rows:
            picture(folder / str(row["img"]))


def msvd_qa(folder: Path) -> None:
    put(folder / "test_qa.json", [{"answer": "cat", "id": 0, "question": "what is eating?", "video_id": 1}])
    (folder / "youtube_mapping.txt").write_text("xyz_1_9 vid1\n", encoding="utf-8")
    clip(folder / "video" / "vid1.avi")


def msrvtt_qa(folder: Path) -> None:
    row = {"answer": "band", "category_id": 14, "id": 158581, "question": "who is playing?", "video_id": 7010}
    put(folder / "test_qa.json", [row])
    clip(folder / "video" / "video7010.mp4")


def ivqa(folder: Path) -> None:
    row = {"video_id": "-I_EXNB0fSg", "start": 28, "end": 31, "question": "what is cut?"}
    table(folder / "test.csv", row | {f"answer{n}": "apple" for n in range(1, 6)})
    clip(folder / "video" / "-I_EXNB0fSg_28_31.mp4")


def nextqa(folder: Path) -> None:
    size = {"video": 77, "frame_count": 27, "width": 64, "height": 48}
    options = {f"a{n}": option for n, option in enumerate(("left", "right", "up", "down", "nowhere"))}
    question = {"question": "where does it go", "answer": 0, "qid": 6, "type": "CH"}
    table(folder / "dataset" / "nextqa" / "val.csv", size | question | options)
    put(folder / "dataset" / "nextqa" / "map_vid_vidorID.json", {"77": "0101/77"})
    clip(folder / "NExTVideo" / "0101" / "77.mp4")


def pope(folder: Path) -> None:
    row = {"question_id": 1, "image": "1.jpg", "text": "Is there a dog in the image?", "label": "yes"}
    jsonl(folder / "coco_pope_random.json", [row])
    picture(folder / "val2014" / "1.jpg")


Writer = Callable[[Path], str | None]
"""Write the data; return the name of the file that holds it, or None where that is the folder."""

WRITERS: dict[str, Writer] = {
    "mme": mme,
    "mmbench": mmbench,
    "ccbench": ccbench,
    "blink": blink,
    "muirbench": muirbench,
    "scienceqa": scienceqa,
    "nlvr2": nlvr2,
    **dict.fromkeys(("winoground", "winoground-joint", "winoground-choice"), winoground),
    "iq50": iq50,
    "raven": raven,
    "vcr": vcr,
    "vl-icl": vl_icl,
    "vqav2": vqav2,
    "okvqa": okvqa,
    "vizwiz": vizwiz,
    "flickr30k": flickr30k,
    "hateful-memes": hateful_memes,
    "msvd-qa": msvd_qa,
    "msrvtt-qa": msrvtt_qa,
    "ivqa": ivqa,
    "nextqa": nextqa,
    "pope": pope,
    "cv-bench": cv_bench,
    "mmvp": mmvp,
    "mmmu": test_mmmu.mmmu,
    "mmmu-pro": test_mmmu.pro,
    "mmmu-pro-vision": test_mmmu.vision,
    "mathvista": mathvista,
    "refcoco": grounding_folders.refcoco,
    "refcoco-plus": grounding_folders.refcoco,
    "refcocog": grounding_folders.refcocog,
    **dict.fromkeys(("screenspot", "screenspot-v2"), grounding_folders.screenspot),
    "screenspot-pro": grounding_folders.screenspot_pro,
    "mvbench": mvbench,
    "mlvu": mlvu,
    "lvbench": lvbench,
    "charades-sta": charades_sta,
    "vsi-bench": vsi_bench,
    "erqa": erqa,
    "vlms-are-blind": vlms_are_blind,
    "visual-puzzles": visual_puzzles,
    **dict.fromkeys(("tempcompass", "tempcompass-yes-no", "tempcompass-captions"), tempcompass),
    "mathvision": mathvision,
    "mathvision-testmini": mathvision_testmini,
    "mathverse": mathverse,
    **dict.fromkeys(("charxiv-reasoning", "charxiv-descriptive"), charxiv),
    "mm-vet": mm_vet,
    "we-math": we_math,
    "dynamath": dynamath,
    "logicvista": logicvista,
    **dict.fromkeys(("video-mmmu", "video-mmmu-gain"), video_mmmu),
    "mmvu": mmvu,
    "mtvqa": mtvqa,
    "refspatial-bench": refspatial_bench,
    "where2place": where2place,
    "robospatial-home": robospatial_home,
    "simplevqa": simplevqa,
    **dict.fromkeys(("zerobench", "zerobench-subquestions"), zerobench),
    "mmlongbench-doc": mmlongbench_doc,
    "mmt-bench": mmt_bench,
    "mmt-bench-mi": mmt_bench_mi,
    "mme-realworld": mme_realworld,
    "mme-realworld-cn": mme_realworld_cn,
    **{name: expected[0] for name, expected in EXPECTED.items()},
}
CASES = [(name, prompt) for name in TASKS for prompt in load_task(name).prompts]


Prompts = dict[str, dict[str, list[str]]]
"""Task -> prompt -> what is asked first, without demonstrations and with one."""
FIRST = 4
"""Different questions of each task that are recorded."""


@pytest.fixture(scope="module")
def recorded() -> Iterator[Prompts]:
    """Read the recording; write it again where the environment asks for that."""
    if "MMEVAL_RECORD" not in os.environ:
        yield json.loads(RECORDING.read_text(encoding="utf-8"))
        return
    old: Prompts = json.loads(RECORDING.read_text(encoding="utf-8"))
    recording: Prompts = {}
    yield recording
    RECORDING.write_text(json.dumps(joined(old, recording), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def joined(old: Prompts, new: Prompts) -> Prompts:
    """Return the recordings of all prompts that tasks have: those just made, and the old ones of the others."""
    recordings: Prompts = {}
    for name, prompt in CASES:
        for source in (new, old):
            if prompt in source.get(name, {}):
                recordings.setdefault(name, {})[prompt] = source[name][prompt]
                break
    return recordings


def text(request: Request) -> str:
    """Write a request out, pictures as placeholders, with the candidates that are compared."""
    candidates = (f"\n[candidate: {candidate}]" for candidate in request.candidates)
    return Constant("").preview(request).sent + "".join(candidates)


@pytest.mark.parametrize(("name", "prompt"), CASES)
def test_prompt(name: str, prompt: str, recorded: Prompts, tmp_path: Path) -> None:
    task = load_task(name)
    data = tmp_path / (WRITERS[name](tmp_path) or "")
    frames = 2 if task.video is not None else None
    texts: dict[str, None] = {}
    for shots in (None,) if task.shots is None else (0, 1):
        planned = plan(RunSpec(name, "constant", str(data), prompt=prompt, shots=shots, frames=frames))
        texts |= {text(request): None for _, request in planned.requests(planned.task.samples(planned.source))}
    if "MMEVAL_RECORD" in os.environ:
        recorded.setdefault(name, {})[prompt] = list(texts)[:FIRST]
    assert list(texts)[:FIRST] == recorded[name][prompt]


def test_every_recording_is_of_a_prompt(recorded: Prompts) -> None:
    assert [(name, prompt) for name, prompts in recorded.items() for prompt in prompts] == CASES  # in this order, too


def test_recording_some_prompts_keeps_the_others() -> None:
    old = {"mme": {"release": ["old"], "removed": ["old"]}, "pope": {"release": ["old"]}, "removed": {"a": ["old"]}}
    new = {"mme": {"release": ["new"]}, "gqa": {"direct": ["new"]}}
    assert joined(old, new) == {
        "mme": {"release": ["new"]},
        "gqa": {"direct": ["new"]},
        "pope": {"release": ["old"]},
    }
