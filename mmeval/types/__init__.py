"""The harness's value types: samples, requests, responses, scores and records, all frozen.

Other modules read them from data, send them to a model, score them and plot them.
"""

from mmeval.types.errors import (
    SURROGATE,
    Display,
    InputError,
    RunMismatch,
    Unsupported,
    malformed,
    nearest,
    one_line,
    printable,
    replace_surrogates,
)  # fmt: skip
from mmeval.types.models import FinishReason, Generation, Model, Response, StreamingModel
from mmeval.types.phrases import between, number, part_of, plural, within
from mmeval.types.pieces import Pieces
from mmeval.types.prompts import SPARE, Image, Part, Parts, Preview, Ref, Request, Sample, Shot, images, text_of
from mmeval.types.records import Estimate, Outcome, Record, Score, Session, one_of, whole_number

__all__ = [
    "SPARE",
    "SURROGATE",
    "Display",
    "Estimate",
    "FinishReason",
    "Generation",
    "Image",
    "InputError",
    "Model",
    "Outcome",
    "Part",
    "Parts",
    "Pieces",
    "Preview",
    "Record",
    "Ref",
    "Request",
    "Response",
    "RunMismatch",
    "Sample",
    "Score",
    "Session",
    "Shot",
    "StreamingModel",
    "Unsupported",
    "between",
    "images",
    "malformed",
    "nearest",
    "number",
    "one_line",
    "one_of",
    "part_of",
    "plural",
    "printable",
    "replace_surrogates",
    "text_of",
    "whole_number",
    "within",
]  # fmt: skip
