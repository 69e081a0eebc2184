"""What is wrong with a checkpoint's files, in a sentence, whatever transformers and tokenizers raise over them."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmeval.types import InputError


@contextmanager
def reading(source: str, what: str) -> Iterator[None]:
    """Read a part of a checkpoint, such as `its processor`. Raises InputError naming the source, the part and why."""
    try:
        yield
    except InputError:
        raise
    except ImportError as error:
        raise InputError(f"{source}: {what} needs a package that is not installed: {one_line(error)}") from error
    except Exception as error:  # tokenizers raises Exception itself, and transformers whatever a wrong type leads to
        raise InputError(f"{source}: {what} cannot be loaded ({one_line(error)})") from error


def one_line(error: Exception) -> str:
    """Return an error's message, or its name where it has none, in a line of 300 characters at most."""
    return (" ".join(str(error).split()) or type(error).__name__)[:300]
