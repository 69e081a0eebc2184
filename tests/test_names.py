"""One name, one meaning: no two classes of the installed package have the same name."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_no_two_classes_have_one_name() -> None:
    files = [*(ROOT / "mmeval").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    names = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []
