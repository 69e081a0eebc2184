"""Letters, digits and signs, five dots wide and seven high, drawn large: no font file, the same everywhere."""

from __future__ import annotations

from mmeval.embedded.world.canvas import Canvas, Color
from mmeval.embedded.world.view import Mark

WIDTH, HEIGHT = 5, 7

_ROWS = """
a 01110 10001 10001 11111 10001 10001 10001
b 11110 10001 10001 11110 10001 10001 11110
d 11110 10001 10001 10001 10001 10001 11110
e 11111 10000 10000 11110 10000 10000 11111
f 11111 10000 10000 11110 10000 10000 10000
i 11111 00100 00100 00100 00100 00100 11111
k 10001 10010 10100 11000 10100 10010 10001
l 10000 10000 10000 10000 10000 10000 11111
m 10001 11011 10101 10101 10001 10001 10001
n 10001 11001 11001 10101 10011 10011 10001
o 01110 10001 10001 10001 10001 10001 01110
p 11110 10001 10001 11110 10000 10000 10000
r 11110 10001 10001 11110 10100 10010 10001
s 01111 10000 10000 01110 00001 00001 11110
t 11111 00100 00100 00100 00100 00100 00100
u 10001 10001 10001 10001 10001 10001 01110
v 10001 10001 10001 10001 01010 01010 00100
x 10001 10001 01010 00100 01010 10001 10001
y 10001 10001 01010 00100 00100 00100 00100
0 01110 10001 10011 10101 11001 10001 01110
1 00100 01100 00100 00100 00100 00100 01110
2 01110 10001 00001 00110 01000 10000 11111
3 11110 00001 00001 01110 00001 00001 11110
4 00010 00110 01010 10010 11111 00010 00010
5 11111 10000 11110 00001 00001 10001 01110
6 00110 01000 10000 11110 10001 10001 01110
7 11111 00001 00010 00100 00100 01000 01000
8 01110 10001 10001 01110 10001 10001 01110
9 01110 10001 10001 01111 00001 00010 01100
+ 00000 00100 00100 11111 00100 00100 00000
- 00000 00000 00000 11111 00000 00000 00000
* 00000 10001 01010 00100 01010 10001 00000
= 00000 00000 11111 00000 11111 00000 00000
"""

GLYPHS = {line[0]: line[2:].split() for line in _ROWS.strip().splitlines()}

NAMES = {"+": "sign plus", "-": "sign minus", "*": "sign times", "=": "sign equals"}


def width_of(text: str, dot: float) -> float:
    """Return how wide a line of text is, in pixels, when a dot of its glyphs has this size; a blank is narrow."""
    return dot * (sum(_step(sign) for sign in text) - 1)


def write(canvas: Canvas, text: str, left: float, top: float, dot: float, color: Color) -> list[Mark]:
    """Write a line of text; returns a mark for every glyph, at its middle."""
    marks = []
    for sign in text:
        if sign != " ":
            _dots(canvas, sign, left, top, dot, color)
            label = NAMES.get(sign) or f"{'digit' if sign.isdigit() else 'letter'} {sign}"
            marks.append(Mark((left + WIDTH * dot / 2) / 96, (top + HEIGHT * dot / 2) / 96, label))
        left += _step(sign) * dot
    return marks


def _step(sign: str) -> int:
    return 3 if sign == " " else WIDTH + 1


def _dots(canvas: Canvas, sign: str, left: float, top: float, dot: float, color: Color) -> None:
    for row, line in enumerate(GLYPHS[sign]):
        for column, on in enumerate(line):
            if on == "1":
                x, y = left + column * dot, top + row * dot
                canvas.box(x, y, x + dot, y + dot, color)
