"""MIRB: eleven subsets about several pictures, of four dimensions (Zhao et al. 2024, 2406.12742).

The card reads the questions and the answers. This module has the instruction of each subset (`utils/utils.py` of
DTennant/MIRB_eval at 625d904) and the means. The total is the mean of the four dimensions, as in InternVL's
script.
"""

from collections.abc import Sequence
from dataclasses import replace

from mmeval.cards.facts import facts
from mmeval.cards.task import build
from mmeval.scoring.metrics.groups import macro
from mmeval.task import Numbers
from mmeval.types import Parts, Record, Sample, Score

DIMENSIONS = {
    "Knowledge": ("food", "sightseeing"),
    "Reasoning": ("codeu", "plot_code", "analogy", "3d_scene"),
    "Perception": ("image_jigsaw", "count", "attribute"),
    "Multi-hop": ("visual_chain", "arxiv"),
}
_WORD, _LETTER = "Answer with a single word.", "Answer with the option symbol."
INSTRUCTIONS = {
    **dict.fromkeys(("analogy", "attribute", "plot_code", "visual_chain", "sightseeing"), _WORD),
    **dict.fromkeys(("codeu", "food", "image_jigsaw"), _LETTER),
    "arxiv": "Answer with the paper title.",
    "count": "Answer with a single number.",
    "3d_scene": "The following images are different views of the same 3D scene. Answer with a single number.",
}
"""Subset -> the script's instruction, under the names that the subsets have on the hub."""


def release(sample: Sample) -> Parts:
    """Ask as the script asks most models: the instruction, the pictures, the question."""
    return (f"{INSTRUCTIONS[sample.category]}\n", *sample.prompt)


def internvl(sample: Sample) -> Parts:
    """Ask as InternVL's `eval/mirb/evaluate_mirb.py` (226363e): the pictures, the question, the instruction."""
    *pictures, question = sample.prompt
    return (*pictures, f"{question}\n{INSTRUCTIONS[sample.category]}")


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of each subset, the mean of each dimension's subsets, and the mean of the dimensions."""
    result = _CARD.metric(records, scores)
    dimensions = {name: macro({subset: result[subset] for subset in part}) for name, part in DIMENSIONS.items()}
    return {**result, **dimensions, "overall": macro(dimensions)}


_CARD = build("mirb", facts("mirb"), "mirb.yaml")
MIRB = replace(
    _CARD,
    prompts={"release": release, "internvl": internvl},
    metric=numbers,
    totals={"overall": "Mean of the dimensions", **{name: name for name in DIMENSIONS}},
)
