"""Where a checkpoint's files come from: its folder, the hub, or the hub's cache where the hub is not reached.

One request finds out, so that a name that is none and a machine without a network are told at once.
"""

from __future__ import annotations

from typing import Any

from httpx2 import HTTPError
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

from mmeval.models import Checkpoint
from mmeval.types import InputError

PATIENCE = 10.0
"""Seconds that the hub may take to say whether it has a model."""


def arguments(checkpoint: Checkpoint, trust_remote_code: bool) -> dict[str, Any]:
    """Return what transformers' `from_pretrained` is told: revision, local_files_only, trust_remote_code.

    Raises InputError for a name that the hub does not have, and for a model that is neither reached nor cached.
    """
    revision = checkpoint.revision or "main"
    local = checkpoint.local or not _on_hub(checkpoint.source, revision)
    return {"revision": revision, "local_files_only": local, "trust_remote_code": trust_remote_code}


def _on_hub(source: str, revision: str) -> bool:
    """Return whether the hub has a model; False where it is not reached but the cache has the model."""
    try:
        HfApi().model_info(source, revision=revision, timeout=PATIENCE)
    except HFValidationError as error:
        raise InputError(
            f"{source}: neither a folder nor a name on the hub, which is OWNER/NAME; correct it"
        ) from error
    except RevisionNotFoundError as error:
        raise InputError(f"{source}: the hub has the model, but no revision '{revision}'; name another") from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"{source}: the hub has no such model, or none that you may see; check the name, or log in with "
            "`hf auth login`"
        ) from error
    except (HTTPError, OSError) as error:
        if isinstance(try_to_load_from_cache(source, "config.json", revision=revision), str):
            return False
        raise InputError(
            f"{source}: the hub cannot be reached, and its cache on this machine does not have the model; "
            "connect to the network, or give a checkpoint's folder"
        ) from error
    return True
