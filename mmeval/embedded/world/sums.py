"""Numerical calculation and code reasoning: a sum on a board, a program of two or three lines on a screen."""

from PIL import Image

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, dark, mix, pastel, varied
from mmeval.embedded.world.glyphs import HEIGHT, width_of, write
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Mark, Origin, Portrait, View

SIGNS = {"+": "plus", "-": "minus", "*": "times"}
SUMS = [(f"{a} + {b}", a + b) for a in range(10) for b in range(10)]
SUMS += [(f"{a} - {b}", a - b) for a in range(10) for b in range(a + 1)]
SUMS += [(f"{a} * {b}", a * b) for a in range(1, 5) for b in range(1, 5)]
HIGHEST = 18

RESULT = (
    "Is the result {name}?",
    "Is the answer to the sum in this image {name}?",
    "Should the answer in the picture be {name}?",
)
OUTPUT = (
    "Is the output of the code {name}?",
    "Does this program print {name}?",
    "Will the code in the image print {name}?",
)

PAPERS: tuple[tuple[Color, Color], ...] = (
    ((250, 248, 238), (40, 50, 110)),
    ((36, 74, 58), (240, 245, 235)),
    ((44, 46, 58), (250, 220, 130)),
    ((232, 240, 250), (150, 40, 50)),
)
"""Colors of paper and ink."""


def numerical_calculation(origin: Origin) -> View:
    """Ask for the result of a sum. The false claim is one more or one less, with equal probability."""
    rng = origin.rng()
    low = rng.below(HIGHEST)
    result, wrong = rng.swapped(low, low + 1)
    text = rng.pick([text for text, value in SUMS if value == result])
    first, sign, second = text.split()
    probes = (
        ("what is the result ?", str(result)),
        ("which number is shown first ?", first),
        ("which number is shown last ?", second),
        ("which sign is shown ?", SIGNS[sign]),
    )
    picture, marks = _board(rng, text)
    names = [str(number) for number in (result, wrong, wrong, rng.other(range(HIGHEST + 1), result))]
    portrait = Portrait(picture, f"the sum {text} = {result}", probes, marks)
    return portrait.asked(origin, rng, "result", RESULT, names)


def code_reasoning(origin: Origin) -> View:
    """Ask for the output of a program. The false claim is one more or one less."""
    rng = origin.rng()
    low = rng.below(9)
    result, wrong = rng.swapped(low, low + 1)
    lines = _program(rng, result)
    probes = (
        ("what is the output ?", str(result)),
        ("what is printed ?", lines[-1].removeprefix("print ")),
        ("what is the first line ?", lines[0]),
        ("how many lines are there ?", {2: "two", 3: "three"}[len(lines)]),
    )
    picture, marks = _screen(rng, lines)
    names = [str(number) for number in (result, wrong, wrong, rng.other(range(10), result))]
    portrait = Portrait(picture, f"the code {' , '.join(lines)} , output {result}", probes, marks)
    return portrait.asked(origin, rng, "result", OUTPUT, names)


def _program(rng: Rng, result: int) -> list[str]:
    """Return lines that print the result; all numbers are single digits."""
    sign = rng.pick("+-")
    step = rng.below(min(10, result + 1 if sign == "+" else 10 - result))
    start = result - step if sign == "+" else result + step
    first, second = rng.swapped("x", "y")
    kind = rng.below(3)
    if kind == 0:
        return [f"{first} = {start}", f"print {first} {sign} {step}"]
    if kind == 1:
        return [f"{first} = {start}", f"{second} = {first} {sign} {step}", f"print {second}"]
    lines = [f"{first} = {result}", f"{second} = {rng.below(10)}"]
    return [*rng.shuffled(lines), f"print {first}"]


def _board(rng: Rng, text: str) -> tuple[Image.Image, tuple[Mark, ...]]:
    paper, ink = rng.pick(PAPERS)
    paper = varied(rng, paper, 12)
    canvas = Canvas(rng, pastel(rng), varied(rng, (150, 130, 110), 50))
    canvas.box(3.5, 10.5, 94, 88, dark(paper, 0.5))
    canvas.box(2.5, 9, 93, 86, paper)
    if rng.coin():
        for y in range(16, 86, 9):
            canvas.box(2.5, y, 93, y + 0.7, mix(paper, ink, 0.18))
    dot = rng.between(3.2, 3.7)
    left = 4 + rng.between(0.1, 0.9) * (87 - width_of(text, dot))
    top = rng.between(14, 80 - HEIGHT * dot)
    marks = tuple(write(canvas, text, left, top, dot, ink))
    return canvas.finish(), marks


def _screen(rng: Rng, lines: list[str]) -> tuple[Image.Image, tuple[Mark, ...]]:
    paper, ink = rng.pick(PAPERS)
    paper = varied(rng, paper, 12)
    canvas = Canvas(rng, paper, varied(rng, paper, 16), upright=True)
    canvas.box(0, 0, SIZE, 8, mix(paper, ink, 0.35))
    for step, color in enumerate(((220, 80, 70), (240, 190, 60), (90, 180, 90))):
        canvas.oval(5 + 6 * step, 4, 1.8, 1.8, color)
    dot = min(rng.between(1.75, 2.1), 88 / max(width_of(line, 1) for line in lines))
    wide = max(width_of(line, dot) for line in lines)
    gap = rng.between(6, 10)
    left = 3 + rng.between(0, 1) * (90 - wide)
    top = 12 + rng.between(0, 1) * (80 - len(lines) * (HEIGHT * dot + gap) + gap)
    marks: list[Mark] = []
    for number, line in enumerate(lines):
        marks += write(canvas, line, left, top + number * (HEIGHT * dot + gap), dot, ink)
    return canvas.finish(grain=6), tuple(marks)
