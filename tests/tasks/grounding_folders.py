"""RefCOCO and ScreenSpot in the forms in which they are published, with made-up pictures, phrases and boxes."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image as PILImage

from tests.tasks.small_folders import jsonl, parquet

WIDE, HIGH = 40, 20


def encoded_picture(number: int) -> bytes:
    out = io.BytesIO()
    PILImage.new("RGB", (WIDE, HIGH), (number, 0, 0)).save(out, "JPEG")
    return out.getvalue()


def stored(number: int) -> dict[str, Any]:
    return {"bytes": encoded_picture(number), "path": None}


OBJECTS = [
    # picture, phrases, left, top, width, height
    (0, ["the left dog", "a dog"], [4.0, 2.0, 8.0, 10.0]),
    (1, ["nearly everything"], [0.0, 0.0, 40.0, 15.0]),
]


def refcoco(folder: Path, splits: tuple[str, ...] = ("val", "testA", "testB")) -> None:
    """Write the tables of lmms-eval."""
    for split in splits:
        rows = [
            {
                "question_id": str(100 + number),
                "image": stored(number),
                "question": "Please carefully observe the area circled in the image and come up with a caption.",
                "answer": phrases,
                "segmentation": [1.0, 2.0],
                "bbox": box,
                "iscrowd": 0,
                "file_name": f"COCO_train2014_00000000000{number}_0.jpg",
            }
            for number, phrases, box in OBJECTS
        ]
        parquet(folder / f"{split}-00000-of-00001.parquet", rows)


def refcocog(folder: Path) -> None:
    refcoco(folder, ("val", "test"))


def qwen_vl(folder: Path) -> None:
    """Write the files of Qwen-VL, beside COCO's pictures."""
    rows = [
        {
            "image": f"data/coco/train2014/COCO_train2014_{number}.jpg",
            "sent": phrase,
            "bbox": [left, top, left + width, top + height],
            "height": HIGH,
            "width": WIDE,
        }
        for number, phrases, (left, top, width, height) in OBJECTS
        for phrase in phrases
    ]
    jsonl(folder / "refcoco_val.jsonl", rows)
    for number in (0, 1):
        (folder / "train2014").mkdir(exist_ok=True)
        (folder / "train2014" / f"COCO_train2014_{number}.jpg").write_bytes(encoded_picture(number))


def vlmevalkit(folder: Path) -> None:
    """Write VLMEvalKit's table, which has all three benchmarks and boxes in shares."""
    rows = [
        [
            n,
            base64.b64encode(encoded_picture(number)).decode(),
            f"Please provide the bounding box coordinate of the region this sentence describes: <ref>{phrase}</ref>",
            f"[{left / WIDE:f}, {top / HIGH:f}, {(left + width) / WIDE:f}, {(top + height) / HIGH:f}]",
            category,
        ]
        for category in ("RefCOCO val", "RefCOCO+ test-A")
        for n, (number, phrase, (left, top, width, height)) in enumerate(
            (number, phrase, box) for number, phrases, box in OBJECTS for phrase in phrases
        )
    ]
    with (folder / "RefCOCO.tsv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows([["index", "image", "question", "answer", "category"], *rows])


ELEMENTS = [
    # source, kind, instruction, left, top, width, height
    ("ios", "text", "open it", [4, 2, 8, 10]),
    ("android", "icon", "close it", [20, 10, 20, 10]),
    ("windows", "text", "save", [0, 0, 10, 4]),
    ("macos", "icon", "print", [30, 4, 4, 4]),
    ("gitlab", "text", "commit", [4, 8, 20, 8]),
    ("shop", "icon", "buy", [18, 8, 4, 4]),
]


def screenspot(folder: Path) -> None:
    """Write the table of the hub, whose boxes are edges in shares."""
    rows = [
        {
            "file_name": f"{source}_{n // 2}.png",
            "bbox": [left / WIDE, top / HIGH, (left + width) / WIDE, (top + height) / HIGH],
            "instruction": instruction,
            "data_type": kind,
            "data_source": source,
            "image": stored(n),
        }
        for n, (source, kind, instruction, (left, top, width, height)) in enumerate(ELEMENTS)
    ]
    parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def own_files(folder: Path, ending: str = "") -> None:
    """Write SeeClick's files, whose boxes are sides in pixels."""
    for index, platform in enumerate(("mobile", "desktop", "web")):
        rows = [
            {
                "img_filename": f"{n}.png",
                "bbox": box,
                "instruction": instruction,
                "data_type": kind,
                "data_source": source,
            }
            for n, (source, kind, instruction, box) in list(enumerate(ELEMENTS))[2 * index : 2 * index + 2]
        ]
        (folder / f"screenspot_{platform}{ending}.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "screenspot_imgs").mkdir()
    for n in range(len(ELEMENTS)):
        (folder / "screenspot_imgs" / f"{n}.png").write_bytes(encoded_picture(n))


def screenspot_pro(folder: Path) -> None:
    """Write the annotations and pictures of ScreenSpot-Pro."""
    rows = [
        {
            "img_filename": "vscode_macos/1.png",
            "bbox": [left, top, left + width, top + height],
            "instruction": instruction,
            "instruction_cn": "保存",
            "id": f"vscode_macos_{n}",
            "application": "vscode",
            "platform": "macos",
            "img_size": [WIDE, HIGH],
            "ui_type": kind,
            "group": "Dev",
        }
        for n, (_, kind, instruction, (left, top, width, height)) in enumerate(ELEMENTS)
    ]
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations" / "vscode_macos.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "images" / "vscode_macos").mkdir(parents=True)
    (folder / "images" / "vscode_macos" / "1.png").write_bytes(encoded_picture(1))
