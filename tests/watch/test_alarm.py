"""When looks are an event: the answer changed, stayed, and did not waver."""

from __future__ import annotations

import math

import pytest

from mmeval.watch.alarm import Alarm


def events(alarm: Alarm, looks: list[float]) -> list[tuple[int, object]]:
    changes = ((time, alarm.see(float(time), yes)) for time, yes in enumerate(looks))
    return [(time, change) for time, change in changes if change is not None]


def test_an_event_begins_once_yes_has_stayed() -> None:
    assert events(Alarm(hold=3), [0.1, 0.9, 0.9, 0.9, 0.9]) == [(3, ("begins", 1.0))]


def test_one_look_is_no_event() -> None:
    assert events(Alarm(hold=2), [0.1, 0.9, 0.1, 0.9, 0.1]) == []


def test_an_answer_that_wavers_is_one_event() -> None:
    wavering = [0.1, 0.7, 0.7, 0.5, 0.45, 0.55, 0.65, 0.5, 0.1, 0.1]
    assert events(Alarm(hold=2), wavering) == [(2, ("begins", 1.0)), (9, ("ends", 8.0))]


def test_what_could_not_be_read_changes_nothing() -> None:
    assert events(Alarm(hold=2), [0.9, math.nan, 0.9, 0.9, math.nan]) == [(3, ("begins", 2.0))]


@pytest.mark.parametrize("bounds", [{"hold": 0}, {"on": 0.3, "off": 0.5}, {"on": 1.5}])
def test_bounds_that_make_no_alarm(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="hold of 1 or more"):
        Alarm(**bounds)  # type: ignore[arg-type]
