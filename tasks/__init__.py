"""The benchmarks, one file (and one YAML card) each. Installed as `mmeval.tasks`."""

TASKS = {
    "mme": "mmeval.tasks.mme:MME",
    "mmbench": "mmeval.tasks.mmbench:MMBENCH",
    "blink": "mmeval.tasks.blink:BLINK",
    "muirbench": "mmeval.tasks.muirbench:MUIRBENCH",
    "scienceqa": "mmeval.tasks.scienceqa:SCIENCEQA",
    "nlvr2": "mmeval.tasks.nlvr2:NLVR2",
    "winoground": "mmeval.tasks.winoground:PAIRWISE",
    "winoground-joint": "mmeval.tasks.winoground:JOINT",
    "winoground-choice": "mmeval.tasks.winoground:CHOICE",
    "iq50": "mmeval.tasks.raven:IQ50",
    "raven": "mmeval.tasks.raven:RAVEN",
    "vcr": "mmeval.tasks.vcr:VCR",
    "vl-icl": "mmeval.tasks.vl_icl:VL_ICL",
    "pope": "mmeval.tasks.pope:POPE",
    "ccbench": "mmeval.tasks.mmbench:CCBENCH",
}
"""Task name -> where its value is; imported only when asked for."""
