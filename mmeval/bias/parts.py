"""Results from several runs of the same questions: gain, leakage, rotations, lengths, blind solving, prompts."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from mmeval import controls as known
from mmeval.bias import shares
from mmeval.bias.asked import accuracy, answered, are_right, gain_on, matched, mean_of, unit
from mmeval.runs.scored import Scored
from mmeval.scoring.statistics import estimate, paired

Found = dict[str, Any]


def mmstar(pairs: Mapping[str, tuple[Scored, Scored]]) -> Found | None:
    """Return MMStar's multi-modal gain S_v - S_wv and leakage max(0, S_wv - S_t) in accuracy (arXiv 2403.20330)."""
    if "absent" not in pairs:
        return None
    main, without = pairs["absent"]
    found: Found = {"gain": asdict(paired(accuracy(main), accuracy(without)))}
    if known.TEXT in pairs:
        ours, theirs = matched(without, pairs[known.TEXT][1])
        leak = paired(accuracy(ours), accuracy(theirs))
        if leak.value is not None:  # the two may have no question in common, or answers that are errors
            found["leakage"] = {**asdict(leak), "value": max(0.0, leak.value), "difference": leak.value}
    return found


def rotation(main: Scored, others: Mapping[str, Scored]) -> Found | None:
    """Return the accuracy if a question must be correct under every rotation of its options that was asked.

    A question that failed in one of these runs is left out.
    """
    turned = {name: others[name] for name in known.FAMILIES["rotate"] if name in others}
    failed = {id for own in (main, *turned.values()) for id in own.by_id.keys() - answered(own).by_id.keys()}
    any_turn = main.of({id for own in turned.values() for id in own.by_id} - failed)
    right = [are_right(own) for own in turned.values()]
    seen = are_right(any_turn)
    if not seen:
        return None
    all_right = {id: float(value and all(own.get(id, True) for own in right)) for id, value in seen.items()}
    as_asked, left = accuracy(any_turn), mean_of(any_turn, lambda record, score: all_right.get(record.id))
    return {
        "turns": list(turned),
        "as_asked": asdict(estimate(as_asked)),
        "all_turns": asdict(estimate(left)),
        "taken_away": asdict(paired(as_asked, left)),
        "letters": {name: shares.histogram(answered(own)) for name, own in turned.items()},
    }


def length(others: Mapping[str, Scored]) -> list[Found]:
    """Return the gain, accuracy with the picture minus without, at each length of a distracting passage.

    `lost` is how much smaller it is than the first gain, paired over the questions of both.
    """
    found: list[Found] = []
    first: tuple[Scored, Scored] | None = None
    for length in (0, *known.LENGTHS):
        names = (f"distract-{length}-before", f"distract-{length}-before+absent") if length else ("", "absent")
        if not all(name in others for name in names):
            continue
        main, blind = matched(*(others[name] for name in names))
        if are_right(main):
            tokens = sum(record.input_tokens for record in main.records) / len(main.records)
            gain = asdict(paired(accuracy(main), accuracy(blind)))
            seen, unseen = asdict(estimate(accuracy(main))), asdict(estimate(accuracy(blind)))
            found.append({"passage": length, "input_tokens": tokens, "gain": gain, "seen": seen, "unseen": unseen})
            if first is None:
                first = main, blind
            elif both := first[0].by_id.keys() & main.by_id.keys():
                found[-1]["lost"] = asdict(paired(gain_on(*first, both), gain_on(main, blind, both)))
    return found if len(found) > 1 else []


def solvable(main: Scored, blind: Mapping[str, Scored], needs_picture: Collection[str] | None) -> Found | None:
    """Return the blind controls that solve each question, and the accuracy on solved and unsolved questions.

    A question asked in several ways (a pair, rotations) is solved under a control if all of them are correct.
    """
    if not blind and needs_picture is None:
        return None
    under: dict[str, dict[str, bool]] = {}
    units: dict[str, list[str]] = {}
    for record in main.records:
        units.setdefault(unit(record), []).append(record.id)
    for name, own in blind.items():
        right = are_right(own)
        for one, ids in units.items():
            if all(id in right for id in ids):
                under.setdefault(one, {})[name] = all(right[id] for id in ids)
    flags = {one: 2 * sum(solved.values()) > len(solved) for one, solved in under.items()}
    if needs_picture is not None:
        flags = {one: not any(id in needs_picture for id in ids) for one, ids in units.items()}
    if not flags:
        return None
    parts = {
        name: {id for one, flag in flags.items() if flag is wanted for id in units[one]}
        for name, wanted in (("not_needed", True), ("needed", False))
    }
    rule = f"correct under '{next(iter(blind))}'" if len(blind) == 1 else f"correct under most of {len(blind)} controls"
    found: Found = {
        "controls": list(blind),
        "rule": rule if needs_picture is None else "given",
        "flags": {
            id: {"by": [name for name, solved in under.get(one, {}).items() if solved], "of": len(under.get(one, {}))}
            for one, ids in units.items()
            for id in ids
        },
        "ids": sorted(parts["needed"]),
    }
    for name, chosen in parts.items():
        own = main.of(chosen)
        found[name] = {"n": len(own.records), "units": sum(flag is (name == "not_needed") for flag in flags.values())}
        found[name]["seen"] = asdict(estimate(accuracy(own))) if own.records else None
        if "absent" in blind and own.records:
            seen, unseen = matched(own, blind["absent"])
            if seen.records:
                found[name] |= {
                    "unseen": asdict(estimate(accuracy(unseen))),
                    "gain": asdict(paired(accuracy(seen), accuracy(unseen))),
                }
    seen_parts = [found[name]["seen"] for name in ("not_needed", "needed")]
    if all(one and one["value"] is not None for one in seen_parts):
        found["gap"] = seen_parts[0]["value"] - seen_parts[1]["value"]
    return found


def prompts(main: Scored, others: Mapping[str, Scored], own: str) -> Found | None:
    """Return the accuracy with each prompt, the mean, and the worst, on the questions answered with all of them.

    The result is None if fewer than two prompts have an accuracy.
    """
    asked = {own: main} | {
        name.removeprefix(known.PROMPT): one for name, one in others.items() if name.startswith(known.PROMPT)
    }
    common = set.intersection(*(set(answered(one).by_id) for one in asked.values()))
    each = {name: asdict(estimate(accuracy(one.of(common)))) for name, one in asked.items()}
    values = {name: one["value"] for name, one in each.items() if one["value"] is not None}
    if len(values) < 2:
        return None
    worst = min(values, key=lambda name: values[name])
    return {"each": each, "mean": sum(values.values()) / len(values), "worst": worst, "least": values[worst]}
