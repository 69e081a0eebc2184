"""Read values that scripts read with Python's own parser, without its warnings and without computing anything."""

import ast
import warnings


def literal(text: str) -> object:
    """Return the value of a Python literal: numbers, texts, lists and the like. Raises ValueError for anything else."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of numbers such as 1_0 and 0.5m, and of backslashes
            value: object = ast.literal_eval(text)
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"{text!r:.60} is not a literal") from error
    return value
