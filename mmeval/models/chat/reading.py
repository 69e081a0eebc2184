"""Turn errors that transformers and tokenizers raise for a checkpoint's files into one-sentence messages."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmeval.types import InputError


@contextmanager
def reading(source: str, what: str, cannot: str = "cannot be loaded") -> Iterator[None]:
    """Read a part of a checkpoint, such as `its processor`. Raises InputError naming source, part and reason."""
    try:
        yield
    except InputError:
        raise
    except ImportError as error:
        raise InputError(f"{source}: a package for {what} is not installed: {one_line(error)}") from error
    except Exception as error:  # tokenizers raises plain Exception; transformers raises any error on a wrong type
        raise InputError(f"{source}: {what} {cannot} ({one_line(error)})") from error


def one_line(error: Exception) -> str:
    """Return an error's message, or its class name if empty, as one line of maximum 300 characters."""
    return (" ".join(str(error).split()) or type(error).__name__)[:300]
