"""YAML files: plain values, and one sentence with file and line for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmeval.types import InputError
from mmeval.yaml_file import parse, read

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


def test_plain_values_are_read_and_dates_stay_text() -> None:
    text = "a: 2023-09-17\nb: [1, 2.5, true, null, x]\nc: &c {d: 1}\ne: {<<: *c, f: 2}\ng: *c\n"
    values = parse(text, "f.yaml")
    assert values == {
        "a": "2023-09-17",
        "b": [1, 2.5, True, None, "x"],
        "c": {"d": 1},
        "e": {"d": 1, "f": 2},
        "g": {"d": 1},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml, line 3: the key 'a' is given twice"),
        ("a: {b: 1,\n  b: 2}\n", "f.yaml, line 2: the key 'b' is given twice"),
        ("a: 1\nb: [\n", "f.yaml, line 3: not YAML"),
        ("a: 1\nb: *c\n", "f.yaml, line 2: not YAML (found undefined alias 'c')"),
        ("a: 1\nb: *.tsv\n", "but found '.'); write a text that begins with * in quotes"),
        ("a: 1\nb: \x07\n", "f.yaml, line 2: not YAML"),
        ("a: 1\nb: !!int x\n", "f.yaml, line 2: not YAML"),
        ("a: 1\n---\nb: 2\n", "f.yaml, line 2: not YAML"),
        ('a: "\\ud800"\n', "f.yaml, line 1: not YAML"),
        ("a: !!timestamp 2023-09-17\n", "f.yaml, line 1: the tag tag:yaml.org,2002:timestamp is not allowed"),
        ("a: !!set {b, c}\n", "the tag tag:yaml.org,2002:set is not allowed"),
        (BOMB, "more than 100,000 values with aliases expanded"),
        ("a: &a [*a]\n", "more than 100,000 values with aliases expanded"),
        ("- " * 3000, "f.yaml, line 1: not YAML (nested too deeply)"),
        ('a: 1\nb: "x\\0y"\n', "f.yaml, line 2: a text with a NUL character (\\0); remove it"),
        ("", "f.yaml: must be keys and values"),
        ("[1, 2]", "f.yaml: must be keys and values"),
    ],
)
def test_what_is_wrong_is_a_sentence_with_the_line(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(text, "f.yaml")
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read"):
        read(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    with pytest.raises(InputError, match=r"latin\.yaml: not UTF-8"):
        read(tmp_path / "latin.yaml")
