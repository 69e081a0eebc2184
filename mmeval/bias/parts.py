"""Results from several runs of the same questions: gain, leakage, rotations, lengths, blind solving, prompts."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from mmeval import controls
from mmeval.bias import shares
from mmeval.bias.asked import accuracy, answered, are_right, gain_on, matched, mean_of, unit
from mmeval.runs.scored import Scored
from mmeval.scoring.statistics import estimate, paired

Measures = dict[str, Any]
"""What a study measured, as in `bias.json`."""


def mmstar(pairs: Mapping[str, tuple[Scored, Scored]]) -> Measures | None:
    """Return MMStar's multi-modal gain S_v - S_wv and leakage max(0, S_wv - S_t) in accuracy (arXiv 2403.20330)."""
    if "absent" not in pairs:
        return None
    main, without = pairs["absent"]
    results: Measures = {"gain": asdict(paired(accuracy(main), accuracy(without)))}
    if controls.TEXT in pairs:
        blind, text_only = matched(without, pairs[controls.TEXT][1])
        leak = paired(accuracy(blind), accuracy(text_only))
        if leak.value is not None:  # the two may have no question in common, or answers that are errors
            results["leakage"] = {**asdict(leak), "value": max(0.0, leak.value), "difference": leak.value}
    return results


def rotation(main: Scored, others: Mapping[str, Scored]) -> Measures | None:
    """Return the accuracy if a question must be correct under every rotation of its options that was asked.

    A question that failed in one of these runs is left out.
    """
    turned = {name: others[name] for name in controls.FAMILIES["rotate"] if name in others}
    failed = {id for scored in (main, *turned.values()) for id in scored.by_id.keys() - answered(scored).by_id.keys()}
    any_turn = main.of({id for scored in turned.values() for id in scored.by_id} - failed)
    right = [are_right(scored) for scored in turned.values()]
    seen = are_right(any_turn)
    if not seen:
        return None
    all_right = {id: float(value and all(by_id.get(id, True) for by_id in right)) for id, value in seen.items()}
    as_asked, in_all_turns = accuracy(any_turn), mean_of(any_turn, lambda record, score: all_right.get(record.id))
    return {
        "turns": list(turned),
        "as_asked": asdict(estimate(as_asked)),
        "all_turns": asdict(estimate(in_all_turns)),
        "taken_away": asdict(paired(as_asked, in_all_turns)),
        "letters": {name: shares.histogram(answered(scored)) for name, scored in turned.items()},
    }


def length(others: Mapping[str, Scored]) -> list[Measures]:
    """Return the gain, accuracy with the picture minus without, at each length of a distracting passage.

    `lost` is how much smaller it is than the first gain, paired over the questions of both.
    """
    lengths: list[Measures] = []
    first: tuple[Scored, Scored] | None = None
    for tokens in (0, *controls.LENGTHS):
        names = (f"distract-{tokens}-before", f"distract-{tokens}-before+absent") if tokens else ("", "absent")
        if not all(name in others for name in names):
            continue
        main, blind = matched(*(others[name] for name in names))
        if are_right(main):
            input_tokens = sum(record.input_tokens for record in main.records) / len(main.records)
            gain = asdict(paired(accuracy(main), accuracy(blind)))
            seen, unseen = asdict(estimate(accuracy(main))), asdict(estimate(accuracy(blind)))
            lengths.append(
                {"passage": tokens, "input_tokens": input_tokens, "gain": gain, "seen": seen, "unseen": unseen}
            )
            if first is None:
                first = main, blind
            elif both := first[0].by_id.keys() & main.by_id.keys():
                lengths[-1]["lost"] = asdict(paired(gain_on(*first, both), gain_on(main, blind, both)))
    return lengths if len(lengths) > 1 else []


def solvable(main: Scored, blind: Mapping[str, Scored], needs_picture: Collection[str] | None) -> Measures | None:
    """Return the blind controls that solve each question, and the accuracy on solved and unsolved questions.

    A question asked in several ways (a pair, rotations) is solved under a control if all of them are correct.
    """
    if not blind and needs_picture is None:
        return None
    solved_under: dict[str, dict[str, bool]] = {}
    units: dict[str, list[str]] = {}
    for record in main.records:
        units.setdefault(unit(record), []).append(record.id)
    for control, scored in blind.items():
        right = are_right(scored)
        for name, ids in units.items():
            if all(id in right for id in ids):
                solved_under.setdefault(name, {})[control] = all(right[id] for id in ids)
    not_needed = {name: 2 * sum(solved.values()) > len(solved) for name, solved in solved_under.items()}
    if needs_picture is not None:
        not_needed = {name: not any(id in needs_picture for id in ids) for name, ids in units.items()}
    if not not_needed:
        return None
    parts = {
        part: {id for name, flag in not_needed.items() if flag is is_not_needed for id in units[name]}
        for part, is_not_needed in (("not_needed", True), ("needed", False))
    }
    flags: dict[str, dict[str, Any]] = {}
    for name, ids in units.items():
        solved = solved_under.get(name, {})
        by = [control for control, is_solved in solved.items() if is_solved]
        flags |= {id: {"by": by, "of": len(solved)} for id in ids}
    rule = f"correct under '{next(iter(blind))}'" if len(blind) == 1 else f"correct under most of {len(blind)} controls"
    results: Measures = {
        "controls": list(blind),
        "rule": rule if needs_picture is None else "given",
        "flags": flags,
        "ids": sorted(parts["needed"]),
    }
    for part, ids_of_part in parts.items():
        scored = main.of(ids_of_part)
        number = sum(flag is (part == "not_needed") for flag in not_needed.values())
        results[part] = {"n": len(scored.records), "units": number}
        results[part]["seen"] = asdict(estimate(accuracy(scored))) if scored.records else None
        if "absent" in blind and scored.records:
            seen, unseen = matched(scored, blind["absent"])
            if seen.records:
                results[part] |= {
                    "unseen": asdict(estimate(accuracy(unseen))),
                    "gain": asdict(paired(accuracy(seen), accuracy(unseen))),
                }
    accuracies = (results[part]["seen"] for part in ("not_needed", "needed"))
    values = [result["value"] for result in accuracies if result and result["value"] is not None]
    if len(values) == 2:
        results["gap"] = values[0] - values[1]
    return results


def prompts(main: Scored, others: Mapping[str, Scored], prompt: str) -> Measures | None:
    """Return the accuracy with each prompt, the mean, and the worst, on the questions answered with all of them.

    The result is None if fewer than two prompts have an accuracy.
    """
    by_prompt = {prompt: main} | {
        name.removeprefix(controls.PROMPT): scored
        for name, scored in others.items()
        if name.startswith(controls.PROMPT)
    }
    common = set.intersection(*(set(answered(scored).by_id) for scored in by_prompt.values()))
    each = {name: asdict(estimate(accuracy(scored.of(common)))) for name, scored in by_prompt.items()}
    values = {name: result["value"] for name, result in each.items() if result["value"] is not None}
    if len(values) < 2:
        return None
    worst = min(values, key=lambda name: values[name])
    return {"each": each, "mean": sum(values.values()) / len(values), "worst": worst, "least": values[worst]}
