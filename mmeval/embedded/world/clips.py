"""Short clips: a thing or a person and its action, drawn at any moment.

A clip's name determines it. A clip lasts from 0 to 1, and its action from `begins` to `ends`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from mmeval.embedded.world.canvas import SIZE, Canvas, Point, Spot, dark, light, pastel, varied
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import COLORS, KINDS, Kind, draw_shape
from mmeval.embedded.world.view import Split

OF_THINGS = ("moves left", "moves right", "appears", "is hidden", "falls")
OF_PEOPLE = ("moves left", "moves right", "falls", "sits down")
ACTIONS = (*OF_THINGS, "sits down")
ASKED = {
    "moves left": "is the {subject} moving to the left ?",
    "moves right": "is the {subject} moving to the right ?",
    "appears": "does the {subject} appear ?",
    "is hidden": "is the {subject} being hidden ?",
    "falls": "is the {subject} falling ?",
    "sits down": "is the {subject} sitting down ?",
}
"""Action -> its question. `the {subject}` may be replaced by `someone` or `something`."""
FLOOR = 84


@dataclass(frozen=True)
class Clip:
    """A person or thing, and its action."""

    name: str
    action: str
    kind: Kind | None
    """None for a person."""
    x: float
    y: float
    begins: float
    ends: float
    screen: bool
    """Whether there is a board. It hides things in some clips only."""

    @property
    def subject(self) -> str:
        """Its name in texts: `red star`, `person`."""
        return self.kind.name if self.kind else "person"

    def progress(self, time: float) -> float:
        """Return the progress of the action: 0 to 1."""
        return min(1.0, max(0.0, (time - self.begins) / (self.ends - self.begins)))

    def caption(self, time: float) -> str:
        """Describe the picture at that moment."""
        done = self.progress(time)
        if self.action in ("appears", "is hidden") and (done < 0.5) == (self.action == "appears"):
            return "nothing"
        if self.kind is None and self.action in ("falls", "sits down"):
            during, after = ("falling", "lying") if self.action == "falls" else ("bent", "sitting")
            if done < 0.15:
                return "person standing"
            return f"person {after if done > 0.85 else during}"
        x, y = self._position(done)
        row, column = min(2, int(3 * y / SIZE)), min(2, int(3 * x / SIZE))
        place = f"{('top', 'middle', 'bottom')[row]} {('left', 'center', 'right')[column]}"
        return f"{self.subject} {place}" if self.kind else f"person standing {place.split()[1]}"

    def frame(self, time: float) -> Image.Image:
        """Draw the picture at that moment: RGB, 96 x 96, on the clip's background."""
        rng = Rng(f"clip {self.name}")
        back = pastel(rng)
        canvas = Canvas(rng, back, pastel(rng), upright=True)
        canvas.box(0, FLOOR, SIZE, SIZE, dark(varied(rng, back, 20), 0.3))
        done = self.progress(time)
        x, y = self._position(done)
        clothes = varied(rng, rng.pick(list(COLORS.values())), 10)
        wood = varied(rng, (150, 110, 80), 20)
        turn = rng.between(-0.25, 0.25)
        if self.kind is None:
            self._person(canvas, x, done, clothes)
        elif self.action != "appears" or done >= 0.5:
            color = COLORS[self.kind.color]
            draw_shape(Spot(canvas, x, y, 10.5), self.kind.shape, turn, color, dark(color))
        if self.screen:
            if self.action == "is hidden":
                left, top = self.x - 15, self.y - 16
            else:  # out of the way
                left, top = 64 if self.x < 48 else 2, 24 if self.y > 48 else 50
            canvas.box(left, top, left + 30, top + 32, wood)
            canvas.box(left + 2, top + 2, left + 28, top + 4, light(wood))
        return canvas.finish()

    def _position(self, done: float) -> Point:
        """Return the subject's position. (x, y) is its position halfway through the action, or behind the board."""
        if self.action in ("moves left", "moves right"):
            way = 1 if self.action == "moves right" else -1
            return 48 + way * 32 * (2 * done - 1), self.y
        if self.action == "falls" and self.kind:
            return self.x, 18 + (FLOOR - 10 - 18) * done * done
        if self.action == "is hidden":
            return self.x + (36 if self.x < 48 else -36) * (1 - done), self.y
        return self.x, self.y

    def _person(self, canvas: Canvas, x: float, done: float, clothes: tuple[int, int, int]) -> None:
        """Draw head, body, arms and legs: upright, leaning over (a fall) or bent (sitting)."""
        turn = math.radians(86) * done * (1 if self.y < 48 else -1) if self.action == "falls" else 0.0
        sunk = done if self.action == "sits down" else 0.0
        hip = 17 - 10 * sunk

        def at(across: float, up: float) -> Point:
            sine, cosine = math.sin(turn), math.cos(turn)
            return x + across * cosine + up * sine, FLOOR - 3 + across * sine * 0.6 - up * cosine

        skin, trousers = (226, 180, 150), dark(clothes, 0.5)
        for side in (-1, 1):
            knee, foot = (4 * side + 9 * sunk, hip * 0.55 + 3 * sunk), (5 * side + 10 * sunk, 0)
            canvas.line([at(0, hip), at(*knee), at(*foot)], trousers, 3.4)
            canvas.line([at(0, hip + 15), at(8 * side, hip + 5)], skin, 2.4)
        canvas.line([at(0, hip), at(0, hip + 16)], clothes, 7)
        canvas.oval(*at(0, hip + 22), 5.2, 5.2, skin)


def clip(seed: int, split: Split, *, whole: bool = True) -> Clip:
    """Return the clip of that seed. If `whole`, the clip shows its entire action; otherwise only part, or none."""
    name = f"clip/{split}/{seed}"
    rng = Rng(name)
    person = rng.coin(0.35)
    action = rng.pick(OF_PEOPLE if person else OF_THINGS)
    kind = None
    if not person:
        kinds = [kind for kind in KINDS if _held_out(kind, action) == (split == "test")]
        kind = rng.pick(kinds)
    x, y = rng.between(22, 74), rng.between(20, 70)
    begins, ends = rng.between(0, 0.15), rng.between(0.85, 1)
    if not whole:
        lasts = rng.between(0.2, 0.75 if action == "falls" else 1.2)
        begins = rng.between(-lasts - 0.2, 1.2)
        ends = begins + lasts
    return Clip(name, action, kind, x, y, begins, ends, screen=action == "is hidden" or rng.coin(0.4))


def _held_out(kind: Kind, action: str) -> bool:
    """Tell whether training never shows this kind with this action: about one in seven."""
    return (KINDS.index(kind) + 2 * ACTIONS.index(action)) % 7 == 0


def asked(rng: Rng, sequence: Clip, first: float, last: float) -> list[tuple[str, str]]:
    """Return yes/no questions about a part of a clip: about its action, and about one that does not happen.

    Leaves out those about its action if 10% to 55% of it happens, because the answer would be ambiguous.
    """
    share = sequence.progress(last) - sequence.progress(first)
    person = sequence.kind is None
    questions = []
    for action in (sequence.action, rng.other(OF_PEOPLE if person else OF_THINGS, sequence.action)):
        if action == sequence.action and 0.1 < share < 0.55:
            continue
        answer = "yes" if action == sequence.action and share >= 0.55 else "no"
        pronoun = "someone" if person else "something"
        text = ASKED[action]
        for form in (text.format(subject=sequence.subject), text.replace("the {subject}", pronoun)):
            questions.append((form, answer))
    if not person:  # nothing that a thing does is done by someone
        action = sequence.action if sequence.action in OF_PEOPLE else "falls"
        questions.append((ASKED[action].replace("the {subject}", "someone"), "no"))
    return rng.shuffled(questions)


def options(rng: Rng, sequence: Clip, count: int = 5) -> tuple[str, ...]:
    """Return `count` actions in random order, including the true one."""
    wrong = rng.shuffled([action for action in ACTIONS if action != sequence.action])
    return tuple(rng.shuffled([sequence.action, *wrong[: count - 1]]))


def times(count: int) -> Sequence[float]:
    """Return `count` evenly spaced moments from 0 to 1."""
    return [index / (count - 1) for index in range(count)]
