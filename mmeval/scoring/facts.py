"""Report records that lack a group, a tag or a target that the task needs, as in a file that was edited."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mmeval.types import InputError, Record


@contextmanager
def needed(records: Sequence[Record]) -> Iterator[None]:
    """Raise InputError for the first record that lacks a group, a tag or a target, if its absence is an error inside.

    Other KeyErrors and IndexErrors pass.
    """
    try:
        yield
    except KeyError as error:
        name = error.args[0]
        lacking = (record for record in records if name not in record.groups and name not in record.tags)
        if not isinstance(name, str) or (record := next(lacking, None)) is None:
            raise
        raise _lacks(record, f"'{name}'") from error
    except IndexError as error:
        if (record := next((record for record in records if not record.targets), None)) is None:
            raise
        raise _lacks(record, "targets") from error


def _lacks(record: Record, what: str) -> InputError:
    advice = "restore the file, or start over with --fresh"
    return InputError(f"record {record.id} has no {what}, which the task needs; {advice}")
