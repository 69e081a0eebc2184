"""Messages for the user: errors, each with its fix, and progress."""

import difflib
import re
from collections.abc import Mapping, Sequence


class InputError(Exception):
    """An input is wrong. The message is one line that names the input and the fix. The CLI exits with 2."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class RunMismatch(InputError):
    """A run folder holds a run with another identity."""


class Unsupported(InputError):
    """A model was given an input that it does not support (two pictures, a video)."""


def malformed(error: Exception) -> str:
    """Describe, in a user's words, an error that a value of the wrong form caused."""
    if isinstance(error, KeyError):
        return f"no {error}"
    return "a value of the wrong type" if isinstance(error, (TypeError, AttributeError)) else str(error)


def one_line(error: Exception) -> str:
    """Return an error's message, or its class name if empty, as one line of at most 300 characters."""
    return (" ".join(str(error).split()) or type(error).__name__)[:300]


def nearest(word: str, known: Mapping[str, object] | Sequence[str], *, cutoff: float = 0.5) -> str:
    """Return ` (did you mean 'x'?)`, or an empty string if no known word is as similar as `cutoff` (0 to 1)."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f" (did you mean '{match[0]}'?)" if match else ""


SURROGATE = re.compile("[\ud800-\udfff]")
"""A lone surrogate, such as half an emoji: JSON allows it, but files and tokenizers cannot hold it."""


def replace_surrogates(text: str) -> str:
    """Replace every lone surrogate with U+FFFD."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)  # nearly every text of a journal is ASCII


def printable(text: str) -> str:
    """Escape control characters, which data may contain, so they move no cursor."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


class Display:
    """Shows messages and progress to a user; this base class shows nothing."""

    def message(self, text: str) -> None:
        """Show a message."""

    def progress(self, done: int, total: int) -> None:
        """Show how many of the answers are done."""
