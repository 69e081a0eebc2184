"""Letters, digits and signs as bitmaps, five dots wide and seven high: no font file, the same on every machine."""

from mmeval.embedded.world.canvas import Canvas, Color, Spot
from mmeval.embedded.world.view import Mark

WIDTH, HEIGHT = 5, 7

_ROWS = """
a 01110 10001 10001 11111 10001 10001 10001   b 11110 10001 10001 11110 10001 10001 11110
d 11110 10001 10001 10001 10001 10001 11110   e 11111 10000 10000 11110 10000 10000 11111
f 11111 10000 10000 11110 10000 10000 10000   i 11111 00100 00100 00100 00100 00100 11111
k 10001 10010 10100 11000 10100 10010 10001   l 10000 10000 10000 10000 10000 10000 11111
m 10001 11011 10101 10101 10001 10001 10001   n 10001 11001 11001 10101 10011 10011 10001
o 01110 10001 10001 10001 10001 10001 01110   p 11110 10001 10001 11110 10000 10000 10000
r 11110 10001 10001 11110 10100 10010 10001   s 01111 10000 10000 01110 00001 00001 11110
t 11111 00100 00100 00100 00100 00100 00100   u 10001 10001 10001 10001 10001 10001 01110
v 10001 10001 10001 10001 01010 01010 00100   x 10001 10001 01010 00100 01010 10001 10001
y 10001 10001 01010 00100 00100 00100 00100   0 01110 10001 10011 10101 11001 10001 01110
1 00100 01100 00100 00100 00100 00100 01110   2 01110 10001 00001 00110 01000 10000 11111
3 11110 00001 00001 01110 00001 00001 11110   4 00010 00110 01010 10010 11111 00010 00010
5 11111 10000 11110 00001 00001 10001 01110   6 00110 01000 10000 11110 10001 10001 01110
7 11111 00001 00010 00100 00100 01000 01000   8 01110 10001 10001 01110 10001 10001 01110
9 01110 10001 10001 01111 00001 00010 01100   + 00000 00100 00100 11111 00100 00100 00000
- 00000 00000 00000 11111 00000 00000 00000   * 00000 10001 01010 00100 01010 10001 00000
= 00000 00000 11111 00000 11111 00000 00000
"""
"""A sign and its seven rows of dots, two signs per line."""
_WORDS = _ROWS.split()
GLYPHS = {sign: _WORDS[8 * index + 1 : 8 * index + 8] for index, sign in enumerate(_WORDS[::8])}
NAMES = {"+": "sign plus", "-": "sign minus", "*": "sign times", "=": "sign equals"}


def width_of(text: str, dot: float) -> float:
    """Return the width in pixels of a line of text whose dots have the given size. Blanks are narrow."""
    return dot * (sum(_step(sign) for sign in text) - 1)


def write(canvas: Canvas, text: str, left: float, top: float, dot: float, color: Color) -> list[Mark]:
    """Write a line of text, and return a mark at the center of each glyph."""
    marks = []
    for sign in text:
        if sign != " ":
            spot = Spot(canvas, left, top, dot)
            for index, inked in enumerate("".join(GLYPHS[sign])):
                row, column = divmod(index, WIDTH)
                if inked == "1":
                    spot.box(column, row, column + 1, row + 1, color)
            label = NAMES.get(sign) or f"{'digit' if sign.isdigit() else 'letter'} {sign}"
            marks.append(spot.mark(WIDTH / 2, HEIGHT / 2, label))
        left += _step(sign) * dot
    return marks


def _step(sign: str) -> int:
    return 3 if sign == " " else WIDTH + 1
