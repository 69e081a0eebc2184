"""All fuzz targets, by name."""

from collections.abc import Mapping

from tests.fuzz import data, folders, inputs, models
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {**data.TARGETS, **folders.TARGETS, **inputs.TARGETS, **models.TARGETS}
