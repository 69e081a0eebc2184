"""Controls: what is taken from a model to see what it looked at. A run under a control is an ordinary run.

A control acts on the rendered request, or shows another question's pictures; tasks and models know nothing of it. It
is pure and seeded: the same question is changed in the same way whenever it is asked. Where it cannot act it says why,
and the question is not asked.
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
from mmeval.types import Image, InputError, Request, Sample, nearest

Render = Callable[[Sample], Request]
TEXT = "text"
"""The control that asks the language model alone; the adapter does it, not the request."""
PROMPT = "prompt-"
"""How the controls begin that put the question in another of the task's prompts."""

CONTROLS: dict[str, str] = {
    **{
        name: about
        for own in (pictures.CONTROLS, several.CONTROLS, words.CONTROLS, demonstrations.CONTROLS)
        for name, (about, _) in own.items()
    },
    **{name: about for name, (about, _, _) in pictures.SWAPS.items()},
    TEXT: "the language model alone is asked, without any picture",
}
"""Every control -> what it does, in a clause."""
_ACTS: dict[str, Act] = {
    name: act
    for own in (pictures.CONTROLS, several.CONTROLS, words.CONTROLS, demonstrations.CONTROLS)
    for name, (_, act) in own.items()
}


def _beginning(*heads: str) -> tuple[str, ...]:
    return tuple(name for head in heads for name in CONTROLS if re.match(rf"{head}-?\d", name))


FAMILIES: dict[str, tuple[str, ...]] = {
    "blind": ("absent",),
    "blur": _beginning("blur"),
    "swap-category": _beginning("swap-category"),
    "swap-any": _beginning("swap-any"),
    "swap": _beginning("swap-any"),
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
FAMILIES["standard"] = (
    *("absent", "guess", "grey", "noise", *FAMILIES["blur"], "patches"),
    *(*FAMILIES["swap-category"], *FAMILIES["swap-any"], TEXT),
    *("order", "references", "only-first", "only-last", "hidden", "rotate1", *FAMILIES["shots"]),
)
"""Names that stand for several controls; `prompts` stands for the task's other prompts."""


def expand(names: Iterable[str], prompts: Sequence[str] = ()) -> list[str]:
    """Return the controls that names, families and lists with commas stand for, each once.

    `prompts` are the task's other prompts. Raises InputError for a name that is neither.
    """
    found: dict[str, None] = {}
    for name in (part.strip() for text in names for part in text.split(",")):
        if name == "prompts":
            found |= dict.fromkeys(f"{PROMPT}{prompt}" for prompt in prompts)
        elif name in FAMILIES:
            found |= dict.fromkeys(FAMILIES[name])
        elif name in CONTROLS or name.removeprefix(PROMPT) in prompts or _joined(name):
            found[name] = None
        else:
            known = [*FAMILIES, "prompts", *CONTROLS]
            raise InputError(f"unknown control '{name}'{nearest(name, known)}; `mmeval bias --list` lists them")
    return list(found)


def _joined(name: str) -> bool:
    """Tell whether the name joins controls of the request, as in `distract-100-before+absent`."""
    parts = name.split("+")
    return len(parts) > 1 and all(part in _ACTS or part in pictures.SWAPS for part in parts)


def about(name: str) -> str:
    """Return what a control does, in a clause."""
    if "+" in name:
        return ", and ".join(map(about, name.split("+")))
    return CONTROLS.get(name, f"the question is put as in the prompt '{name.removeprefix(PROMPT)}'")


class ActsOnNothing(InputError):
    """A control can act on no question of a run; the message says why."""


@dataclass(frozen=True)
class Applied:
    """A control over a run's questions: what it can act on, and why not on the rest."""

    name: str
    asked: Callable[[], Iterable[tuple[Sample, Request, Render]]]
    """Reads the run's questions anew: each with what is asked of it, and what puts it into words."""

    def __call__(self, sample: Sample, request: Request, render: Render) -> Changed:
        """Change a question, by one control after the other where the name joins several. Raises Inapplicable."""
        for name in self.name.split("+"):
            act = pictures.swap if name in pictures.SWAPS else _ACTS.get(name)
            if act is not None:
                sample, request = act(Case(sample, request, render, self._donors))
        return sample, request

    @cached_property
    def left_out(self) -> Mapping[str, str]:
        """Map the ids of the questions that it cannot act on to the reason."""
        return {id: reason for id, reason in self._tried.items() if reason}

    @property
    def acts(self) -> str:
        """Say on how many of the questions it acts, and why not on the others."""
        total, left = len(self._tried), Counter(self.left_out.values())
        share = "no question" if left.total() == total else f"{total - left.total():,} of {total:,} questions"
        why = "; ".join(f"{number:,}: {reason}" for reason, number in left.most_common())
        return f"acts on {share} ({why})" if left else f"acts on all {total:,} questions"

    @cached_property
    def _tried(self) -> Mapping[str, str]:
        """Map the id of every question to why the control cannot act on it, or nothing."""
        found = {}
        for sample, request, render in self.asked():
            try:
                self(sample, request, render)
                found[sample.id] = ""
            except Inapplicable as reason:
                found[sample.id] = str(reason)
        return found

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
        """Make a folder for pictures that are no files; it goes when nobody can ask for them any more."""
        path = tempfile.mkdtemp(prefix="mmeval-pictures-")
        weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
        return Path(path)


__all__ = ["CONTROLS", "FAMILIES", "LENGTHS", "ActsOnNothing", "Applied", "Changed", "Inapplicable", "about", "expand"]
