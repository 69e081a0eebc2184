"""The formats that the OpenVLM leaderboard accepted from others: a zip of prediction tables, and an entry as JSON."""

import io
import json
import zipfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mmeval import regular
from mmeval.files import write_bytes, write_json
from mmeval.reporting.leaderboards import mmbench
from mmeval.reporting.leaderboards.findings import Finding, problem, warning
from mmeval.runs.run import Run
from mmeval.types import InputError

META = ("Method", "Parameters", "Language Model", "Vision Model", "Org", "Time", "Verified", "OpenSource")
"""The leaderboard's fields about a model (VLMEvalKit issue 288); most are known only to the model's authors."""

STEPS = """What to do with it today (checked 2026-08):
- Fill in the empty fields under META in entry.json; Method has the model's name and its page.
- For open models the leaderboard takes a pull request to open-compass/VLMEvalKit that adds the model; its team then
  evaluates the model (according to the leaderboard's page).
- In 2024 results measured elsewhere were accepted as a zip in an issue there (355), after validation: offer the zip."""


def write(run: Run, folder: Path) -> list[Path]:
    """Write `predictions.zip` with the run's table and `entry.json` with its scores; return both. Raises InputError."""
    entry = _entry(run)
    with TemporaryDirectory() as temporary:
        (table,) = mmbench.write(run, Path(temporary))
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(table, table.name)
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / "predictions.zip", content.getvalue())
    write_json(folder / "entry.json", entry)
    return [folder / "predictions.zip", folder / "entry.json"]


def check(path: Path) -> list[Finding]:
    """Return the findings for a zip, whose tables are each checked, or for an entry."""
    if path.suffix.lower() == ".json":
        return _check_entry(path)
    if path.suffix.lower() != ".zip":
        return mmbench.check(path)
    try:
        with zipfile.ZipFile(path) as archive, TemporaryDirectory() as temporary:
            tables = [item for item in archive.infolist() if _is_table(item.filename)]
            if not tables:
                return [problem(f"{path}: no table in it; it must hold MODEL_DATASET.xlsx")]
            findings: list[Finding] = []
            for number, item in enumerate(tables):
                if item.file_size > mmbench.LARGEST:
                    findings.append(problem(f"{path}, {item.filename}: unpacks to {item.file_size:,} bytes"))
                    continue
                copy = Path(temporary) / f"{number}{Path(item.filename).suffix}"  # not a name from the zip
                copy.write_bytes(regular.unpacked(archive, item))
                name = f"{path}, {item.filename}"
                findings += [Finding(f.level, f.sentence.replace(str(copy), name)) for f in mmbench.check(copy)]
            return findings
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        return [problem(f"{path}: not a readable zip ({error}); make it again")]


def _is_table(name: str) -> bool:
    """Tell whether it is a table, and not a metadata file that macOS adds to zips."""
    return name.lower().endswith((".xlsx", ".tsv", ".csv")) and not name.startswith("__MACOSX/")


def _entry(run: Run) -> dict[str, Any]:
    """Return the scores in percent with one decimal, as the leaderboard shows them."""
    model = run.spec.model
    metrics = run.results.metrics
    if "circular" not in metrics or metrics["circular"].value is None:
        reason = metrics["circular"].reason if "circular" in metrics else "score the run again"
        raise InputError(f"{run.folder}: no score ({reason}), so there is no entry to write; use --to mmbench")
    overall = {"Overall": metrics["circular"].value}
    values = overall | {key: metric.value for key, metric in metrics.items() if "/" not in key and key not in _WAYS}
    scores = {key: round(value, 1) for key, value in values.items() if value is not None}
    meta: dict[str, Any] = dict.fromkeys(META, "") | {"Method": [model, ""]}
    return {model: {"META": meta, mmbench.data_set(run): scores}}


_WAYS = ("circular", "vanilla", "vanilla_all")


class _Entry(BaseModel):
    """A model's part of an entry: META, and the scores by data set."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, dict[str, Any]]
    META: dict[str, Any]


_ENTRIES = TypeAdapter(dict[str, _Entry])


def _check_entry(path: Path) -> list[Finding]:
    try:
        value = _ENTRIES.validate_python(json.loads(regular.read_text(path)), strict=True)
    except ValidationError:
        return [problem(f"{path}: not an object of models, each with META; see VLMEvalKit issue 288")]
    except (OSError, ValueError, RecursionError) as error:
        return [problem(f"{path}: cannot be read as JSON ({error}); write it again")]
    if not value:
        return [problem(f"{path}: no model in it; write an entry with META and scores")]
    findings = []
    for model, entry in value.items():
        meta = {name: entry.META.get(name) for name in META}
        empty = [name for name, fact in meta.items() if fact in (None, "") or (isinstance(fact, list) and "" in fact)]
        if empty:
            findings.append(warning(f"{path}: {model} has nothing for {', '.join(empty)}; fill these in"))
        if not entry.model_extra:
            findings.append(problem(f"{path}: {model} has no scores; add a data set's"))
        for data, scores in (entry.model_extra or {}).items():
            if not mmbench.is_ours(data):
                continue  # other benchmarks have other scales: MME's goes up to 2800
            if "Overall" not in scores:
                findings.append(problem(f"{path}: {model} has no Overall on {data}; add it"))
            for name, score in scores.items():
                if type(score) not in (int, float) or not 0 <= score <= 100:
                    findings.append(problem(f"{path}: {name} of {model} on {data} is {score}, not 0 to 100"))
    return findings
