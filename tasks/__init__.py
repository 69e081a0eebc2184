"""The benchmarks, one file (and one YAML card) each. Installed as `mmeval.tasks`."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from mmeval import yaml_file

CARDS = (
    "mantis-eval", "seed-bench", "seed-bench-2", "mmstar", "hallusionbench", "naturalbench", "gqa", "vsr", "iconqa",
    "textvqa", "websrc", "mmiu", "mirb", "q-bench2", "video-mme",
)  # fmt: skip
TASKS = {
    "mme": "mmeval.tasks.mme:MME", "mmbench": "mmeval.tasks.mmbench:MMBENCH", "blink": "mmeval.tasks.blink:BLINK",
    "muirbench": "mmeval.tasks.muirbench:MUIRBENCH", "scienceqa": "mmeval.tasks.scienceqa:SCIENCEQA",
    "nlvr2": "mmeval.tasks.nlvr2:NLVR2", "winoground": "mmeval.tasks.winoground:PAIRWISE",
    "winoground-joint": "mmeval.tasks.winoground:JOINT", "winoground-choice": "mmeval.tasks.winoground:CHOICE",
    "iq50": "mmeval.tasks.raven:IQ50", "raven": "mmeval.tasks.raven:RAVEN", "vcr": "mmeval.tasks.vcr:VCR",
    "vl-icl": "mmeval.tasks.vl_icl:VL_ICL", "vqav2": "mmeval.tasks.few_shot_vqa:VQAV2",
    "okvqa": "mmeval.tasks.few_shot_vqa:OKVQA", "vizwiz": "mmeval.tasks.few_shot_vqa:VIZWIZ",
    "flickr30k": "mmeval.tasks.flickr30k:FLICKR30K", "hateful-memes": "mmeval.tasks.hateful_memes:HATEFUL_MEMES",
    "msvd-qa": "mmeval.tasks.video_qa:MSVD_QA", "msrvtt-qa": "mmeval.tasks.video_qa:MSRVTT_QA",
    "ivqa": "mmeval.tasks.video_qa:IVQA", "nextqa": "mmeval.tasks.nextqa:NEXTQA", "pope": "mmeval.tasks.pope:POPE",
    "ccbench": "mmeval.tasks.mmbench:CCBENCH",
    **{name: f"{name}.yaml" for name in CARDS},
}  # fmt: skip
"""Task name -> where its value is, imported only when asked for; or the card that is all there is of it."""

LEFT_OUT = {
    "Bongard-HOI": "a row of its files is not a question but two lists of seven crops with their boxes, of which the "
    "last of each is asked about after the other twelve",
    "SEED-Bench, dimensions 10 to 12": "cuts of videos of three other sets, each named in a way of its own",
    "SEED-Bench-2, level 3": "asks for pictures to be made, and its options are pictures",
    "Video-MME, with subtitles": "subtitles lie in a file for each video, and which are shown depends on the frames",
}
"""Benchmark that was meant to be here -> why it is not: what a card would have to say and cannot."""


def facts(name: str) -> Mapping[str, Any]:
    """Return what a benchmark's card says: title, source, licence, citation, published scores; nothing is imported."""
    return yaml_file.read(resources.files("mmeval.tasks").joinpath(f"{name}.yaml"))
