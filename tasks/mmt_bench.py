"""MMT-Bench: 162 subtasks of 32 kinds, from recognition to driving and navigation (Ying et al. 2024, 2404.16006).

Prompt, reading and means are those of the authors' copy of VLMEvalKit (OpenGVLab/MMT-Bench at 84012c9), which may also
ask a GPT model about the answers that its rules do not read; here --judge can ask a judge.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from mmeval.cards.facts import facts
from mmeval.data import tables
from mmeval.scoring.metrics.groups import guessing, macro, parts_by, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts.public import SCORERS
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import SELECT, image_list, right_letter
from mmeval.types import InputError, Parts, Record, Sample, Score

LETTERS = choices.LETTERS[:9]
"""The columns of the options. Most questions have fewer."""
SIGNS = {"ocr": "OCR", "threed": "3D", "embodied_ai": "Embodied AI", "gui_navigation": "GUI navigation"}
KINDS = (
    "visual_recognition", "localization", "ocr", "counting", "hallucination", "image_retrieval", "threed",
    "visual_captioning", "visual_grounding", "doc_understanding", "action_recognition", "pixel_level_perception",
    "image-to-image_translation", "relation_reasoning", "intelligence_quotient_test", "emotion", "visual_illusion",
    "meme_understanding", "visual_prompt_understanding", "anomaly_detection", "keypoint_detection",
    "visual_commonsense_reasoning", "image_evaluation_judgement", "multiple_image_analysis", "cross_image_matching",
    "temporal_understanding", "visual_code", "medical_understanding", "autonomous_driving",
    "discipline_knowledge_reasoning", "embodied_ai", "gui_navigation",
)  # fmt: skip
"""The kinds of subtasks, as the script lists them."""


def samples(task: str, file: str, data: str) -> Iterator[Sample]:
    """Yield the validation questions, in the data's order. Raises InputError."""
    return map(sample, tables.read(data, (file, "val-*.parquet", "data/val-*.parquet"), facts(task)["hub"], task))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. Empty cells after the last option are not options."""
    cells = [line.cell(letter, required=letter in "AB").strip() for letter in LETTERS]
    options = [cell for cell in cells if cell not in ("", "nan")]
    if len(options) < 2 or options != cells[: len(options)]:
        raise InputError(f"{line.where}: the options A to {LETTERS[-1]} are fewer than two or have a gap; fix the row")
    return Sample(
        line.text("index"),
        (*image_list(line, "image"), line.text("question")),
        (right_letter(line, line.text("answer").strip(), options),),
        tuple((option,) for option in options),
        category=line.text("l2-category"),
        tags={"subtask": line.text("category")},
    )


def release(sample: Sample) -> Parts:
    """Ask as the authors' copy of VLMEvalKit does."""
    *pictures, question = sample.prompt
    parts = (*pictures, f"Question: {question}\nOptions:\n")
    return choices.merged([parts, choices.listed(sample.choices), SELECT])


def lmms_eval(sample: Sample) -> Parts:
    """Ask as lmms-eval's `mmt` (75571cf) does, whose mark `<image>` the pictures replace."""
    *pictures, question = sample.prompt
    parts = ("Question: ", *pictures, f"\n{str(question).strip()}\n")
    listed = [f"{letter}: {option}\n" for letter, (option,) in zip(LETTERS, sample.choices, strict=False)]
    return choices.merged([parts, *listed, "Answer the question using a single character from the given options."])


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of all questions, and for each kind the mean over its subtasks, as `report_acc_MMT` does."""
    kinds = parts_by(lambda record: record.category, records, scores)
    result = {"overall": percent(share(records, scores), guessing(records))}
    for kind in dict.fromkeys((*KINDS, *kinds)):
        subtasks = parts_by(lambda record: record.tags["subtask"], *kinds[kind])
        parts = {name: percent(share(*part), guessing(part[0])) for name, part in sorted(subtasks.items())}
        result[kind] = macro(parts) if parts else percent(share([], []), None)
    return result


def _task(name: str, file: str) -> Task:
    return Task(
        name=name,
        samples=partial(samples, name, file),
        prompts={"release": release, "lmms-eval": lmms_eval},
        scorers={"official": SCORERS["2024-03"], "strict": choices.scorer(strict)},
        metric=numbers,
        axes={kind: SIGNS.get(kind, kind.replace("_", " ").capitalize()) for kind in KINDS},
        totals={"overall": "Overall"},
        max_new_tokens=128,
        readings={"2024-03": SCORERS["2024-03"], **SCORERS},
        choice=True,
    )


MMT_BENCH = _task("mmt-bench", "MMT-Bench_VAL.tsv")
SEVERAL = _task("mmt-bench-mi", "MMT-Bench_VAL_MI.tsv")
"""The same questions, with several pictures where they are about several; MMT_BENCH has them joined into one."""
