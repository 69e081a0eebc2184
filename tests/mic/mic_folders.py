"""Small folders in each data set's official format: top-level keys, file names and picture paths."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

IMAGES = 6
"""Pictures of each split in most of the folders."""


def picture(path: Path, number: int = 0, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (number * 37 % 256, number * 91 % 256, 60)).save(path)


def put(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def put_lines(path: Path, values: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def put_table(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def vqav2(root: Path, images: int = IMAGES, prefix: str = "v2_") -> None:
    for split in ("train", "val"):
        questions, annotations = [], []
        for image in range(1, images + 1):
            picture(root / f"{split}2014" / f"COCO_{split}2014_{image:012}.jpg", image)
            for k in range(2):
                number = image * 1000 + k + (500_000 if split == "val" else 0)
                questions.append({"image_id": image, "question": f"What is {number}?", "question_id": number})
                texts = ["red"] * 6 + ["blue"] * 4
                answers = [
                    {"answer": text, "answer_confidence": "yes", "answer_id": n} for n, text in enumerate(texts, 1)
                ]
                entry = {"question_type": "what is", "answers": answers, "image_id": image, "question_id": number}
                chosen = {"multiple_choice_answer": f"answer {number}"} if prefix else {"confidence": 3}
                annotations.append({**entry, **chosen, "answer_type": "other"})
        head = {"info": {}, "license": {}, "data_type": "mscoco", "data_subtype": f"{split}2014"}
        content = {**head, "task_type": "Open-Ended", "questions": questions}
        put(root / f"{prefix}OpenEnded_mscoco_{split}2014_questions.json", content)
        put(root / f"{prefix}mscoco_{split}2014_annotations.json", {**head, "annotations": annotations})


def okvqa(root: Path) -> None:
    vqav2(root, prefix="")


def gqa(root: Path) -> None:
    for n, name in enumerate(("train_balanced", "val_balanced", "testdev_balanced")):
        questions = {}
        for image in range(IMAGES):
            picture(root / "images" / f"{n}{image}.jpg", image)
            questions[f"{n}{image}07"] = {
                "semantic": [{"operation": "select", "dependencies": [], "argument": "cat (1)"}],
                "entailed": [],
                "equivalent": [],
                "question": f"Is it {image}?",
                "imageId": f"{n}{image}",
                "isBalanced": True,
                "groups": {"global": None, "local": "x"},
                "answer": "no",
                "semanticStr": "select: cat (1)",
                "annotations": {"question": {"0": "1"}, "answer": {}, "fullAnswer": {}},
                "types": {"detailed": "x", "semantic": "obj", "structural": "verify"},
                "fullAnswer": "No, it is not.",
            }
        put(root / "questions1.2" / f"{name}_questions.json", questions)


def textvqa(root: Path) -> None:
    for split in ("train", "val"):
        data = []
        for k in range(IMAGES):
            picture(root / "train_images" / f"{split}{k:04}.jpg", k)
            data.append(
                {
                    "question": f"what does sign {k} say?",
                    "image_id": f"{split}{k:04}",
                    "image_classes": ["Sign"],
                    "flickr_original_url": "https://example.org/a.jpg",
                    "flickr_300k_url": "https://example.org/b.jpg",
                    "image_width": 40,
                    "image_height": 30,
                    "answers": ["stop"] * 6 + ["stoop"] * 4,
                    "question_tokens": ["what"],
                    "question_id": 34602 + k + (100 if split == "val" else 0),
                    "set_name": split,
                }
            )
        put(
            root / f"TextVQA_0.5.1_{split}.json",
            {"dataset_type": split, "dataset_name": "textvqa", "dataset_version": "0.5.1", "data": data},
        )


def coco(root: Path) -> None:
    for split, first in (("train", 0), ("val", 100)):
        images, captions = [], []
        for k in range(first, first + IMAGES):
            picture(root / f"{split}2017" / f"{k:012}.jpg", k)
            images.append({"license": 3, "file_name": f"{k:012}.jpg", "height": 30, "width": 40, "id": k})
            captions += [{"image_id": k, "id": k * 10 + c, "caption": f"Caption {c} of {k}."} for c in range(5)]
        content = {"info": {}, "licenses": [], "images": images, "annotations": captions}
        put(root / "annotations" / f"captions_{split}2017.json", content)


def karpathy(root: Path, name: str = "dataset_coco.json", folder: str | None = None) -> None:
    images = []
    for k, split in enumerate(["train", "train", "restval", "val", "test", "test"]):
        filepath = "train2014" if split == "train" else "val2014"
        picture(root / (folder or filepath) / f"{k}.jpg", k)
        sentences = [
            {"tokens": ["a"], "raw": f"Caption {c} of {k}.", "imgid": k, "sentid": k * 5 + c} for c in range(5)
        ]
        images.append(
            {
                "sentids": [k * 5 + c for c in range(5)],
                "imgid": k,
                "sentences": sentences,
                "split": split,
                "filename": f"{k}.jpg",
                **({} if folder else {"filepath": filepath, "cocoid": k}),
            }
        )
    put(root / name, {"images": images, "dataset": "coco"})


def flickr30k(root: Path) -> None:
    lines = []
    for k in range(IMAGES):
        picture(root / "flickr30k-images" / f"100{k}.jpg", k)
        lines += [f"100{k}.jpg#{c}\tCaption {c} of {k} ." for c in range(5)]
    (root / "results_20130124.token").write_text("\n".join(lines) + "\n")


def nlvr2(root: Path) -> None:
    for split, folder in (("train", "images/train"), ("dev", "dev"), ("test1", "test1")):
        lines = []
        for k in range(IMAGES):
            where = root / folder / str(k) if split == "train" else root / folder
            for side in (0, 1):
                picture(where / f"{split}-{k}-0-img{side}.png", 2 * k + side)
            line: dict[str, Any] = {
                "validation": {"W1": "True"},
                "label": "True" if k % 2 else "False",
                "sentence": f"The left image has {k} dogs.",
                "left_url": "http://example.org/l.png",
                "right_url": "http://example.org/r.png",
                "writer": "W2",
                "synset": "dog",
                "query": "dogs",
                "identifier": f"{split}-{k}-0-1",
                "extra_validations": {},
            }
            lines.append(line | ({"directory": k} if split == "train" else {}))
        put_lines(root / f"{split}.json", lines)


def vcr(root: Path) -> None:
    for split in ("train", "val"):
        lines = []
        for k in range(IMAGES):
            still = f"lsmdc_1/{split}{k}@0.jpg"
            picture(root / "vcr1images" / still, k, (100, 60))
            metadata = f"lsmdc_1/{split}{k}@0.json"
            boxes = [[5.5, 5.0, 40.0, 50.0, 0.99], [50.0, 10.0, 90.0, 55.5, 0.98]]
            names = ["person", "person"]
            put(
                root / "vcr1images" / metadata,
                {"boxes": boxes, "segms": [[], []], "names": names, "width": 100, "height": 60},
            )
            choices = [["Yes", ",", [0], "does", "."], ["No", "."], [[1], "is", "n't", "."], [[0, 1], "are", "."]]
            lines.append(
                {
                    "movie": "lsmdc_1",
                    "objects": names,
                    "img_fn": still,
                    "metadata_fn": metadata,
                    "question": ["Does", [0], "like", [1], "?"],
                    "answer_choices": choices,
                    "answer_label": k % 4,
                    "rationale_choices": choices,
                    "rationale_label": 0,
                    "img_id": f"{split}-{k}",
                    "question_number": 0,
                    "annot_id": f"{split}-{k}",
                    "match_fold": f"{split}-0",
                    "match_index": k,
                }
            )
        put_lines(root / f"{split}.jsonl", lines)


def refcoco(root: Path) -> None:
    refs, annotations, images = [], [], []
    for k, split in enumerate(["train", "train", "train", "val", "testA", "testB"]):
        name = f"COCO_train2014_{k:012}.jpg"
        picture(root / "train2014" / name, k)
        images.append({"id": k, "file_name": name, "width": 40, "height": 30})
        annotations.append({"id": 10 + k, "image_id": k, "category_id": 1, "bbox": [30.0, 0.0, 8.0, 6.0], "area": 48})
        sentences = [{"tokens": ["cup"], "raw": "Cup", "sent": f"cup {c}", "sent_id": 2 * k + c} for c in range(2)]
        refs.append(
            {
                "sent_ids": [2 * k, 2 * k + 1],
                "file_name": name.replace(".jpg", f"_{k}.jpg"),
                "ann_id": 10 + k,
                "ref_id": k,
                "image_id": k,
                "split": split,
                "sentences": sentences,
                "category_id": 1,
            }
        )
    put(root / "refs(unc).json", refs)
    put(root / "instances.json", {"images": images, "annotations": annotations, "categories": [], "info": {}})


def mdetr(root: Path) -> None:
    for k, split in enumerate(("train", "val", "testA", "testB")):
        name = f"COCO_train2014_{k:012}.jpg"
        picture(root / "train2014" / name, k)
        image = {"file_name": name, "height": 30, "width": 40, "id": 7, "original_id": k, "caption": "the cup"}
        box = {"area": 1.0, "iscrowd": 0, "image_id": 7, "category_id": 1, "id": 1, "bbox": [0.0, 20.0, 10.0, 10.0]}
        content = {"info": [], "licenses": [], "images": [image], "annotations": [box], "categories": []}
        put(root / f"finetune_refcoco_{split}.json", content)


def vsr(root: Path) -> None:
    for n, split in enumerate(("train", "dev", "test")):
        lines = []
        for k in range(IMAGES):
            picture(root / "images" / f"{n}{k:011}.jpg", k)
            lines.append(
                {
                    "image": f"{n}{k:011}.jpg",
                    "image_link": "http://images.cocodataset.org/train2017/x.jpg",
                    "caption": "The cat is under the bed.",
                    "label": k % 2,
                    "relation": "under",
                    "annotator_id": 4,
                    "vote_true_validator_id": [1],
                    "vote_false_validator_id": [],
                }
            )
        put_lines(root / f"{split}.jsonl", lines)


def llava(root: Path) -> None:
    entries = []
    for k in range(IMAGES):
        picture(root / "train2017" / f"{k // 2:012}.jpg", k)
        turns = [("human", "What is it?\n<image>"), ("gpt", "A bus."), ("human", "Its color?"), ("gpt", "Red.")]
        conversation = [{"from": speaker, "value": text} for speaker, text in turns]
        entries.append({"id": f"{k // 2:012}", "image": f"{k // 2:012}.jpg", "conversations": conversation})
    put(root / "llava_instruct_150k.json", entries)


def llavapretrain(root: Path) -> None:
    entries = []
    for k in range(IMAGES):
        picture(root / "00000" / f"{k:09}.jpg", k)
        turns = [("human", "Describe it.\n<image>"), ("gpt", f"the bus number {k}")]
        conversation = [{"from": speaker, "value": text} for speaker, text in turns]
        entries.append({"id": f"{k:09}", "image": f"00000/{k:09}.jpg", "conversations": conversation})
    put(root / "blip_laion_cc_sbu_558k.json", entries)


def miniimagenet(root: Path) -> None:
    for n, split in enumerate(("train", "val", "test")):
        rows = []
        for k in range(IMAGES):
            name = f"n0153282900{n}0000{k}.jpg"
            picture(root / "images" / name, k)
            rows.append({"filename": name, "label": "n01532829" if k % 2 else "n01440764"})
        put_table(root / f"{split}.csv", rows)
    names = "n01440764 tench, Tinca tinca\nn01532829 house finch, linnet, Carpodacus mexicanus\n"
    (root / "synset_words.txt").write_text(names)


def iconqa(root: Path) -> None:
    for split in ("train", "val", "test"):
        for n, kind in enumerate(("choose_img", "choose_txt", "fill_in_blank")):
            for k in range(2):
                folder = root / "iconqa" / split / kind / str(10 * n + k)
                picture(folder / "image.png", k)
                entry = {"question": "How many?", "ques_type": kind, "grade": "grade1", "label": "S2"}
                if kind == "fill_in_blank":
                    put(folder / "data.json", {**entry, "answer": "7"})
                    continue
                pictured = ["choice_0.png", "choice_1.png"]
                for choice in pictured if kind == "choose_img" else []:
                    picture(folder / choice, k)
                choices = pictured if kind == "choose_img" else ["two", "three"]
                put(folder / "data.json", {**entry, "choices": choices, "answer": 1})


def clip(path: Path, seconds: int = 3, rate: int = 9) -> None:
    """A video whose frame k is as bright as 3 k."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(seconds * rate):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (3 * k, 3 * k, 3 * k)))  # type: ignore[no-untyped-call]
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def msrvtt(root: Path) -> None:
    videos: dict[str, list[dict[str, Any]]] = {"train_val": [], "test": []}
    sentences: dict[str, list[dict[str, Any]]] = {"train_val": [], "test": []}
    for k, split in enumerate(("train", "validate", "test")):
        name, folder = ("test", "TestVideo") if split == "test" else ("train_val", "TrainValVideo")
        clip(root / folder / f"video{k}.mp4")
        entry = {"category": 9, "url": "https://example.org/v", "video_id": f"video{k}", "split": split, "id": k}
        videos[name].append({**entry, "start time": 137.7, "end time": 149.4})
        captions = [{"caption": f"caption {c}", "video_id": f"video{k}", "sen_id": 2 * k + c} for c in range(2)]
        sentences[name] += captions
    for name in videos:
        content = {"info": {"year": "2016"}, "videos": videos[name], "sentences": sentences[name]}
        put(root / f"{name}_videodatainfo.json", content)


def msrvttqa(root: Path) -> None:
    for k, split in enumerate(("train", "val", "test")):
        clip(root / ("TestVideo" if split == "test" else "TrainValVideo") / f"video{k}.mp4")
        put(
            root / f"{split}_qa.json",
            [{"answer": "band", "category_id": 14, "id": 5, "question": "who is playing?", "video_id": k}],
        )


def mic(root: Path) -> None:
    for split in ("train", "val"):
        lines: list[dict[str, Any]] = []
        for k in range(IMAGES):
            picture(root / "data" / "vqa" / f"{split}{k}.jpg", k)
            text = f"image 0 is <image0>图. What is in image 0? Number {k}"
            images: Any = [f"./data/vqa/{split}{k}.jpg"]
            lines.append({"input_text": text, "input_image": images, "output_text": "a cat", "output_image": ""})
        lines[0]["input_image"] = lines[0]["input_image"][0]  # llava's and the videos' are a string
        put_lines(root / "MMICL_t5_json" / split / "vqa.jsonl", lines)


FOLDERS: Mapping[str, Callable[[Path], None]] = {
    "vqav2": vqav2,
    "okvqa": okvqa,
    "gqa": gqa,
    "textvqa": textvqa,
    "coco": coco,
    "flickr30k": flickr30k,
    "nlvr2": nlvr2,
    "vcr": vcr,
    "refcoco": refcoco,
    "vsr": vsr,
    "llava": llava,
    "llavapretrain": llavapretrain,
    "miniimagenet": miniimagenet,
    "iconqa": iconqa,
    "msrvtt": msrvtt,
    "msrvttqa": msrvttqa,
    "mic": mic,
}
