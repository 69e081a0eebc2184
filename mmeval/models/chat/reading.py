"""Turn errors that transformers and tokenizers raise for a checkpoint's files into one-sentence messages."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmeval.types import InputError, one_line


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
