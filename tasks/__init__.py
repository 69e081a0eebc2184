"""The benchmarks: one module or YAML card each, installed as `mmeval.tasks`."""

CARDS = (
    "mantis-eval", "seed-bench", "seed-bench-2", "mmstar", "naturalbench", "gqa", "vsr", "iconqa",
    "textvqa", "websrc", "mmiu", "q-bench2", "video-mme", "chartqa", "docvqa", "infographicvqa", "ocrbench",
    "ai2d", "realworldqa", "vstar", "hr-bench-4k", "hr-bench-8k", "longvideobench", "egoschema", "countbenchqa",
    "embspatial-bench", "visulogic", "seed-bench-2-plus",
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
    "ccbench": "mmeval.tasks.mmbench:CCBENCH", "cv-bench": "mmeval.tasks.cv_bench:CV_BENCH",
    "mmvp": "mmeval.tasks.mmvp:MMVP", "mme-realworld": "mmeval.tasks.mme_realworld:MME_REALWORLD",
    "mme-realworld-cn": "mmeval.tasks.mme_realworld:CHINESE",
    "hallusionbench": "mmeval.tasks.hallusionbench:HALLUSIONBENCH",
    "mmmu": "mmeval.tasks.mmmu:MMMU", "mmmu-pro": "mmeval.tasks.mmmu:PRO",
    "mmmu-pro-vision": "mmeval.tasks.mmmu:VISION",
    "refcoco": "mmeval.tasks.refcoco:REFCOCO", "refcoco-plus": "mmeval.tasks.refcoco:REFCOCO_PLUS",
    "refcocog": "mmeval.tasks.refcoco:REFCOCOG", "screenspot": "mmeval.tasks.screenspot:SCREENSPOT",
    "screenspot-v2": "mmeval.tasks.screenspot:SCREENSPOT_V2",
    "screenspot-pro": "mmeval.tasks.screenspot:SCREENSPOT_PRO",
    "tempcompass": "mmeval.tasks.tempcompass:MULTIPLE_CHOICE", "tempcompass-yes-no": "mmeval.tasks.tempcompass:YES_NO",
    "tempcompass-captions": "mmeval.tasks.tempcompass:CAPTIONS",
    "mvbench": "mmeval.tasks.mvbench:MVBENCH", "mlvu": "mmeval.tasks.mvbench:MLVU",
    "charades-sta": "mmeval.tasks.charades_sta:CHARADES_STA",
    "lvbench": "mmeval.tasks.lvbench:LVBENCH", "vsi-bench": "mmeval.tasks.vsi_bench:VSI_BENCH",
    "mathvista": "mmeval.tasks.mathvista:MATHVISTA", "mathvision": "mmeval.tasks.mathvision:MATHVISION",
    "mathvision-testmini": "mmeval.tasks.mathvision:TESTMINI", "mathverse": "mmeval.tasks.mathverse:MATHVERSE",
    "charxiv-reasoning": "mmeval.tasks.charxiv:REASONING", "charxiv-descriptive": "mmeval.tasks.charxiv:DESCRIPTIVE",
    "we-math": "mmeval.tasks.we_math:WE_MATH", "dynamath": "mmeval.tasks.dynamath:DYNAMATH",
    "mm-vet": "mmeval.tasks.mm_vet:MM_VET", "mirb": "mmeval.tasks.mirb:MIRB",
    "erqa": "mmeval.tasks.erqa:ERQA", "vlms-are-blind": "mmeval.tasks.vlms_are_blind:VLMS_ARE_BLIND",
    "visual-puzzles": "mmeval.tasks.visual_puzzles:VISUAL_PUZZLES",
    "logicvista": "mmeval.tasks.logicvista:LOGICVISTA",
    "video-mmmu": "mmeval.tasks.video_mmmu:VIDEO_MMMU",
    "video-mmmu-gain": "mmeval.tasks.video_mmmu:VIDEO_MMMU_GAIN",
    "mmvu": "mmeval.tasks.mmvu:MMVU",
    "mtvqa": "mmeval.tasks.mtvqa:MTVQA",
    "refspatial-bench": "mmeval.tasks.refspatial:REFSPATIAL",
    "where2place": "mmeval.tasks.refspatial:WHERE2PLACE",
    "robospatial-home": "mmeval.tasks.robospatial:ROBOSPATIAL",
    "simplevqa": "mmeval.tasks.simplevqa:SIMPLEVQA",
    "zerobench": "mmeval.tasks.zerobench:ZEROBENCH",
    "zerobench-subquestions": "mmeval.tasks.zerobench:SUBQUESTIONS",
    "mmlongbench-doc": "mmeval.tasks.mmlongbench_doc:MMLONGBENCH_DOC",
    "mmt-bench": "mmeval.tasks.mmt_bench:MMT_BENCH", "mmt-bench-mi": "mmeval.tasks.mmt_bench:SEVERAL",
    **{name: f"{name}.yaml" for name in CARDS},
}  # fmt: skip
"""Task name -> `module:attribute`, imported on first use, or the YAML card that defines the whole task."""

HEADINGS = (
    "one picture", "exams and science", "large pictures", "text, charts, documents", "grounding", "several pictures",
    "in context", "video",
)  # fmt: skip
"""Headings of the list of benchmarks, in order; each card names one."""

LEFT_OUT = {
    "Bongard-HOI": "a row of its files is two lists of seven crops with boxes, not a question; the last crop of each "
    "list is asked about after the other twelve",
    "SEED-Bench, dimensions 10 to 12": "clips of videos from three other data sets, each with its own naming scheme",
    "SEED-Bench-2, level 3": "asks the model to generate pictures, and its options are pictures",
    "MMMU, test": "the answers are only on its server, https://eval.ai/web/challenges/challenge-page/2179",
    "RefCOCO and RefCOCOg, Google's splits": "published numbers are on UNC's and UMD's splits",
    "ScreenSpot-Pro, in Chinese and with refusals": "the published numbers are those of the English instructions, all "
    "of which have an element",
    "LongVideoBench and MLVU, test; all of EgoSchema": "the answers are on their servers, but for 500 of EgoSchema",
    "LongVideoBench and Video-MME, with subtitles": "each video has its own subtitle file, and the frames decide which "
    "are shown",
    "MLVU and TempCompass, captions and summaries": "another model rates what the model writes",
    "MMT-Bench, ALL": "the answers are only on its server, https://eval.ai/web/challenges/challenge-page/2328",
    "CharXiv, test": "the answers are not published",
    "MMVU, test": "the answers are not published",
    "Video-MMMU, with transcripts": "each video has its own file of speech, as subtitles are",
    "OCRBench v2": "its tables, documents and spotted text are scored by libraries for trees, words and polygons",
    "MathVerse, text only": "a table of its own, whose questions have no pictures",
}
"""Benchmark that is not included -> why a card cannot express it."""
