"""Embedded suites are drawn once, in the benchmarks' formats, with the same pictures and words everywhere."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from mmeval import embedded
from mmeval.embedded import SUITES, suite, suites, world
from mmeval.embedded.world.clips import clip
from mmeval.evaluation import plan
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.tasks import TASKS
from mmeval.types import Image, InputError


def _small(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(suites, "COUNT", 2)


def test_suites_are_those_of_tasks_and_each_has_its_writer() -> None:
    assert SUITES.keys() <= TASKS.keys()
    assert {entry.name for entry in SUITES.values()} == suites.WRITERS.keys()


def test_a_list_of_the_suites_draws_nothing() -> None:
    code = "import sys, mmeval.embedded; assert not {'numpy', 'mmeval.embedded.world'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_suite_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small(monkeypatch, tmp_path)
    path = suite("pope")
    assert path.is_relative_to(tmp_path / "mmeval" / "embedded")
    (path / "mark").touch()
    assert (suite("pope") / "mark").exists()
    assert [child.name for child in path.parent.iterdir()] == ["pope"]  # nothing temporary is left


def test_of_two_processes_that_write_at_once_either_may_be_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small(monkeypatch, tmp_path)
    write = suites.WRITERS["nlvr2"]

    def slow(folder: Path) -> None:
        monkeypatch.setitem(suites.WRITERS, "nlvr2", write)
        assert (suite("nlvr2") / "test1.json").is_file()  # the other process is done before this one
        write(folder)

    monkeypatch.setitem(suites.WRITERS, "nlvr2", slow)
    assert len(list(load_task("nlvr2").samples(str(suite("nlvr2"))))) == 2
    assert [child.name for child in suite("nlvr2").parent.iterdir()] == ["nlvr2"]


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    _small(monkeypatch, tmp_path / "file")
    with pytest.raises(InputError, match="set XDG_CACHE_HOME to a folder that can be written to"):
        suite("pope")


def test_a_suite_of_videos_without_pyav_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small(monkeypatch, tmp_path)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"pip install 'mmeval-harness\[video\]'"):
        suite("nextqa")
    assert not list((tmp_path / "mmeval" / "embedded").glob("*/*"))  # nothing half written is left


def test_changed_drawing_code_meets_no_old_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small(monkeypatch, tmp_path)
    old = suite("iq50")
    monkeypatch.setattr(embedded, "_digest", lambda: "another")
    assert suite("iq50") != old


@pytest.mark.slow
def test_mmes_suite_has_the_pictures_and_questions_of_the_world() -> None:
    first, second = list(load_task("mme").samples(str(suite("mme"))))[:2]
    assert [first.prompt[1], second.prompt[1]] == list(world.draw("existence", 0, "test").pair)
    assert isinstance(first.prompt[0], Image) and isinstance(second.prompt[0], Image)
    assert first.prompt[0].digest == second.prompt[0].digest
    picture = first.prompt[0].decode()
    assert (picture.mode, picture.tobytes()) == ("RGB", world.draw("existence", 0, "test").picture.tobytes())


@pytest.mark.slow
def test_three_frames_of_a_video_show_how_a_clip_begins_goes_on_and_ends() -> None:
    pytest.importorskip("av")
    task = load_task("nextqa")
    assert task.video is not None
    drawn = clip(0, "test")
    first = next(task.video(str(suite("nextqa")), SUITES["nextqa"].settings["frames"], task.sampler))
    pictures = [part.decode().tobytes() for part in first.prompt if isinstance(part, Image)]
    assert pictures == [drawn.frame(time).tobytes() for time in (0, 0.5, 1)]
    assert (first.category, len(first.choices)) == ("TC", 5)
    assert first.choices["ABCDE".index(first.targets[0])] == (drawn.action,)


@pytest.mark.slow
def test_a_suite_brings_settings_that_a_user_may_change() -> None:
    pytest.importorskip("av")
    default, changed = (plan(RunSpec("nextqa", "constant", "embedded", frames=frames)) for frames in (None, 5))
    assert (default.spec.frames, default.folder.name) == (3, "nextqa-constant-embedded")
    assert (changed.spec.frames, changed.folder.name) == (5, "nextqa-constant-embedded-frames5")


DIGESTS = {
    "mme": "4b30cec5c5271c83",
    "mmbench": "a43d03c2b882f9fa",
    "muirbench": "e2d775c22fb557a5",
    "nlvr2": "a84dc99d0c6d487d",
    "winoground": "7ed2cd9f68b6d538",
    "winoground-joint": "c1016848a2d154d4",
    "winoground-choice": "3c99fafefb7cdbcb",
    "iq50": "e89de4c5fa315a3b",
    "vl-icl": "87252e89c4cc94dc",
    "nextqa": "91651e1c77d36fbc",
    "pope": "16c5c409bcfcf631",
}
"""Digests of the pictures, prompts and answers. A different value means a different benchmark."""


@pytest.mark.slow
@pytest.mark.parametrize("name", DIGESTS)
def test_a_suite_is_the_same_everywhere(name: str) -> None:
    if name == "nextqa":
        pytest.importorskip("av")
    total = hashlib.sha256()
    for sample in load_task(name).samples(str(suite(name))):
        for part in (sample.id, *sample.prompt, *sample.targets, *chain.from_iterable(sample.choices)):
            total.update(part.decode().tobytes() if isinstance(part, Image) else repr(part).encode())
    assert total.hexdigest()[:16] == DIGESTS[name]
