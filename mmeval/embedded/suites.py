"""Write the embedded suites: questions about the picture world in the file formats of the benchmarks."""

import base64
import io
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from mmeval.embedded import world
from mmeval.embedded.world.choices import LEAVES, LETTERS, choices
from mmeval.embedded.world.clips import clip, options
from mmeval.embedded.world.puzzles import Puzzle, matched, puzzles, statement
from mmeval.embedded.world.rng import Rng
from mmeval.jsonl import appending
from mmeval.types import InputError

PICTURES = 40
"""MME: pictures per subtask, with two questions each."""
QUESTIONS = 30
"""MMBench: questions per leaf ability that the picture world covers."""
COUNT = 100
"""Pictures, pairs or series in each of the other suites."""
NUMBERED = {"which": "Which picture", "odd": "Odd one out"}
"""MuirBench: puzzles whose answer is the number of a picture -> the name of the task."""
TIMES = (*[0.0] * 3, *(step / 6 for step in range(7)), *[1.0] * 2)
"""NExT-QA: the times of a clip's twelve frames. Sampling three shows the first, middle and last moment."""


def mme(folder: Path) -> None:
    """Write MME's release folder: a text next to each picture, with the question whose answer is yes first."""
    end = "Please answer yes or no."
    for view in world.test_set(PICTURES):
        stem = folder / view.subtask / f"{view.origin.seed:04d}"
        _save(view.picture, stem.with_suffix(".png"))
        yes, no = view.pair
        stem.with_suffix(".txt").write_text(f"{yes} {end}\tYes\n{no} {end}\tNo\n", encoding="utf-8")


def mmbench(folder: Path) -> None:
    """Write MMBench's table with first passes only; its reader makes the other rotations."""
    rows: list[dict[str, Any]] = []
    for leaf, (ability, *_) in LEAVES.items():
        for choice in choices(leaf, QUESTIONS, "test"):
            row = {"index": len(rows) + 1, "question": choice.question, "hint": ""}
            row |= dict(zip(LETTERS, choice.options, strict=True))
            row |= {"answer": LETTERS[choice.options.index(choice.answer)], "category": leaf}
            image = base64.b64encode(_png(choice.view.picture)).decode("ascii")
            rows.append(row | {"image": image, "l2-category": ability, "split": "dev"})
    _table(folder / "mmbench.tsv", rows)


def pope(folder: Path) -> None:
    """Write POPE's adversarial split: an absent thing shares its color or shape with a thing in the picture."""
    rows: list[dict[str, Any]] = []
    for seed in range(COUNT):
        view = world.draw("existence", seed, "test")
        name = f"{view.name}.png"
        _save(view.picture, folder / "val2014" / name)
        for text, label in zip(view.pair, ("yes", "no"), strict=True):
            rows.append({"question_id": len(rows) + 1, "image": name, "text": text, "label": label})
    _lines(folder / "coco_pope_adversarial.json", rows)


def nlvr2(folder: Path) -> None:
    """Write NLVR2's test1: is a statement true of two pictures?"""
    rows = []
    for seed, puzzle in enumerate(_first("both")):
        for side, scene in enumerate(puzzle.scenes):
            _save(scene.picture, folder / "test1" / f"test1-{seed}-0-img{side}.png")
        label = str(puzzle.answer == "yes")
        rows.append({"identifier": f"test1-{seed}-0-0", "sentence": statement(puzzle), "label": label})
    _lines(folder / "test1.json", rows)


def winoground(folder: Path) -> None:
    """Write Winoground's examples: two pictures and two captions with the same words."""
    rows = []
    for seed, puzzle in enumerate(_first("matching")):
        (first_caption, second_caption), pictures = matched(puzzle)
        row = {"id": seed, "image_0": f"ex_{seed}_img_0", "image_1": f"ex_{seed}_img_1"}
        scenes = [puzzle.scenes[index] for index in pictures]
        for side, scene in enumerate(scenes):
            _save(scene.picture, folder / "images" / f"ex_{seed}_img_{side}.png")
        tag = "Relation" if " to the left of " in first_caption else "Object"
        rows.append(row | {"caption_0": first_caption, "caption_1": second_caption, "collapsed_tag": tag})
    _lines(folder / "examples.jsonl", rows)


def iq50(folder: Path) -> None:
    """Write IQ50's items: a row of three pictures and six candidates, with the correct one at each place in turn."""
    rows = []
    for seed in range(COUNT):
        group = puzzles("series", seed, "test")
        rotated = deque(group)
        rotated.rotate(seed)
        scenes = [*group[0].scenes[:3], *(puzzle.scenes[3] for puzzle in rotated)]
        names = [f"{seed}-{index}.png" for index in range(len(scenes))]
        for name, scene in zip(names, scenes, strict=True):
            _save(scene.picture, folder / name)
        answer = [puzzle.answer for puzzle in rotated].index("yes")
        rows.append({"id": str(seed), "images": names[:3], "options": names[3:], "answer": answer})
    _lines(folder / "iq50.jsonl", rows)


def vl_icl(folder: Path) -> None:
    """Write VL-ICL's open_mi: things with new names, shown only in the demonstrations, four for each of two names."""
    rows = []
    for seed in range(COUNT):
        puzzle = puzzles("novel", seed, "test")[-1]
        support: dict[str, dict[str, list[str]]] = {}
        for number, shot in enumerate(puzzle.shots):
            name = f"open_mi/{seed}-{number}.png"
            _save(shot.scenes[0].picture, folder / name)
            support.setdefault(shot.answer.strip("'"), {"images": []})["images"].append(name)
        query = f"open_mi/{seed}-query.png"
        _save(puzzle.scenes[0].picture, folder / query)
        row = {"id": f"open_mi_{seed}", "image": [query], "question": "This is a", "answer": puzzle.answer.strip("'")}
        rows.append(row | {"classes": [choice.strip("'") for choice in puzzle.choices], "support": support})
    (folder / "open_mi" / "query.json").write_text(json.dumps(rows), encoding="utf-8")


def muirbench(folder: Path) -> None:
    """Write MuirBench's table: which of several pictures? No question has an unanswerable counterpart."""
    import pyarrow
    import pyarrow.parquet

    rows = [
        {
            "idx": f"{kind}-{seed}",
            "task": task,
            "image_relation": kind,
            "question": "<image>" * len(puzzle.scenes) + str(puzzle.question[0]),
            "options": list(puzzle.choices),
            "answer": LETTERS[puzzle.choices.index(puzzle.answer)],
            "image_list": [{"bytes": _png(scene.picture), "path": None} for scene in puzzle.scenes],
            "counterpart_idx": "",
        }
        for kind, task in NUMBERED.items()
        for seed, puzzle in enumerate(_first(kind))
    ]
    table, file = pyarrow.Table.from_pylist(rows), folder / "test-00000-of-00001.parquet"
    pyarrow.parquet.write_table(table, file, use_dictionary=False)  # no picture repeats; it is read in half the time


def nextqa(folder: Path) -> None:
    """Write NExT-QA's test: what happens to a person or thing in a clip?"""
    rows = []
    for seed in range(COUNT):
        sequence = clip(seed, "test")
        frames = {time: sequence.frame(time) for time in {*TIMES}}
        pictures = [frames[time] for time in TIMES]
        _video(folder / "NExTVideo" / f"{seed}.mp4", pictures)
        width, height = pictures[0].size
        offered = options(Rng(f"options {seed}"), sequence)
        row: dict[str, Any] = {"video": seed, "frame_count": len(pictures), "width": width, "height": height}
        row |= {"question": f"what happens to the {sequence.subject}", "answer": offered.index(sequence.action)}
        row |= {"qid": 0, "type": "TC"}
        rows.append(row | {f"a{index}": option for index, option in enumerate(offered)})
    _table(folder / "test.csv", rows)


WRITERS: dict[str, Callable[[Path], None]] = {
    writer.__name__: writer for writer in (mme, mmbench, pope, nlvr2, winoground, iq50, vl_icl, muirbench, nextqa)
}
"""Name of a suite -> the function that fills an empty folder with it."""


def _first(kind: str) -> Iterator[Puzzle]:
    """Yield the first puzzle of each seed."""
    return (puzzles(kind, seed, "test")[0] for seed in range(COUNT))


def _png(picture: Image.Image) -> bytes:
    """Return the picture as a PNG without compression, whose bytes depend on no version of a library."""
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=0)
    return out.getvalue()


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_png(picture))


def _lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with appending(path) as file:
        file.write_all(rows)


def _table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    separator = "\t" if path.suffix == ".tsv" else ","
    pd.DataFrame(rows).to_csv(path, sep=separator, index=False, lineterminator="\n")


def _video(path: Path, pictures: Sequence[Image.Image]) -> None:
    """Write a lossless video of RGB pictures, four per second. Raises InputError if PyAV is missing."""
    try:
        import av
    except ImportError as error:
        raise InputError("videos need PyAV, which is not installed; pip install 'mmeval-harness[video]'") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=4)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "rgb24"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
