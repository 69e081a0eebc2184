"""Read a box or a point from an answer, as shares of the picture's width and height.

Models answer in different coordinates, and numbers do not say in which. `strict` reads them in the coordinates that the
prompt asked for; only the public scripts below choose by the size of the numbers.
"""

import re
from collections.abc import Callable, Sequence

from mmeval.scoring.readings.answer import plain

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Point = tuple[float, float]
Size = tuple[int, int]
"""Width and height of the picture in the data, in pixels."""
BoxReader = Callable[[str, Size], Box | None]
PointReader = Callable[[str, Size], Point | None]

PIXELS = "pixels"
SCALES = {"unit": 1.0, "percent": 100.0, "thousandths": 1000.0}
"""Coordinates -> the number that stands for the whole width or height."""
SYSTEMS = (*SCALES, PIXELS)
BEYOND = 0.05
"""How far outside of the picture an edge may be, as a share of it; beyond that, the coordinates are others."""


def strict_box(system: str) -> BoxReader:
    """Return the reader of the only box in an answer, in these coordinates.

    A box is `[a, b, c, d]`, `(a, b), (c, d)`, `<box>a b c d</box>`, named edges (`x1=`, `left:`) or corners (top-left,
    bottom-right), or an answer of four numbers. Not read are several different boxes, a box without area, `box_2d`
    (Gemini's, top first), and numbers that the coordinates exclude: beyond the picture, or all at most 1 where 1 is
    not the whole picture.
    """

    def read(text: str, size: Size) -> Box | None:
        return _box(_only_shape([box for box in _shapes(text) if len(box) == 4], system, size))

    return read


def strict_point(system: str) -> PointReader:
    """Return the reader of the only point in an answer, in these coordinates; that of a box is its center.

    A point is `[a, b]`, `(a, b)`, `<point>a b</point>`, `x=a, y=b` as in JSON or HTML, or an answer of two numbers.
    Boxes and numbers are read, or not, as by `strict_box`.
    """

    def read(text: str, size: Size) -> Point | None:
        shape = _only_shape(_shapes(text), system, size)
        return None if shape is None else center(shape)

    return read


def center(shares: Sequence[float]) -> Point:
    """Return the center of a box, or the point itself."""
    return (shares[0], shares[1]) if len(shares) == 2 else ((shares[0] + shares[2]) / 2, (shares[1] + shares[3]) / 2)


_N = r"([-+]?(?:\d+(?:\.\d+)?|\.\d+))"
_THEN = r"(?:\s{0,9},\s{0,9}|\s{1,9})"
_PAIR = rf"[\[(]\s{{0,9}}{_N}{_THEN}{_N}\s{{0,9}}[\])]"
_NAMED = r"[\"']?\s?[:=]\s?[\"']?" + _N + r"[\"']?"
_EDGES = (("x1", "y1", "x2", "y2"), ("x_?min", "y_?min", "x_?max", "y_?max"), ("left", "top", "right", "bottom"))
_BOXES = [
    re.compile(rf"[\[(]\s{{0,9}}{_N}{_THEN}{_N}{_THEN}{_N}{_THEN}{_N}\s{{0,9}}[\])]"),
    re.compile(rf"{_PAIR}\s{{0,9}}(?:,|to\b)?\s{{0,9}}{_PAIR}"),
    re.compile(
        rf"\btop[ -]?left\b[^\[(\n]{{0,30}}{_PAIR}[^\[(]{{0,40}}\bbottom[ -]?right\b[^\[(\n]{{0,30}}{_PAIR}",
        re.IGNORECASE,
    ),
    *(re.compile(r"[\s,;]{1,9}[\"']?".join(rf"\b{edge}{_NAMED}" for edge in edges), re.IGNORECASE) for edges in _EDGES),
]
_TAGGED = re.compile(
    rf"<(?:point|b?box)>\s{{0,9}}{_N}{_THEN}{_N}(?:{_THEN}{_N}{_THEN}{_N})?\s{{0,9}}</(?:point|b?box)>", re.IGNORECASE
)
_POINTS = [re.compile(_PAIR), re.compile(rf"\bx{_NAMED}[\s,;]{{1,9}}[\"']?y{_NAMED}", re.IGNORECASE)]
_ALONE = re.compile(rf"{_N}{_THEN}{_N}(?:{_THEN}{_N}{_THEN}{_N})?\.?")
_OTHERS = re.compile(r"(?<!b)box_2d|<points\b", re.IGNORECASE)
"""Notations in which the numbers mean something else: the top comes first, or two pairs are two points."""


def _shapes(text: str) -> list[tuple[float, ...]]:
    """Return the boxes and points in an answer without its reasoning, each once, as the numbers stand there."""
    text = plain(text)
    if _OTHERS.search(text):
        return []
    shapes: list[tuple[float, ...]] = []

    def take(match: re.Match[str]) -> str:
        shapes.append(tuple(float(number) for number in match.groups() if number is not None))
        return " ; "

    for pattern in (_TAGGED, *_BOXES, *_POINTS):
        text = pattern.sub(take, text)
    if not shapes and (alone := _ALONE.fullmatch(text.strip())):
        take(alone)
    return shapes


def _only_shape(shapes: Sequence[Sequence[float]], system: str, size: Size) -> Sequence[float] | None:
    """Return the only shape in shares of width and height; None if there are others, or if it cannot be one."""
    full_size = size if system == PIXELS else (SCALES[system],) * 2
    if len({*map(tuple, shapes)}) != 1 or (system != "unit" and all(abs(number) <= 1 for number in shapes[0])):
        return None
    shares = [number / full_size[index % 2] for index, number in enumerate(shapes[0])]
    if len(shares) == 4 and (shares[0] >= shares[2] or shares[1] >= shares[3]):
        return None
    return shares if all(-BEYOND <= share <= 1 + BEYOND for share in shares) else None


# The public scripts. lmms-eval is at 75571cf, VLMEvalKit at e8e78f0, SeeClick at 0ef37ac, ScreenSpot-Pro at bd8bbbb.

_FOUR = r",\s*".join([r"(-?\d+(?:\.\d+)?)"] * 4)
_LMMS_BOX = re.compile(rf"\[\s*{_FOUR}\s*\]")
_LMMS_REGION = re.compile(rf"[\[\(]\s*{_FOUR}\s*[\]\)]")
_TOKEN = r"-?\d+(?:\.\d+)?%?"
_LMMS_TAG = re.compile(r"<\s*bbox[^>]*>", re.IGNORECASE)
_LMMS_END = re.compile(r"<\s*/\s*bbox\s*>", re.IGNORECASE)
_LMMS_PAIR = re.compile(rf"[\[\(]\s*({_TOKEN})(?:\s*,\s*|\s+)({_TOKEN})\s*[\]\)]")
_LMMS_X = re.compile(rf"x['\"]?\s*[:=]\s*({_TOKEN})", re.IGNORECASE)
_LMMS_Y = re.compile(rf"y['\"]?\s*[:=]\s*({_TOKEN})", re.IGNORECASE)
_KIT_NUMBER = r"[-+]?(?:\d*\.)?\d+(?:[eE][-+]?\d+)?"
_KIT_BOX = re.compile(r"\[\s*" + r"(?:\s*,\s*|\s+)".join([f"({_KIT_NUMBER})"] * 4) + r"\s*\]")
_QWEN_BOX = re.compile(r"<box>\((\d+),(\d+)\),\((\d+),(\d+)\)</box>")
_PRO_BOX = re.compile(r"\[\[" + ",".join([r"(\d+\.\d+|\d+)"] * 4) + r"\]\]")
_PRO_POINT = re.compile(r"\[\[" + ",".join([r"(\d+\.\d+|\d+)"] * 2) + r"\]\]")


def lmms_eval_box(text: str, size: Size) -> Box | None:
    """Read as `parse_float_sequence_within` of lmms-eval's `refcoco/utils_rec.py`: the first `[a, b, c, d]`, as shares.

    Boxes in other coordinates are therefore wrong, and so are round brackets.
    """
    return _box(_floats(_LMMS_BOX.search(text)))


def vlmevalkit_box(text: str, size: Size) -> Box | None:
    """Read as `_parse_prediction` and `_to_absolute` of VLMEvalKit's `refcoco.py`: `[a, b, c, d]`, or four numbers.

    The largest number decides the coordinates: up to 1.5 these are shares, up to 1000 thousandths. Larger ones would be
    pixels, but its table has no sizes, so that they are cut to the picture as if they were shares.
    """
    match = _KIT_BOX.search(text)
    numbers = _floats(match) if match else [*map(float, re.findall(_KIT_NUMBER, text)[:4])]
    if numbers is None or len(numbers) < 4:
        return None
    scale = 1000.0 if 1.5 < max(map(abs, numbers)) <= 1000 else 1.0
    left, top, right, bottom = (min(max(number / scale, 0.0), 1.0) for number in numbers)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def lmms_eval_region(text: str, size: Size) -> Point | None:
    """Read as lmms-eval's `screenspot/utils_rec.py`: the center of the first `[a, b, c, d]` or `(a, b, c, d)`.

    If one of the numbers is above 1, all are thousandths. (There an answer without a box is the point at the top left.)
    """
    numbers = _floats(_LMMS_REGION.search(text))
    if numbers is None:
        return None
    return center([number / 1000 for number in numbers] if max(numbers) > 1 else numbers)


def lmms_eval_point(text: str, size: Size) -> Point | None:
    """Read as `_parse_point` of lmms-eval's `screenspot_pro/utils.py`, where numbers above 1 are pixels.

    That is the center of a `<bbox>`, else the first pair in brackets, else x and y, else the first two numbers, or the
    center of the first four if the answer mentions a box or a rectangle.
    """
    tag = _LMMS_TAG.search(text, 0, text.rfind(">") + 1)
    end = _LMMS_END.search(text, tag.end()) if tag else None
    tagged = re.findall(_TOKEN, text[tag.end() : end.start()]) if tag and end else []
    x = _LMMS_X.search(text)
    y = _LMMS_Y.search(text, x.end()) if x else None
    if len(tagged) >= 4:
        point = center([*map(_percent, tagged[:4])])
    elif pair := _LMMS_PAIR.search(text):
        point = (_percent(pair[1]), _percent(pair[2]))
    elif x and y:
        point = (_percent(x[1]), _percent(y[1]))
    else:
        numbers = [*map(_percent, re.findall(_TOKEN, text))]
        if len(numbers) < 2:
            return None
        boxed = len(numbers) >= 4 and any(word in text.lower() for word in ("box", "rect"))
        point = center(numbers[: 4 if boxed else 2])
    return (point[0] / size[0], point[1] / size[1]) if max(point) > 1 else point


def lmms_eval_share(text: str, size: Size) -> Point | None:
    """Read as lmms-eval's `screenspot_v2/utils.py`: the same, but its table has no sizes, so that pixels are wrong."""
    return lmms_eval_point(text, (1, 1))


def seeclick(text: str, size: Size) -> Point | None:
    """Read as SeeClick's `screenspot_test.py`: the answer's two numbers, or the center of its four, as shares.

    An answer with the letters "box" is read only from Qwen-VL's `<box>(a,b),(c,d)</box>`, in thousandths.
    """
    if "box" in text:
        numbers = _floats(_QWEN_BOX.search(text))
        if numbers is None:
            return None
        x, y = center(numbers)
        return x / 1000, y / 1000
    numbers = [*map(float, re.findall(r"-?\d+\.?\d*", text))]
    return center(numbers) if len(numbers) in (2, 4) else None


def screenspot_pro(text: str, size: Size) -> Point | None:
    """Read as ScreenSpot-Pro's `models/gpt5.py`: the first `[[x,y]]`, else the center of `[[a,b,c,d]]`, as shares."""
    numbers = _floats(_PRO_POINT.search(text)) or _floats(_PRO_BOX.search(text))
    return None if numbers is None else center(numbers)


def _floats(match: re.Match[str] | None) -> list[float] | None:
    return None if match is None else [*map(float, match.groups())]


def _box(numbers: Sequence[float] | None) -> Box | None:
    return None if numbers is None else (numbers[0], numbers[1], numbers[2], numbers[3])


def _percent(token: str) -> float:
    return float(token[:-1]) / 100.0 if token.endswith("%") else float(token)
