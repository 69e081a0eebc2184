"""The list of benchmarks: a line each, under the headings of the README's table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmeval.cards.facts import facts
from mmeval.tasks import HEADINGS, LEFT_OUT, TASKS
from tests.tasks.small_folders import call

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_list_has_a_line_for_each_benchmark_that_fits() -> None:
    lines = call("tasks", width=100).output.splitlines()
    listed = [line[2:].split()[0] for line in lines if line[:2] in ("* ", "  ")]
    assert sorted(set(listed) & set(TASKS)) == sorted(TASKS) and len(listed) <= len(TASKS) + 2 * len(LEFT_OUT)
    assert max(len(line) for line in lines if line[2:].split()[:1] and line[2:].split()[0] in TASKS) <= 100
    assert not any(line.endswith(" ") for line in call("tasks", width=10_000).output.splitlines())
    assert [line for line in lines if line in HEADINGS] == list(HEADINGS)


def test_the_readme_lists_the_same_benchmarks_under_the_same_headings() -> None:
    table = README.partition("## Benchmarks\n")[2].partition("\n\n")[0].replace("\\", "")
    rows = dict(line.strip("| ").split(" | ") for line in table.splitlines()[2:])
    assert list(rows) == list(HEADINGS)
    for heading, text in rows.items():
        names = re.split(r"[,;] ", re.sub(r" \([^)]*\)| with image demonstrations", "", text))
        titles = [facts(name)["title"] for name in TASKS if facts(name)["heading"] == heading]
        assert all(any(title.startswith(name) for title in titles) for name in names), heading
        assert all(any(title.startswith(name) for name in names) for title in titles), heading
    assert f"**{len(TASKS)} benchmarks.**" in README


@pytest.mark.parametrize("name", TASKS)
def test_every_benchmark_has_a_heading(name: str) -> None:
    assert facts(name)["heading"] in HEADINGS


def test_no_card_sends_to_the_organization_that_lmms_evals_tables_have_left() -> None:
    # lmms-lab's tables are at lmms-lab-encoder and lmms-eval since July 2026 (EvolvingLMMs-Lab/lmms-eval#1416)
    assert not [name for name in TASKS if "lmms-lab/" in str(facts(name))]
