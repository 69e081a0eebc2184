"""A data set on the Hugging Face hub, at a pinned revision. The only source that uses the network."""

from __future__ import annotations

from collections.abc import Iterator

from mmeval.sources import tables
from mmeval.sources.rows import Row
from mmeval.types import InputError


def rows(repo: str, revision: str, split: str) -> Iterator[Row]:
    """The rows of the data set, downloaded once into the hub's own cache; pictures stay encoded.

    Raises InputError if `datasets` is not installed, or the data set is neither cached nor in reach.
    """
    try:
        import datasets  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError("DATA=hub needs the package datasets; pip install 'mmeval-harness[hf]'") from error
    try:
        table = datasets.load_dataset(repo, revision=revision, split=split)
    except (OSError, ValueError) as error:
        raise InputError(
            f"the data set {repo} at {revision[:12]} cannot be had from the hub ({str(error).splitlines()[0]}); "
            "check the network, or give a local folder or .parquet file"
        ) from error
    pictures = table.cast_column("image", datasets.Image(decode=False))
    for number, values in enumerate(pictures, start=1):
        yield tables.row(values, f"{repo}, row {number}")
