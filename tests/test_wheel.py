"""The wheel holds everything that runs need and no tests, and works outside the checkout."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UNNEEDED = shutil.ignore_patterns(".*", "work", "build", "*.egg-info", "recordings", "__pycache__", "shared")


def can_build() -> bool:
    """Whether setuptools is here and makes wheels by itself, as it does since 70.1."""
    if importlib.util.find_spec("setuptools") is None:
        return False
    major, minor = metadata.version("setuptools").split(".")[:2]
    return (int(major), int(minor)) >= (70, 1)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not can_build():
        pytest.skip("this environment has no setuptools of 70.1 or later to build a wheel with")
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=UNNEEDED)
    build = ["wheel", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", ".", "./source"]
    subprocess.run([sys.executable, "-m", "pip", *build], cwd=folder, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.slow
def test_a_wheel_holds_every_file_of_the_packages_and_no_tests(unpacked: Path) -> None:
    rooms = {"mmeval": ROOT / "mmeval", "mmeval/tasks": ROOT / "tasks"}
    rooms["mmeval/reporting/reference"] = ROOT / "reports" / "reference"
    expected = {
        f"{room}/{path.relative_to(folder)}"
        for room, folder in rooms.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } - {"mmeval/reporting/reference/README.md"}
    packed = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert {name for name in packed if not name.startswith("mmeval_harness-")} == expected


@pytest.mark.slow
def test_a_wheel_works_away_from_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import sys, mmeval; from mmeval.cli import main\n"
        f"assert mmeval.__file__.startswith({str(unpacked)!r}), mmeval.__file__\n"
        "main(['run', '--task', 'mme', '--model', 'constant', '--limit', '2'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "reports" / "mme-constant-embedded-limit2" / "report.html").exists()
