"""Controls: take something away from the model to see what it uses. A run under a control is an ordinary run.

A control changes the rendered request, or shows another question's pictures. Tasks and models know nothing about it. A
control is pure and seeded: it changes the same question in the same way every time. If it cannot act on a question, it
gives the reason, and the question is not asked.
"""

import re
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmeval.controls import demonstrations, pictures, several, words
from mmeval.controls.case import Act, Case, Changed, Inapplicable
from mmeval.controls.words import LENGTHS
from mmeval.types import Image, InputError, Request, Sample, nearest, plural

Render = Callable[[Sample], Request]
TEXT = "text"
"""The control that asks the language model alone. The adapter implements it; the request is unchanged."""
PROMPT = "prompt-"
"""Prefix of the controls that use another of the task's prompts."""

CONTROLS: dict[str, str] = {
    **{
        name: about
        for controls in (pictures.CONTROLS, several.CONTROLS, words.CONTROLS, demonstrations.CONTROLS)
        for name, (about, _) in controls.items()
    },
    **{name: about for name, (about, _, _) in pictures.SWAPS.items()},
    TEXT: "the language model alone answers, without any picture",
}
"""Control -> a clause that describes it."""
_ACTS: dict[str, Act] = {
    name: act
    for controls in (pictures.CONTROLS, several.CONTROLS, words.CONTROLS, demonstrations.CONTROLS)
    for name, (_, act) in controls.items()
}


def _beginning(*prefixes: str) -> tuple[str, ...]:
    return tuple(name for prefix in prefixes for name in CONTROLS if re.match(rf"{prefix}-?\d", name))


FAMILIES: dict[str, tuple[str, ...]] = {
    "blind": ("absent",),
    "blur": _beginning("blur"),
    "swap-category": _beginning("swap-category"),
    "swap-any": _beginning("swap-any"),
    "several": tuple(several.CONTROLS),
    "place": _beginning("place"),
    "rotate": _beginning("rotate"),
    "distract": _beginning("distract"),
    "mislead": _beginning("mislead"),
    "passage": _beginning("distract", "mislead"),
    "length": (
        "absent",
        *(f"distract-{length}-before{blind}" for length in words.LENGTHS for blind in ("", "+absent")),
    ),
    "shots": tuple(demonstrations.CONTROLS),
    "all": tuple(CONTROLS),
}
FAMILIES["swap"] = FAMILIES["swap-any"]
FAMILIES["standard"] = (
    *("absent", "guess", "grey", "noise", *FAMILIES["blur"], "patches"),
    *(*FAMILIES["swap-category"], *FAMILIES["swap-any"], TEXT),
    *("order", "references", "only-first", "only-last", "hidden", "rotate1", *FAMILIES["shots"]),
)
"""Names of groups of controls. In addition, `prompts` means the task's other prompts."""


def expand(names: Iterable[str], prompts: Sequence[str] = ()) -> list[str]:
    """Expand names, families and comma-separated lists into control names without duplicates.

    `prompts` are the task's other prompts. Raises InputError for an unknown name.
    """
    expanded: dict[str, None] = {}
    for name in (part.strip() for text in names for part in text.split(",")):
        if name == "prompts":
            expanded |= dict.fromkeys(f"{PROMPT}{prompt}" for prompt in prompts)
        elif name in FAMILIES:
            expanded |= dict.fromkeys(FAMILIES[name])
        elif name in CONTROLS or name.removeprefix(PROMPT) in prompts or _joined(name):
            expanded[name] = None
        else:
            known = [*FAMILIES, "prompts", *CONTROLS]
            raise InputError(f"unknown control '{name}'{nearest(name, known)}; `mmeval bias --list` lists them")
    return list(expanded)


def _joined(name: str) -> bool:
    """Tell whether the name joins controls of the request, such as `distract-100-before+absent`."""
    parts = name.split("+")
    return len(parts) > 1 and all(part in _ACTS or part in pictures.SWAPS for part in parts)


def about(name: str) -> str:
    """Return a clause that describes a control."""
    if "+" in name:
        return ", and ".join(map(about, name.split("+")))
    return CONTROLS.get(name, f"the question uses the prompt '{name.removeprefix(PROMPT)}'")


class ActsOnNothing(InputError):
    """The control cannot act on any question of the run; the message gives the reason."""


@dataclass(frozen=True)
class Applied:
    """A control applied to a run's questions, with the reasons for the questions that it cannot act on."""

    name: str
    asked: Callable[[], Iterable[tuple[Sample, Request, Render]]]
    """Reads the run's questions again: each sample with its request and the function that renders it."""

    def __call__(self, sample: Sample, request: Request, render: Render) -> Changed:
        """Apply the control to a question, or each of several joined controls in turn. Raises Inapplicable."""
        for name in self.name.split("+"):
            act = pictures.swap if name in pictures.SWAPS else _ACTS.get(name)
            if act is not None:
                sample, request = act(Case(sample, request, render, self._donors))
        return sample, request

    @cached_property
    def left_out(self) -> Mapping[str, str]:
        """Map the ids of questions that the control cannot act on to the reason."""
        return {id: reason for id, reason in self._tried.items() if reason}

    @property
    def acts(self) -> str:
        """A clause with the number of questions that the control acts on, and the reasons for the others."""
        total, reasons = len(self._tried), Counter(self.left_out.values())
        if not reasons:
            return "acts on the question" if total == 1 else f"acts on all {total:,} questions"
        number = total - reasons.total()
        if len(reasons) == 1 and not number:
            return f"acts on no question ({next(iter(reasons))})"
        share = f"{number:,} of {plural(total, 'question')}" if number else "no question"
        listed = "; ".join(f"{count:,}: {reason}" for reason, count in reasons.most_common())
        return f"acts on {share} ({listed})"

    @cached_property
    def _tried(self) -> Mapping[str, str]:
        """Map the id of every question to the reason why the control cannot act on it, or an empty string."""
        reasons = {}
        for sample, request, render in self.asked():
            try:
                self(sample, request, render)
                reasons[sample.id] = ""
            except Inapplicable as reason:
                reasons[sample.id] = str(reason)
        return reasons

    @cached_property
    def _donors(self) -> Mapping[str, Sequence[Image]]:
        swap = next((name for name in self.name.split("+") if name in pictures.SWAPS), None)
        if swap is None:
            return {}
        _, seed, within = pictures.SWAPS[swap]
        questions = ((sample, request) for sample, request, _ in self.asked())
        return pictures.derangement(questions, seed, within, self._shelf)

    @cached_property
    def _shelf(self) -> Path:
        """Make a temporary folder for pictures that are not files; it is deleted with this object."""
        path = tempfile.mkdtemp(prefix="mmeval-pictures-")
        weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
        return Path(path)


__all__ = ["CONTROLS", "FAMILIES", "LENGTHS", "ActsOnNothing", "Applied", "Changed", "Inapplicable", "about", "expand"]
