"""A description of a run: its facts, and the command that repeats it."""

import dataclasses
import shlex
from collections.abc import Mapping
from typing import Any

from mmeval.provenance import versions
from mmeval.runs.run import Run
from mmeval.runs.schema import to_json
from mmeval.spec import RunSpec, options


def facts(run: Run) -> dict[str, str]:
    """Return the main facts of a run, name -> value, in display order."""
    identity, sessions, spec = run.identity, run.sessions, run.spec
    dates = list(dict.fromkeys(s.started.date().isoformat() for s in sessions if s.started is not None))
    revision = identity.get("model_revision") or identity.get("model_args", "")
    compared = spec.scoring != "text" or any(record.loglikelihoods is not None for record in run.records)
    scoring = f"{spec.scoring.replace('text', 'likelihood')} of the candidates" if compared else "generated text"
    entries = {
        "Date": f"{dates[0]} to {dates[-1]}" if len(dates) > 1 else "".join(dates),
        "Answered": run.answered,
        "Model": ", ".join(filter(None, (spec.model, str(revision), spec.dtype))),
        "Checkpoint": _short(identity.get("checkpoint")),
        "Data": str(spec.data or ""),
        "Data digest": _short(run.header.data_digest),
        "Questions digest": _short(identity.get("questions")),
        "Prompt": str(spec.prompt or ""),
        "Context": str(spec.context or ""),
        "Demonstrations": f"{spec.shots}, seed {spec.seed}" if spec.shots else "",
        "Frames": f"{spec.frames} per video, {spec.sampler}" if spec.frames else "",
        "Scoring": scoring,
        "Reading": str(spec.reading or ""),
        "Generation": "" if compared else _generation(spec),
        "Versions": "; ".join(versions(sessions)),
        "Commit": ", ".join(dict.fromkeys(s.commit for s in sessions if s.commit)),
        "Machine": ", ".join(dict.fromkeys(s.machine for s in sessions if s.machine)),
        "Device": ", ".join(dict.fromkeys(s.device for s in sessions if s.device)),
    }
    return {name: value for name, value in entries.items() if value}


def _generation(spec: RunSpec) -> str:
    """Return how answers were generated."""
    how = f"temperature {spec.temperature:g}" if spec.temperature else "greedy"
    parts = [f"at most {spec.max_new_tokens} new tokens", f"{spec.beams} beams" if spec.beams > 1 else how]
    return ", ".join([*parts, f"{spec.samples} samples"] if spec.samples > 1 else parts)


def exported(run: Run) -> dict[str, Any]:
    """Return what other programs' formats have no place for, as JSON values: marks, counts, remarks, identity."""
    results = run.results
    return {
        "marks": run.marks,
        "answered": run.samples_answered,
        "planned": run.samples_planned,
        "counts": to_json(results.counts),
        "remarks": results.remarks,
        "command": command(run.spec, run.identity),
        "identity": run.identity,
    }


def started(run: Run) -> float | None:
    """Return the run's start as Unix time, if it is known."""
    first = run.sessions[0].started if run.sessions else None
    return None if first is None else first.timestamp()


def command(spec: RunSpec, identity: Mapping[str, object]) -> str:
    """Return the command that repeats a run, with every identifying setting that differs from the default."""
    words = ["mmeval", "run"]
    known, card = options(), identity.get("card")
    for option in dataclasses.fields(spec):
        value = getattr(spec, option.name)
        left_out = value in (None, option.default) and option.name not in ("task", "model", "data")
        if left_out or option.name not in identity or not known[option.name].identifies:
            continue
        if option.name == "task" and isinstance(card, Mapping) and "fields" in card:
            value = f"{value}.yaml"  # a run knows the card's name, not its folder
        flag = f"--{option.name.replace('_', '-')}"
        words += [flag] if value is True else [flag, shlex.quote(str(value))]
    return " ".join(words)


def _short(digest: object) -> str:
    """Return the first 16 hex digits of a digest."""
    return str(digest)[:16] if digest else ""
