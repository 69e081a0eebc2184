"""Results from several runs of the same questions: gain, leakage, rotations, lengths, blind solving, prompts."""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

from mmeval import controls
from mmeval.bias import shares
from mmeval.bias.asked import accuracy, answered, are_right, gain_on, matched, mean_of, unit
from mmeval.runs.scored import Scored
from mmeval.runs.study import BlindSolvable, ByPrompt, Leakage, Length, MMStar, Rotation, SolvedBy, Subset
from mmeval.scoring.statistics import estimate, paired


def mmstar(pairs: Mapping[str, tuple[Scored, Scored]]) -> MMStar | None:
    """Return MMStar's multi-modal gain S_v - S_wv and leakage max(0, S_wv - S_t) in accuracy (arXiv 2403.20330)."""
    if "absent" not in pairs:
        return None
    main, without = pairs["absent"]
    leakage = None
    if controls.TEXT in pairs:
        blind, text_only = matched(without, pairs[controls.TEXT][1])
        leak = paired(accuracy(blind), accuracy(text_only))
        if leak.value is not None:  # the two may have no question in common, or answers that are errors
            leakage = Leakage(**{**vars(leak), "value": max(0.0, leak.value)}, difference=leak.value)
    return MMStar(paired(accuracy(main), accuracy(without)), leakage)


def rotation(main: Scored, others: Mapping[str, Scored]) -> Rotation | None:
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
    return Rotation(
        turns=list(turned),
        as_asked=estimate(as_asked),
        all_turns=estimate(in_all_turns),
        taken_away=paired(as_asked, in_all_turns),
        letters={name: shares.histogram(answered(scored)) for name, scored in turned.items()},
    )


def length(others: Mapping[str, Scored]) -> list[Length]:
    """Return the gain, accuracy with the picture minus without, at each length of a distracting passage.

    `lost` is how much smaller it is than the first gain, paired over the questions of both.
    """
    lengths: list[Length] = []
    first: tuple[Scored, Scored] | None = None
    for tokens in (0, *controls.LENGTHS):
        names = (f"distract-{tokens}-before", f"distract-{tokens}-before+absent") if tokens else ("", "absent")
        if not all(name in others for name in names):
            continue
        main, blind = matched(*(others[name] for name in names))
        if are_right(main):
            input_tokens = sum(record.input_tokens for record in main.records) / len(main.records)
            gain, seen, unseen = paired(accuracy(main), accuracy(blind)), accuracy(main), accuracy(blind)
            lost = None
            if first is None:
                first = main, blind
            elif both := first[0].by_id.keys() & main.by_id.keys():
                lost = paired(gain_on(*first, both), gain_on(main, blind, both))
            lengths.append(Length(tokens, input_tokens, gain, estimate(seen), estimate(unseen), lost))
    return lengths if len(lengths) > 1 else []


def solvable(main: Scored, blind: Mapping[str, Scored], needs_picture: Collection[str] | None) -> BlindSolvable | None:
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
    flags: dict[str, SolvedBy] = {}
    for name, ids in units.items():
        solved = solved_under.get(name, {})
        solved_by = SolvedBy([control for control, is_solved in solved.items() if is_solved], len(solved))
        flags |= dict.fromkeys(ids, solved_by)
    rule = f"correct under '{next(iter(blind))}'" if len(blind) == 1 else f"correct under most of {len(blind)} controls"
    names_of_both = [[name for name, flag in not_needed.items() if flag is wanted] for wanted in (True, False)]
    both = [
        _subset(main.of({id for name in names for id in units[name]}), len(names), blind.get("absent"))
        for names in names_of_both
    ]
    values = [subset.seen.value for subset in both if subset.seen and subset.seen.value is not None]
    return BlindSolvable(
        controls=list(blind),
        rule=rule if needs_picture is None else "given",
        flags=flags,
        ids=sorted(id for name in names_of_both[1] for id in units[name]),
        not_needed=both[0],
        needed=both[1],
        gap=values[0] - values[1] if len(values) == 2 else None,
    )


def _subset(scored: Scored, units: int, absent: Scored | None) -> Subset:
    """Return the accuracy on some questions, and if the picture was removed from them, what that takes away."""
    subset = Subset(len(scored.records), units, estimate(accuracy(scored)) if scored.records else None)
    if absent is None or not scored.records:
        return subset
    seen, unseen = matched(scored, absent)
    if not seen.records:
        return subset
    return replace(subset, unseen=estimate(accuracy(unseen)), gain=paired(accuracy(seen), accuracy(unseen)))


def prompts(main: Scored, others: Mapping[str, Scored], prompt: str) -> ByPrompt | None:
    """Return the accuracy with each prompt, the mean, and the worst, on the questions answered with all of them.

    The result is None if fewer than two prompts have an accuracy.
    """
    by_prompt = {prompt: main} | {
        name.removeprefix(controls.PROMPT): scored
        for name, scored in others.items()
        if name.startswith(controls.PROMPT)
    }
    common = set.intersection(*(set(answered(scored).by_id) for scored in by_prompt.values()))
    each = {name: estimate(accuracy(scored.of(common))) for name, scored in by_prompt.items()}
    values = {name: result.value for name, result in each.items() if result.value is not None}
    if len(values) < 2:
        return None
    worst = min(values, key=lambda name: values[name])
    return ByPrompt(each, math.fsum(values.values()) / len(values), worst, values[worst])
