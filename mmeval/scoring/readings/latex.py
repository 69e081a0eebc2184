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
    found = None if _SEVERAL.search(text) else _value(text.replace(" \\%", "\\%"), every=True)
    return float(found) if found is not None and abs(found) < 1e300 else None


def _value(text: str, every: bool = False) -> Number | None:
    text = _SPACES.sub(" ", text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac"))
    reader = _Reader(_TOKEN.findall(text))
    try:
        found = reader.sum()
        if reader.next not in ("", *_ENDS, *_GROUPS.values()) or (every and reader.next):
            return None
        return found if isinstance(found, int) or math.isfinite(found) else None
    except (_NoValue, ArithmeticError, ValueError):
        return None


class _Reader:
    """Evaluate tokens from left to right. Each method reads one rule of the grammar, or raises _NoValue."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.place = self.depth = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.next
        if not token or (wanted and token not in wanted):
            raise _NoValue
        self.place += 1
        return token

    def taken(self, *wanted: str) -> bool:
        found = self.next in wanted
        self.place += found
        return found

    def sum(self) -> Number:
        found = self.product()
        while self.next in ("+", "-"):
            found = found + self.product() if self.take() == "+" else found - self.product()
        return found

    def product(self, functions: bool = True) -> Number:
        found = self.signed(functions)
        while self.next in _OPERATORS:
            found = _OPERATORS[self.take()](found, self.signed(functions))
        return found

    def signed(self, functions: bool) -> Number:
        sign = 1
        while self.next in ("+", "-"):
            sign = -sign if self.take() == "-" else sign
        found = self.factor()
        while self.starts(functions):
            found = found * self.factor()
        return sign * found

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
        found = self.base()
        while self.taken("^"):
            found = power(found, self.group("{") if self.next == "{" else self.atom())
        while self.next in ("!", "'"):
            found = math.factorial(_small(found)) if self.take() == "!" else found
        self.depth -= 1
        return found

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
            under = self.group("{")
            return math.sqrt(under) if root is None else power(under, 1 / root)
        if self.taken("e"):
            self.take("^")
            return math.exp(self.group("{") if self.next == "{" else self.atom())
        return self.atom()

    def atom(self) -> Number:
        if self.taken("\\pi"):
            return math.pi
        try:
            number, percent, _ = self.take().replace(",", "").partition("\\%")
            found = int(number) if number.isdigit() and not percent else float(number) / (100 if percent else 1)
        except ValueError as error:
            raise _NoValue from error
        return int(found) if found == int(found) else found

    def group(self, *opening: str) -> Number:
        sized = self.taken("\\left")
        closing = _GROUPS[self.take(*opening)]
        found = self.sum()
        if sized:
            self.take("\\right")
        self.take(closing)
        return found

    def function(self) -> Number:
        name, base, raised = self.take(), None, None
        if self.taken("_"):
            base = self.group("{") if self.next == "{" else self.atom()
        if self.taken("^"):
            raised = self.group("{") if self.next == "{" else self.atom()
        argument = self.group("(") if self.next in ("(", "\\left") else self.product(functions=False)
        if name == "\\log" and base is not None:
            return math.log(argument, base)
        if raised == -1 and name in _INVERSE:
            return _INVERSE[name](argument)
        found = _FUNCTIONS[name](argument)
        return found if raised is None else power(found, raised)


def power(base: Number, exponent: Number) -> Number:
    """Return a real power. Raises an error that means no value if it is complex or has thousands of digits."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent * base.bit_length() > _BITS:
        raise _NoValue
    found: object = base**exponent
    if not isinstance(found, (int, float)):
        raise _NoValue
    return found


def _small(number: Number) -> int:
    if not isinstance(number, int) or number > _LARGEST:
        raise _NoValue
    return number
