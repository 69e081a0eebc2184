"""ScreenSpot, ScreenSpot-v2 and ScreenSpot-Pro: the point to click for an instruction, in a screenshot.

Cheng et al. 2024 (2401.10935); OS-Atlas, Wu et al. 2024 (2410.23218), who corrected its labels; Li et al. 2025
(2504.07981), with professional programs on large screens. A point is right if it is in the box of the element.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, macro, parts_by, percent, share
from mmeval.scoring.readings import boxes
from mmeval.scoring.readings.overlap import hitting, right_area, target
from mmeval.task import Numbers, Prompt, Scorer, Task
from mmeval.tasks.shared import around, box, image, known, sized
from mmeval.types import InputError, Record, Sample, Score

KINDS = ("text", "icon")
PLATFORMS = {"mobile": "Mobile", "desktop": "Desktop", "web": "Web"}
SYSTEMS = {"ios": "mobile", "android": "mobile", "macos": "desktop", "windows": "desktop"}
"""Part of a source's name -> its platform; any other is a website."""
GROUPS = ("Dev", "Creative", "CAD", "Scientific", "Office", "OS")
TABLES = ("test-*.parquet", "data/test-*.parquet")
FILES = {
    "screenspot": ("screenspot_mobile.json", "screenspot_desktop.json", "screenspot_web.json"),
    "screenspot-v2": ("screenspot_mobile_v2.json", "screenspot_desktop_v2.json", "screenspot_web_v2.json"),
    "screenspot-pro": ("annotations/*.json",),
}
"""Benchmark -> its own files."""
PICTURES = ("", "images", "screenspot_imgs", "screenspotv2_image")
"""Places in the data folder where the screenshots may be."""


def samples(name: str, data: str) -> Iterator[Sample]:
    """Yield the questions of the hub, of the tables of a hub, or of the benchmark's own files. Raises InputError."""
    times: Counter[str] = Counter()
    read = professional if name == "screenspot-pro" else everyday
    for line in tables.read(data, (*TABLES, *FILES[name]), TASKS[name].card["hub"], name):
        question = read(line)
        times[question.id] += 1
        yield replace(question, id=f"{question.id}/{times[question.id]}")


def everyday(line: tables.TableRow) -> Sample:
    """Return a row of ScreenSpot. Boxes have sides in pixels in its own files, and edges in shares on the hub."""
    from_release = "img_filename" in line.values
    picture = image(line, "img_filename" if from_release else "image", PICTURES)
    width, height = picture.size
    left, top, right, bottom = box(line, "bbox", sides=from_release)
    if from_release:
        left, top, right, bottom = left / width, top / height, right / width, bottom / height
    elif max(right, bottom) > 1 + boxes.BEYOND:
        raise InputError(f"{line.where}: the bbox is {line.value('bbox')!r:.60}; it must be edges from 0 to 1")
    source = line.text("data_source")
    platform = next((platform for system, platform in SYSTEMS.items() if system in source), "web")
    name = line.text("img_filename") if from_release else line.cell("file_name", required=False) or source
    return Sample(
        name,
        (picture, line.text("instruction")),
        target((left, top, right, bottom)),
        category=f"{platform}-{known(line, 'data_type', line.text('data_type'), KINDS)}",
        tags=sized((width, height)),
    )


def professional(line: tables.TableRow) -> Sample:
    """Return a row of ScreenSpot-Pro, whose files and tables have edges in pixels and the picture's size."""
    picture = image(line, "image" if "image" in line.values else "img_filename", PICTURES)
    left, top, right, bottom = box(line, "bbox")
    try:
        width, height = map(int, line.texts("img_size"))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise InputError(f"{line.where}: the img_size is {line.value('img_size')!r:.60}; it must be width and height")
    group = known(line, "group", line.text("group"), GROUPS)
    kind = known(line, "ui_type", line.text("ui_type"), KINDS)
    return Sample(
        line.text("id"),
        (picture, line.text("instruction")),
        target((left / width, top / height, right / width, bottom / height)),
        category=f"{group}-{kind}",
        tags=sized((width, height)),
    )


_LMMS_EVAL = around(
    "Identify the UI element for the instruction and output exactly one click point as [x, y] in normalized "
    "coordinates within [0, 1]. Do not output a bounding box.\nInstruction: "
)
PROMPTS = {
    "qwen3-vl": around(
        'Locate the element to click for the instruction "',
        '" in this image. Output the point coordinates in JSON format.',
    ),
    "thousandths": around(
        'Where would you click in this screenshot for the instruction "',
        "\"? Answer with one point as [x, y], each a whole number from 0 to 1000, where 1000 is the screenshot's whole "
        "width or height.",
    ),
    "pixels": around(
        "The screenshot is {width} pixels wide and {height} pixels high. Where would you click in it for the "
        'instruction "',
        '"? Answer with one point as [x, y], in pixels.',
    ),
}
"""The prompts that all three benchmarks have in addition to those of their scripts."""
SEECLICK = {
    "seeclick": around(
        'In this UI screenshot, what is the position of the element corresponding to the command "', '" (with point)?'
    )
}
COORDINATES = {system: {"strict": hitting(boxes.strict_point(system))} for system in boxes.SYSTEMS}
UNIT = COORDINATES["unit"]
SHARED = {"qwen3-vl": "thousandths", "thousandths": "thousandths", "pixels": "pixels"}
"""Prompt -> the coordinates in which its answers are read."""


def _task(name: str, prompts: Mapping[str, Prompt], official: Mapping[str, Scorer], axes: Mapping[str, str]) -> Task:
    """Return a benchmark. The scripts' `prompts` and `official` readings of the answers have the same names."""
    readings = {**{script: {"official": score, **UNIT} for script, score in official.items()}, **COORDINATES}
    groups = list(dict.fromkeys(category.partition("-")[0] for category in axes))

    def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
        by_axis = by_category(records, scores, [*axes], chance=right_area)
        by_kind = parts_by(lambda record: record.category.partition("-")[2], records, scores)
        by_group = parts_by(lambda record: record.category.partition("-")[0], records, scores)
        return {
            "overall": percent(share(records, scores), right_area(records)),
            "mean": macro({label: by_axis[category] for category, label in axes.items()}),
            **by_axis,
            **{kind: percent(share(*by_kind[kind]), right_area(by_kind[kind][0])) for kind in KINDS},
            **{group: percent(share(*by_group[group]), right_area(by_group[group][0])) for group in groups},
        }

    return Task(
        name=name,
        samples=partial(samples, name),
        prompts={**prompts, **PROMPTS},
        scorers=next(iter(readings.values())),
        metric=numbers,
        axes=axes,
        totals={"overall": "Overall"},
        details={
            "mean": f"Mean of the {len(axes)} kinds",
            **{kind: kind.capitalize() for kind in KINDS},
            **{group: PLATFORMS.get(group, group) for group in groups},
        },
        max_new_tokens=128,
        readings={reading: next(iter(scorers.values())) for reading, scorers in readings.items()},
        scorers_by_reading=readings,
        reading_by_prompt={**{script: script for script in prompts}, **SHARED},
        constant=("the center", hitting(lambda text, size: (0.5, 0.5))),
    )


_PLATFORM_AXES = {f"{name}-{kind}": f"{title} {kind}" for name, title in PLATFORMS.items() for kind in KINDS}
_GROUP_AXES = {f"{group}-{kind}": f"{group} {kind}" for group in GROUPS for kind in KINDS}
SCREENSPOT = _task(
    "screenspot",
    {
        **SEECLICK,
        "lmms-eval": around(
            "Bounding box coordinates are specified in the format (top-left x, top-left y, bottom-right x, "
            "bottom-right y). All values are floating point numbers bounded between 0 and 1 with two decimal places of "
            "precision (e.g., 0.15). Please provide the bounding box coordinates of the region that corresponds to the "
            "command: "
        ),
    },
    {"seeclick": hitting(boxes.seeclick), "lmms-eval": hitting(boxes.lmms_eval_region, unread=(0.0, 0.0))},
    _PLATFORM_AXES,
)
SCREENSPOT_V2 = _task(
    "screenspot-v2",
    {**SEECLICK, "lmms-eval": _LMMS_EVAL},
    {"seeclick": hitting(boxes.seeclick), "lmms-eval": hitting(boxes.lmms_eval_share)},
    _PLATFORM_AXES,
)
SCREENSPOT_PRO = _task(
    "screenspot-pro",
    {
        "release": around(
            "You are asked to find the bounding box of an UI element in the given screenshot corresponding to a given "
            "instruction.\nDon't output any analysis. Output your result in the format of [[x0,y0,x1,y1]], with x and "
            "y ranging from 0 to 1.The instruction is:\n",
            "\n",
        ),
        "lmms-eval": _LMMS_EVAL,
    },
    {"release": hitting(boxes.screenspot_pro), "lmms-eval": hitting(boxes.lmms_eval_point)},
    _GROUP_AXES,
)
TASKS = {task.name: task for task in (SCREENSPOT, SCREENSPOT_V2, SCREENSPOT_PRO)}
