r"""Find the value of a number or an expression in LaTeX, such as 3/4, 2\sqrt{3} and \frac{\pi}{2}-1.

`beginning` follows latex2sympy2 (1.9.1; OrangeX4/latex2sympy at 52423b7, `PS.g4`), which scripts for mathematics use to
compare answers. Variables, units, matrices, lists, absolute values, equations and inequalities have no value here.
"""

import math
import re
from collections.abc import Callable, Sequence
from operator import mul, truediv

Number = int | float

_SPACES = re.compile(r"\\displaystyle|\\q?quad|~|\\,|\$")
_FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "\\sin": math.sin, "\\cos": math.cos, "\\tan": math.tan, "\\arcsin": math.asin, "\\arccos": math.acos,
    "\\arctan": math.atan, "\\log": math.log10, "\\exp": math.exp,
}  # fmt: skip
_INVERSE = {"\\sin": math.asin, "\\cos": math.acos, "\\tan": math.atan}
_OPERATORS = {"*": mul, "\\times": mul, "\\cdot": mul, "/": truediv, "\\div": truediv, "\\over": truediv, ":": truediv}
_GROUPS = {"(": ")", "{": "}", "[": "]", "\\{": "\\}"}
_ENDS = (
    "\\rightarrow", "\\right", "\\to", "\\choose", "\\rbrace", "\\rbrack", ".", "&", "_", "\\\\",
    "tr", "trace", "norm", "ones", "cols", "rows", "rank", "rref", "eye", "eig", "zeros", "diag", "floor", "ceil",
    "gcd", "lcm", "orth", "svd", "hstack", "vstack", "matrix", "pmatrix", "bmatrix",
)  # fmt: skip
"""What latex2sympy2 knows but cannot read after an expression: it drops this and all that follows."""
_SYMBOLS = ("\\frac", "\\binom", "\\sqrt", "\\pi", "\\left", "-", "+", "^", "!", "'", "e", "=", "<", ">", ",", ";")
_KNOWN = sorted({*_FUNCTIONS, *_OPERATORS, *_GROUPS, *_GROUPS.values(), *_ENDS, *_SYMBOLS}, key=len, reverse=True)
_TOKEN = re.compile(rf"(?:\d*(?:,\d{{3}})*\.\d+|\d+(?:,\d{{3}})*)(?:\\%)?|{'|'.join(map(re.escape, _KNOWN))}|\S")
_DEEPEST, _BITS, _LARGEST = 40, 20_000, 2_000
"""Limits of nesting, of the bits of a power, and of what a factorial is taken of."""
_MIXED = re.compile(r"(?<![\w.}\\)])(\d+)(?:\s*(\\frac\{\d+\}\{\d+\})|\s+(\d+/\d+))")
_SEVERAL = re.compile(r"[\d.]\s+[\d.]|\.\d+\.")
"""Several numbers, which latex2sympy2 would multiply."""
_SHORT_FRACTION, _SHORT_ROOT = re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), re.compile(r"\\sqrt\s*(\d)")
"""Without braces, which latex2sympy2 does not read."""
_SIGNS = str.maketrans({"−": "-", "π": "\\pi ", "×": "*", "·": "*", "÷": "/", "²": "^2", "³": "^3"})


class _NoValue(Exception):
    pass


def beginning(text: str) -> Number | None:
    """Return the value of the expression that a text begins with, as latex2sympy2 reads it; None if there is none.

    2\\frac{1}{2} is a product, 1:2 a half, "12 trees" 12 (the library knows "tr"), and "12 cats" has no value.
    """
    return _value(text)


def whole(text: str) -> float | None:
    r"""Return the value of a text that is an expression and nothing else; None otherwise. 2\frac{1}{2} is 2.5."""
    text = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", _SHORT_ROOT.sub(r"\\sqrt{\1}", text.strip().translate(_SIGNS)))
    text = _MIXED.sub(r"(\1+\2\3)", text.rstrip("."))
    value = None if _SEVERAL.search(text) else _value(text.replace(" \\%", "\\%"), every=True)
    return float(value) if value is not None and abs(value) < 1e300 else None


def _value(text: str, every: bool = False) -> Number | None:
    text = _SPACES.sub(" ", text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac"))
    reader = _Reader(_TOKEN.findall(text))
    try:
        value = reader.sum()
        if reader.next not in ("", *_ENDS, *_GROUPS.values()) or (every and reader.next):
            return None
        return value if isinstance(value, int) or math.isfinite(value) else None
    except (_NoValue, ArithmeticError, ValueError):
        return None


class _Reader:
    """Evaluate tokens from left to right. Each method reads one rule of the grammar, or raises _NoValue."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.position = self.depth = 0

    @property
    def next(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        if not token or (expected and token not in expected):
            raise _NoValue
        self.position += 1
        return token

    def taken(self, *expected: str) -> bool:
        matches = self.next in expected
        self.position += matches
        return matches

    def sum(self) -> Number:
        value = self.product()
        while self.next in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self, functions: bool = True) -> Number:
        value = self.signed(functions)
        while self.next in _OPERATORS:
            value = _OPERATORS[self.take()](value, self.signed(functions))
        return value

    def signed(self, functions: bool) -> Number:
        sign = 1
        while self.next in ("+", "-"):
            sign = -sign if self.take() == "-" else sign
        value = self.factor()
        while self.starts(functions):
            value = value * self.factor()
        return sign * value

    def starts(self, functions: bool) -> bool:
        """Return whether another factor follows without a sign between, as in 2\\pi."""
        if self.next in _FUNCTIONS or self.next in ("\\sqrt", "e"):
            return functions
        if self.next in (*_GROUPS, "\\left", "\\frac", "\\binom", "\\pi"):
            return True
        return any(map(str.isdigit, self.next))

    def factor(self) -> Number:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _NoValue
        value = self.base()
        while self.taken("^"):
            value = power(value, self.group("{") if self.next == "{" else self.atom())
        while self.next in ("!", "'"):
            value = math.factorial(_small(value)) if self.take() == "!" else value
        self.depth -= 1
        return value

    def base(self) -> Number:
        if self.next in (*_GROUPS, "\\left"):
            return self.group(*_GROUPS)
        if self.next in _FUNCTIONS:
            return self.function()
        if self.taken("\\frac"):
            return self.group("{") / self.group("{")
        if self.taken("\\binom"):
            return math.comb(_small(self.group("{")), _small(self.group("{")))
        if self.taken("\\sqrt"):
            root = self.group("[") if self.next == "[" else None
            radicand = self.group("{")
            return math.sqrt(radicand) if root is None else power(radicand, 1 / root)
        if self.taken("e"):
            self.take("^")
            return math.exp(self.group("{") if self.next == "{" else self.atom())
        return self.atom()

    def atom(self) -> Number:
        if self.taken("\\pi"):
            return math.pi
        try:
            number, percent, _ = self.take().replace(",", "").partition("\\%")
            value = int(number) if number.isdigit() and not percent else float(number) / (100 if percent else 1)
        except ValueError as error:
            raise _NoValue from error
        return int(value) if value == int(value) else value

    def group(self, *opening: str) -> Number:
        sized = self.taken("\\left")
        closing = _GROUPS[self.take(*opening)]
        value = self.sum()
        if sized:
            self.take("\\right")
        self.take(closing)
        return value

    def function(self) -> Number:
        name, base, exponent = self.take(), None, None
        if self.taken("_"):
            base = self.group("{") if self.next == "{" else self.atom()
        if self.taken("^"):
            exponent = self.group("{") if self.next == "{" else self.atom()
        argument = self.group("(") if self.next in ("(", "\\left") else self.product(functions=False)
        if name == "\\log" and base is not None:
            return math.log(argument, base)
        if exponent == -1 and name in _INVERSE:
            return _INVERSE[name](argument)
        value = _FUNCTIONS[name](argument)
        return value if exponent is None else power(value, exponent)


def power(base: Number, exponent: Number) -> Number:
    """Return a real power. Raises an error that means no value if it is complex or has thousands of digits."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent * base.bit_length() > _BITS:
        raise _NoValue
    result: object = base**exponent
    if not isinstance(result, (int, float)):
        raise _NoValue
    return result


def _small(number: Number) -> int:
    if not isinstance(number, int) or number > _LARGEST:
        raise _NoValue
    return number
