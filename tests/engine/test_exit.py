"""A program that ends in the middle of its answers."""

import subprocess
import sys

import pytest

PROGRAM = """
from mmeval.models import load_model
from mmeval.types import Generation, Request

model = load_model("mmicl-tiny")
answers = model.generate([Request(str(number), ("is it red ?",)) for number in range(300)], Generation(1))
next(answers)
"""


@pytest.mark.slow
@pytest.mark.processes
def test_a_program_may_end_in_the_middle_of_its_answers() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
