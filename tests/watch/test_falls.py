"""The one-minute clips of `benchmarks/watch.py`, watched by a model that knows the truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval.models import load_model
from mmeval.types import Request, images
from tests.fake_model import FakeModel

pytest.importorskip("av", reason="videos are read with PyAV")

from benchmarks.watch import LATE, Minute, Outcome, minute, watched

KNOWING = '''
"""Knows when somebody falls: it is told by a file, and sees the time of each frame by its name."""
import json
from pathlib import Path

FALL = json.loads(Path(__file__).with_name("fall.json").read_text())

def load(options):
    from tests.fake_model import FakeModel
    from tests.watch.test_falls import sees_fall

    return FakeModel(yes=lambda request: 0.9 if sees_fall(request, FALL) else 0.1)
'''


def sees_fall(request: Request, fall: tuple[float, float] | None) -> bool:
    """Tell whether the frames show more than half of the fall."""
    if fall is None:
        return False
    times = [float(image.name.rpartition(", ")[2].split()[0]) for image in images(request.prompt)]
    begins, ends = fall
    shares = [min(1.0, max(0.0, (time - begins) / (ends - begins))) for time in (times[0], times[-1])]
    return shares[1] - shares[0] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_each_fall_is_reported_once_and_in_time(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = minute(number, tmp_path)
    (tmp_path / f"knowing{number}.py").write_text(KNOWING, encoding="utf-8")
    (tmp_path / "fall.json").write_text(json.dumps(clip.fall), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    model = load_model(f"python:knowing{number}:load")
    report = watched(model, clip, every=0.5, size=4, span=2.0)
    assert (clip.fall is not None, len(report.hits), report.false_alarms) == (number == 0, int(number == 0), 0)
    assert all(hit <= LATE + 1.4 for hit in report.hits)


def test_what_is_counted() -> None:
    fall = (10.0, 11.0)
    assert Outcome(fall, (10.5, 30.0)).hits == [0.5]
    assert Outcome(fall, (10.5, 30.0)).false_alarms == 1
    assert Outcome(fall, (10.5, 12.0)).false_alarms == 1  # the same fall twice
    assert Outcome(fall, (13.5,)).hits == []  # too late
    assert Outcome(None, (5.0,)).false_alarms == 1


@pytest.mark.slow
def test_a_model_that_always_says_yes_raises_one_false_alarm(tmp_path: Path) -> None:
    clip = minute(1, tmp_path)
    report = watched(FakeModel(yes=lambda request: 0.9), Minute(clip.path, None), every=0.5, size=4, span=2.0)
    assert (report.hits, report.false_alarms) == ([], 1)
