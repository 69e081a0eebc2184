"""Read a data set on the Hugging Face hub, at a pinned revision. The only source that uses the network."""

import logging
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmeval.types import InputError

SECONDS = 5
"""How long the hub may take to answer."""


def values(repo: str, revision: str, split: str, config: str | None = None) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each row's columns and position. The data is downloaded once, into the hub's cache; pictures stay encoded.

    Raises InputError if `datasets` is not installed, or the data set is neither cached nor reachable.
    """
    for number, row in enumerate(_table(repo, revision, split, config), start=1):
        yield row, f"{repo}, row {number}"


@lru_cache(maxsize=64)
def _table(repo: str, revision: str, split: str, config: str | None) -> Any:
    """Load a data set, with pictures encoded. A run reads it several times, but asks the hub once, for one commit."""
    try:
        import datasets  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError("`--data hub` needs the package datasets; pip install 'mmeval-harness[hf]'") from error
    from httpx2 import HTTPError

    if Path(repo).exists():  # `datasets` would load the path instead
        raise InputError(f"the data set {repo} is on the hub, but this folder has a path of that name; run elsewhere")
    # it logs every retry with an address; the outcome is reported once, below
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    options = {"name": config} if config else {}
    offline = not _answers()
    load = _cached if offline else datasets.load_dataset
    try:
        table = load(repo, revision=revision, split=split, **options)
    # RuntimeError: of hf_xet
    except (HTTPError, OSError, RuntimeError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = "it does not answer" if offline else (str(error) or type(error).__name__).splitlines()[0]
        advice = "check the network, or give a local folder or .parquet file"
        if "gated" in reason.lower():
            advice = f"accept its conditions at huggingface.co/datasets/{repo}, then run `hf auth login`"
        raise InputError(
            f"the data set {repo} at {revision[:12]} cannot be loaded from the hub ({reason}); {advice}"
        ) from error
    for name, kind in table.features.items():
        if isinstance(kind, datasets.Image):
            table = table.cast_column(name, datasets.Image(decode=False))
        elif isinstance(kind, datasets.List) and isinstance(kind.feature, datasets.Image):
            table = table.cast_column(name, datasets.List(datasets.Image(decode=False)))
    return table


def _answers() -> bool:
    """Return whether the hub answers within SECONDS; its libraries would retry for half a minute."""
    import huggingface_hub
    from httpx2 import HTTPError

    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=SECONDS)
    except (OSError, HTTPError):
        return False
    return True


def _cached(repo: str, **options: str) -> Any:
    """Load a data set without the network."""
    import datasets
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        return datasets.load_dataset(repo, **options)
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before
