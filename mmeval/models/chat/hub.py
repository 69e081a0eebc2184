"""The source of a checkpoint's files: its folder, the hub, or the hub's cache if the hub cannot be reached.

A single request decides, so an unknown name or a missing network is reported at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from httpx2 import HTTPError
from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    HFValidationError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mmeval.models import Checkpoint
from mmeval.types import InputError

CONFIG = "config.json"
"""A file of every checkpoint. The cache has it in a folder named after the commit."""
HUB_TIMEOUT = 10.0
"""Maximum seconds for the hub to say whether it has a model."""


def arguments(checkpoint: Checkpoint, trust_remote_code: bool) -> dict[str, Any]:
    """Return arguments for transformers' `from_pretrained`: revision, local_files_only, trust_remote_code.

    The revision is a commit, so all files are of the same one even if the hub's branch moves in the meantime.
    Raises InputError if the hub does not have the name, or if it cannot be reached and the model is not cached.
    """
    revision, local = checkpoint.revision or "main", checkpoint.local
    if not local:
        revision, local = _commit(checkpoint.source, revision)
    return {"revision": revision, "local_files_only": local, "trust_remote_code": trust_remote_code}


def _commit(source: str, revision: str) -> tuple[str, bool]:
    """Return the commit of a revision, and whether it is only in the cache because the hub cannot be reached."""
    try:
        commit = HfApi().model_info(source, revision=revision, timeout=HUB_TIMEOUT).sha or revision
        if commit != revision:  # the cache learns which commit the branch is, for later without a network
            config = hf_hub_download(source, CONFIG, revision=revision, etag_timeout=HUB_TIMEOUT)
            commit = Path(config).parent.name
        return commit, False
    except RemoteEntryNotFoundError as error:
        raise InputError(
            f"{source}: the hub's repository has no {CONFIG}; name a checkpoint in the format of transformers. If it "
            f"is a LoRA adapter, download it (hf download {source} --local-dir FOLDER) and name the folder"
        ) from error
    except HFValidationError as error:
        raise InputError(f"{source}: neither a folder nor a hub name of the form OWNER/NAME; correct it") from error
    except RevisionNotFoundError as error:
        raise InputError(
            f"{source}: the hub has the model, but no revision '{revision}'; choose another revision"
        ) from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"{source}: the hub has no such model, or you have no access; check the name, or log in with "
            "`hf auth login`"
        ) from error
    except (HTTPError, OSError) as error:
        cached = try_to_load_from_cache(source, CONFIG, revision=revision)
        if isinstance(cached, str):
            return Path(cached).parent.name, True
        raise InputError(
            f"{source}: the hub cannot be reached, and its cache on this machine does not have the model; "
            "connect to the network, or give a checkpoint's folder"
        ) from error
