"""The source of a checkpoint's files: its folder, the hub, or the hub's cache if the hub cannot be reached.

A single request decides, so an unknown name or a missing network is reported at once.
"""

from __future__ import annotations

from typing import Any

from httpx2 import HTTPError
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

from mmeval.models import Checkpoint
from mmeval.types import InputError

HUB_TIMEOUT = 10.0
"""Maximum seconds for the hub to say whether it has a model."""


def arguments(checkpoint: Checkpoint, trust_remote_code: bool) -> dict[str, Any]:
    """Return arguments for transformers' `from_pretrained`: revision, local_files_only, trust_remote_code.

    Raises InputError if the hub does not have the name, or if it cannot be reached and the model is not cached.
    """
    revision = checkpoint.revision or "main"
    local = checkpoint.local or not _on_hub(checkpoint.source, revision)
    return {"revision": revision, "local_files_only": local, "trust_remote_code": trust_remote_code}


def _on_hub(source: str, revision: str) -> bool:
    """Return whether the hub has a model; False if the hub cannot be reached but the cache has the model."""
    try:
        HfApi().model_info(source, revision=revision, timeout=HUB_TIMEOUT)
    except HFValidationError as error:
        raise InputError(f"{source}: neither a folder nor a hub name of the form OWNER/NAME; correct it") from error
    except RevisionNotFoundError as error:
        raise InputError(f"{source}: the hub has the model, but no revision '{revision}'; name another") from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"{source}: the hub has no such model, or you have no access; check the name, or log in with "
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
