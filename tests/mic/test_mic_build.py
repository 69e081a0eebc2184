"""A build: sampled demonstrations, contexts, skipped rows and messages; a kill changes nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmeval.cli import main
from mmeval.mic.build import build
from mmeval.mic.pictures import place, safe_name
from mmeval.mic.plan import bounds, draw
from mmeval.mic.rows import Picture, SourceRow
from mmeval.mmicl.examples import Example, read
from mmeval.pictures import Unusable
from mmeval.types import InputError
from tests.forks import FORKS
from tests.mic.mic_folders import coco, iconqa, nlvr2, picture, put_lines, vcr, vqav2

KILLS = int(os.environ.get("MMEVAL_KILLS", "6"))


def train(out: Path) -> list[Example]:
    return list(read(out / "train.jsonl"))


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.is_file()}


@st.composite
def pools(draw: st.DrawFn) -> list[SourceRow]:
    """Rows about few pictures, some with two."""
    count = draw(st.integers(1, 40))
    pictures = st.lists(st.integers(0, 8), min_size=1, max_size=2)
    return [
        SourceRow(str(k), "train", tuple(Picture(f"{n}.jpg") for n in draw(pictures)), {"question": "?"}, "x")
        for k in range(count)
    ]


@given(pools(), st.integers(0, 9), st.integers(0, 5))
@settings(max_examples=50)
def test_demonstrations_are_never_about_the_same_picture(pool: list[SourceRow], seed: int, most: int) -> None:
    plan = draw(pool, {}, None, (0, most), seed)
    for drawn in (drawn for name in plan.shards("train") for drawn in plan.shard(name)):
        assert 0 <= drawn.shots <= most
        scenes = [scene for row in (drawn.row, *drawn.candidates) for scene in row.scenes]
        assert len(scenes) == len(set(scenes))
        assert drawn.row.id not in {row.id for row in drawn.candidates}


@given(pools(), st.integers(0, 9), st.integers(1, 50))
@settings(max_examples=50)
def test_rows_are_drawn_without_replacement(pool: list[SourceRow], seed: int, limit: int) -> None:
    for given_limit, size in ((limit, limit), (None, 20)):
        plan = draw(pool, {"train": 20}, given_limit, (0, 0), seed)
        ids = [drawn.row.id for name in plan.shards("train") for drawn in plan.shard(name)]
        assert len(ids) == len(set(ids)) == min(size, len(pool))
    assert draw(pool, {"train": 0}, limit, (0, 0), seed).total == 0, "published with no row of that split"


def test_the_number_of_demonstrations_is_even_from_0_to_5() -> None:
    pool = [SourceRow(str(k), "train", (Picture(f"{k}.jpg"),), {}, "x") for k in range(3000)]
    plan = draw(pool, {}, None, (0, 5), 1)
    counts = Counter(drawn.shots for name in plan.shards("train") for drawn in plan.shard(name))
    assert set(counts) == set(range(6))
    assert all(400 < count < 600 for count in counts.values())


def test_demonstrations_come_from_the_same_split_and_another_picture(tmp_path: Path) -> None:
    vqav2(tmp_path / "root")
    build("vqav2", tmp_path / "root", tmp_path / "out", shots=(3, 3))
    for split in ("train", "val"):
        for example in read(tmp_path / "out" / f"{split}.jsonl"):
            assert len(example.shots) == 3
            assert len(set(example.all_images)) == 4
            assert all(f"COCO_{split}2014" in image for image in example.all_images)


def test_a_small_pool_gives_fewer_demonstrations(tmp_path: Path) -> None:
    vqav2(tmp_path / "root", images=2)
    build("vqav2", tmp_path / "root", tmp_path / "out", shots=(5, 5))
    assert [len(example.shots) for example in train(tmp_path / "out")] == [1] * 4


def test_another_seed_is_another_set_and_the_same_seed_the_same(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        build("coco", tmp_path / "root", tmp_path / name, seed=seed, limit=9)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a")["train.jsonl"] != content(tmp_path / "c")["train.jsonl"]
    assert len(train(tmp_path / "a")) == 9


def test_pictures_are_linked_not_copied(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    build("coco", tmp_path / "root", tmp_path / "out", limit=3)
    for path in (tmp_path / "out" / "pictures").iterdir():
        assert path.stat().st_nlink == 2


def test_pictures_are_copied_where_they_cannot_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    coco(tmp_path / "root")
    build("coco", tmp_path / "root", tmp_path / "out", limit=3)
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "out" / "pictures").iterdir())


def test_pictures_that_are_shown_changed_are_counted(tmp_path: Path) -> None:
    vqav2(tmp_path / "set")
    exif = Image.Exif()
    exif[0x0112] = 8
    for number in (1, 2):
        Image.new("RGB", (40, 30)).save(tmp_path / "set" / "train2014" / f"COCO_train2014_{number:012}.jpg", exif=exif)
    built = build("vqav2", tmp_path / "set", tmp_path / "out")
    assert built.pictures == {"turned": 2}
    assert "pictures: 2 turned upright, as their EXIF orientation says" in built.lines()


def test_too_long_is_dropped_whole_and_counted(tmp_path: Path) -> None:
    nlvr2(tmp_path / "root")
    built = build("nlvr2", tmp_path / "root", tmp_path / "out", max_pictures=6)
    examples = train(tmp_path / "out")
    assert all(len(example.all_images) <= 6 and len(example.images) == 2 for example in examples)
    assert sum(built.examples.values()) + built.left_out["too many pictures"] == 18
    skipped = [json.loads(line) for line in (tmp_path / "out" / "skipped.jsonl").read_text().splitlines()]
    assert len(skipped) == built.left_out["too many pictures"] > 0
    assert {entry["kind"] for entry in skipped} == {"too many pictures"}


def spoil_missing(path: Path) -> None:
    path.unlink()


def spoil_truncated(path: Path) -> None:
    Image.effect_noise((64, 64), 90).save(path, "PNG" if path.suffix == ".png" else "JPEG")
    path.write_bytes(path.read_bytes()[:-700])


def spoil_text(path: Path) -> None:
    path.write_text("404 Not Found")


def spoil_huge(path: Path) -> None:
    Image.new("1", (10_000, 6_500)).save(path.with_suffix(".png"))
    path.with_suffix(".png").rename(path)


def spoil_link(path: Path) -> None:
    path.unlink()
    (path.parents[2] / "elsewhere.jpg").write_text("root:x:0:0")
    path.symlink_to(path.parents[2] / "elsewhere.jpg")


def spoil_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def test_a_link_to_a_picture_elsewhere_is_followed(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    build("coco", tmp_path / "root", tmp_path / "whole")
    (tmp_path / "root" / "train2017").rename(tmp_path / "elsewhere")
    (tmp_path / "root" / "train2017").symlink_to(tmp_path / "elsewhere")
    assert build("coco", tmp_path / "root", tmp_path / "linked").left_out == {}
    assert content(tmp_path / "linked") == content(tmp_path / "whole")


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (spoil_missing, "picture missing"),
        (spoil_truncated, "picture broken"),
        (spoil_text, "picture broken"),
        (spoil_huge, "picture too large"),
        (spoil_link, "picture missing"),
        (spoil_pipe, "picture missing"),
    ],
)
def test_unusable_pictures_are_counted_and_listed(spoil: Callable[[Path], None], kind: str, tmp_path: Path) -> None:
    coco(tmp_path / "root")
    spoil(tmp_path / "root" / "train2017" / f"{2:012}.jpg")
    built = build("coco", tmp_path / "root", tmp_path / "out", allow_skipped=0.5)
    assert built.left_out == {kind: 5}  # five captions
    assert built.examples == {"train": 25, "val": 30}
    entries = [json.loads(line) for line in (tmp_path / "out" / "skipped.jsonl").read_text().splitlines()]
    rows = [entry for entry in entries if "demonstration_of" not in entry]
    assert {entry["id"] for entry in rows} == {f"coco/{20 + k}" for k in range(5)}
    assert all(f"{2:012}.jpg" in entry["reason"] for entry in entries)
    assert not any(f"{2:012}" in image for example in train(tmp_path / "out") for image in example.all_images)


def test_more_than_a_hundredth_stops_the_build_until_it_is_fixed(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    missing = tmp_path / "root" / "train2017" / f"{2:012}.jpg"
    moved = missing.rename(tmp_path / "kept.jpg")
    arguments = ["mic", "build", "--source", "coco", "--root", str(tmp_path / "root"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, [*arguments, "--workers", "1"])
    assert result.exit_code == 2
    assert "5 of 60 rows cannot be used" in result.output
    assert "--allow-skipped" in result.output
    assert (tmp_path / "out" / "skipped.jsonl").read_text().count("picture missing") >= 5
    moved.rename(missing)
    assert CliRunner().invoke(main, [*arguments, "--workers", "1"]).exit_code == 0
    build("coco", tmp_path / "root", tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_rows_whose_boxes_are_broken_are_counted(tmp_path: Path) -> None:
    vcr(tmp_path / "root")
    boxes = tmp_path / "root" / "vcr1images" / "lsmdc_1" / "train3@0.json"
    boxes.write_text('{"boxes": [[5, 5, 40, 50]]}')
    (tmp_path / "root" / "vcr1images" / "lsmdc_1" / "train4@0.json").write_text('{"boxes": 7}')
    (tmp_path / "root" / "vcr1images" / "lsmdc_1" / "train5@0.json").write_text(
        '{"boxes": [[5, 5, 4, 4], [0, 0, 1, 1]]}'
    )
    built = build("vcr", tmp_path / "root", tmp_path / "out", allow_skipped=0.5)
    assert built.left_out == {"unusable row": 3}


def test_texts_that_are_empty_or_no_unicode_are_counted(tmp_path: Path) -> None:
    picture(tmp_path / "root" / "a.jpg")
    lines = [{"input_text": "图?", "input_image": "a.jpg", "output_text": text} for text in ("yes", " ", "\ud800")]
    put_lines(tmp_path / "root" / "a.jsonl", lines)
    built = build("mic", tmp_path / "root", tmp_path / "out", allow_skipped=1)
    assert built.left_out == {"unusable row": 2}


@pytest.mark.parametrize("path", ["../secret.jpg", "/etc/hostname", "a\x00b.jpg", "x" * 300, ".", ""])
def test_paths_out_of_the_folder_are_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    picture(tmp_path / "secret.jpg")
    with pytest.raises(Unusable) as error:
        place(Picture(path), tmp_path / "root", tmp_path / "out")
    assert error.value.kind == "picture missing"


@given(st.lists(st.text(max_size=60), unique=True, min_size=2, max_size=5))
def test_names_of_pictures_are_plain_and_unique(paths: list[str]) -> None:
    names = [safe_name(Picture(path)) for path in paths]
    assert len({name.lower() for name in names}) == len(paths)
    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
        assert not name.startswith((".", "-"))
        assert len(name) < 120


def test_other_arguments_over_a_set_are_refused(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    build("coco", tmp_path / "root", tmp_path / "out", limit=4)
    expected = content(tmp_path / "out")
    with pytest.raises(InputError, match="holds a set with seed = 0, not 1"):
        build("coco", tmp_path / "root", tmp_path / "out", limit=4, seed=1)
    with pytest.raises(InputError, match="limit = 4, not 5"):
        build("coco", tmp_path / "root", tmp_path / "out", limit=5)
    build("coco", tmp_path / "root", tmp_path / "out", limit=4, allow_skipped=0.5)  # not part of the set's identity
    assert content(tmp_path / "out") == expected


def test_a_damaged_manifest_is_named_or_made_again(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    build("coco", tmp_path / "root", tmp_path / "out", limit=4)
    path = tmp_path / "out" / "mic.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in manifest.items() if name != "left_out"}))
    build("coco", tmp_path / "root", tmp_path / "out", limit=4)
    assert json.loads(path.read_text()) == manifest
    path.write_text(json.dumps(manifest | {"examples": {"train": "4"}}))
    with pytest.raises(InputError, match=r"mic\.json, examples, train: .* delete the folder and build again"):
        build("coco", tmp_path / "root", tmp_path / "out", limit=4)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(InputError, match="is not empty and is not a MIC set"):
        build("coco", tmp_path / "root", tmp_path / "out")
    with pytest.raises(InputError, match="own folder"):
        build("coco", tmp_path / "root", tmp_path / "root" / "out")


@pytest.mark.parametrize(("text", "expected"), [("0..5", (0, 5)), ("3", (3, 3)), (" 0..0 ", (0, 0))])
def test_numbers_of_demonstrations(text: str, expected: tuple[int, int]) -> None:
    assert bounds(text) == expected


@pytest.mark.parametrize("text", ["", "5..0", "a", "0-5", "-1", "..5", "1..2..3"])
def test_numbers_of_demonstrations_that_are_invalid(text: str) -> None:
    with pytest.raises(InputError, match="write it like"):
        bounds(text)


def test_sets_published_without_demonstrations_get_none(tmp_path: Path) -> None:
    vcr(tmp_path / "root")
    with pytest.raises(InputError, match="without demonstrations"):
        build("vcr", tmp_path / "root", tmp_path / "out", shots=(0, 2))


def test_choices_among_pictures_are_not_cut(tmp_path: Path) -> None:
    iconqa(tmp_path / "root")
    build("iconqa", tmp_path / "root", tmp_path / "out", max_pictures=4)
    for example in train(tmp_path / "out"):
        assert len(example.images) == (3 if "choose_img" in example.id else 1)


@pytest.mark.processes
@pytest.mark.slow
def test_a_killed_build_gives_the_same_bytes(tmp_path: Path) -> None:
    coco_of(tmp_path / "root", 60)
    build("coco", tmp_path / "root", tmp_path / "whole")
    rng, kills, sets = random.Random(0), 0, 0
    while kills < KILLS:
        out, finished = tmp_path / f"killed{sets}", False
        while not finished:
            child = FORKS.Process(target=build, args=("coco", tmp_path / "root", out), kwargs={"workers": 1})
            child.start()
            finished = wait_or_kill(child, out, rng)
            kills += not finished
        assert content(out) == content(tmp_path / "whole")
        assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}
        sets += 1


def wait_or_kill(child: BaseProcess, out: Path, rng: random.Random) -> bool:
    """Kill the child once it has added some files to the folder, or let it finish; tell whether it finished."""
    enough = files(out) + rng.randrange(1, 100)
    while child.is_alive():
        if files(out) >= enough:
            child.kill()
            child.join()
            return False
        time.sleep(0.001)
    assert child.exitcode == 0
    return True


def files(out: Path) -> int:
    """Measure the progress of a build: one for a picture, twenty for a shard, a joined file or the manifest."""
    total = 0
    for folder, weight in {out / "pictures": 1, out / ".work": 20, out: 20}.items():
        with suppress(FileNotFoundError):  # not made yet, or removed at the end
            total += weight * len(list(folder.iterdir()))
    return total


@pytest.mark.processes
@pytest.mark.slow
def test_worker_processes_give_the_same_bytes(tmp_path: Path) -> None:
    coco_of(tmp_path / "root", 60)
    build("coco", tmp_path / "root", tmp_path / "one")
    progress = []
    build("coco", tmp_path / "root", tmp_path / "two", workers=2, progress=lambda n, total: progress.append((n, total)))
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert progress[0] == (0, 600)
    assert progress[-1] == (600, 600)


def coco_of(root: Path, images: int) -> None:
    """Enough rows for several shards; the pictures of val are those of train."""
    coco(root)
    for split in ("train", "val"):
        (root / f"{split}2017").mkdir(exist_ok=True)
        for k in range(images):
            picture(root / f"{split}2017" / f"{k:012}.jpg", k)
        entries = [{"file_name": f"{k:012}.jpg", "height": 30, "width": 40, "id": k} for k in range(images)]
        first = 0 if split == "train" else 10_000
        captions = [
            {"image_id": k, "id": first + k * 5 + c, "caption": f"Caption {c} of {k}."}
            for k in range(images)
            for c in range(5)
        ]
        path = root / "annotations" / f"captions_{split}2017.json"
        path.write_text(json.dumps({"info": {}, "licenses": [], "images": entries, "annotations": captions}))


def test_the_command_line(tmp_path: Path) -> None:
    coco(tmp_path / "root")
    folders = ["--root", str(tmp_path / "root"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, ["mic", "build", "--source", "coco", *folders, "--limit", "5", "--shots", "0..1"])
    assert result.exit_code == 0, result.output
    assert "train.jsonl: 5 examples" in result.output
    assert all(len(example.shots) <= 1 for example in train(tmp_path / "out"))
    result = CliRunner().invoke(main, ["mic", "build", "--source", "imagenet", *folders])
    assert result.exit_code == 2
    assert "unknown source 'imagenet' (did you mean 'miniimagenet'?); choose from vqav2" in result.output
    result = CliRunner().invoke(main, ["mic", "sources"])
    assert result.exit_code == 0
    assert "train 70,000" in result.output


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from mmeval.cli import main\n"
        "for verb in (['mic'], ['mic', 'build'], ['mic', 'sources']):\n"
        "    assert CliRunner().invoke(main, [*verb, '--help']).exit_code == 0, verb\n"
        "heavy = {'torch', 'transformers', 'pandas', 'yaml', 'numpy', 'pyarrow'} & set(sys.modules)\n"
        "print(*heavy)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []
